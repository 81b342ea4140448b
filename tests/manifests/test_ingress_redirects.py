"""Routes that lead elsewhere, as both controllers are told."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from config.redirect import Redirect
from config.route_rule import RouteRule
from config.routes import Route, protected_hosts, routes_of
from manifests import names
from manifests.app import apps
from manifests.ingress import nginx, redirects, traefik
from manifests.ingress.annotations import NOBODY, PREFIX, route_ingresses
from manifests.ingress.own_routers import router_rule
from tests.manifests.ingress_examples import CLUSTER, GATE, HOST, route
from tests.manifests.signin_examples import stack, workspace

WWW, EXACT, PATH = "https://example.org", "https://example.org:8443/x?a=b&c=d", "/new?from=old"


def moved(to: str, path: str = "/old", *, permanent: bool = False) -> Route:
    return replace(route(path), rule=RouteRule(path=path, redirect=Redirect(to=to, permanent=permanent)))


def told_traefik(row: Route, asked: str) -> str:
    """Where Traefik would send somebody: its pattern and its replacement, with Go's `${1}` as Python's."""
    made = redirects.traefik([row])["http"]["middlewares"].values()
    [each] = [each["redirectRegex"] for each in made]
    [found] = re.subn(each["regex"], each["replacement"].replace("${1}", r"\1"), asked, count=1)[:1]
    return str(found)


def told_nginx(row: Route, uri: str) -> str:
    """Where nginx would send somebody: the map's value with what its other map makes of the target."""
    lines = "\n".join(redirects.nginx_http([row]))
    [address] = re.findall(rf'"{row.workspace}/{re.escape(names.slug(row))}" "([^"]*)";', lines)
    [pattern] = re.findall(r'\$request_uri \$warren_rest { default ""; "~([^"]+)"', lines)
    rest = re.search(pattern.replace("?<", "?P<"), uri)
    return str(address.replace("$warren_rest", rest[1] if rest else ""))


@pytest.mark.parametrize(
    ("to", "uri", "where"),
    [
        (WWW, "/", "https://example.org/"),
        (WWW, "/a/b?c=d&e=%2F", "https://example.org/a/b?c=d&e=%2F"),
        (WWW, "//evil.example/x", "https://example.org//evil.example/x"),
        (WWW, "/@evil.example", "https://example.org/@evil.example"),
        (WWW, "/$1$host", "https://example.org/$1$host"),
        (EXACT, "/old/x?y=z", EXACT),
        (PATH, "/old//evil.example", f"https://{HOST}/new?from=old"),
        (f"{WWW}/", "/old/x", "https://example.org/"),
    ],
)
def test_both_controllers_lead_to_the_same_place(to: str, uri: str, where: str) -> None:
    assert told_traefik(moved(to), f"http://{HOST}{uri}") == where
    assert told_nginx(moved(to), uri) == where


@pytest.mark.parametrize(
    "uri", [".evil.example", "@evil.example/", ":80@evil.example", "*", "?a", "", "x.evil.example/"]
)
def test_what_does_not_begin_with_a_slash_never_becomes_part_of_the_host(uri: str) -> None:
    row = moved(WWW)
    at_traefik = told_traefik(row, f"http://{HOST}{uri}")
    # Untouched: the pattern does not match, and the router's service has no app behind it.
    assert at_traefik == f"http://{HOST}{uri}" or urlsplit(at_traefik).hostname == "example.org"
    assert urlsplit(told_nginx(row, uri)).hostname == "example.org"


def test_traefik_gets_a_router_above_the_ingress_and_below_longer_paths_without_any_app_behind_it() -> None:
    row, longer = moved(PATH), route("/old/x")
    [router] = redirects.traefik([row, longer, route("/")])["http"]["routers"].values()
    assert router["service"] == "noop@internal"
    assert len(router["rule"]) < router["priority"] < len(router_rule(HOST, longer.path))


@pytest.mark.parametrize(
    ("permanent", "method", "code"),
    [(False, "GET", "302"), (False, "POST", "307"), (True, "GET", "301"), (True, "HEAD", "308"), (True, "GETX", "308")],
)
def test_nginx_answers_with_the_codes_that_traefik_has(permanent: bool, method: str, code: str) -> None:
    row = moved(PATH, permanent=permanent)
    snippet = nginx.config(CLUSTER, [row])["http-snippet"]
    block = snippet.partition("$warren_move {")[2]
    found = next(
        code
        for pattern, code in re.findall(r'"~(\^[^"]+)" (\d+);', block)
        if re.search(pattern, f"{int(permanent)} {method} /x")
    )
    assert found == code
    assert (
        f"if ($warren_move = {code}) {{ return {code} $warren_moved; }}"
        in nginx.config(CLUSTER, [row])["location-snippet"]
    )
    [middleware] = redirects.traefik([row])["http"]["middlewares"].values()
    assert middleware["redirectRegex"]["permanent"] is permanent


def test_an_ingress_of_a_redirect_lets_nobody_in_and_asks_nobody() -> None:
    [made] = route_ingresses(moved(WWW), GATE)
    notes = made["metadata"]["annotations"]
    assert notes[PREFIX + "whitelist-source-range"] == NOBODY
    assert {name.removeprefix(PREFIX) for name in notes} == {
        *("pulumi.com/skipAwait", "ssl-redirect", "proxy-buffer-size", "whitelist-source-range")
    }


def test_a_stack_without_redirects_is_told_nothing_of_them() -> None:
    assert "redirects.yaml" not in traefik.controller(CLUSTER, [route("/")]).config["traefik"]
    told = nginx.config(CLUSTER, [route("/")])
    assert "warren_move" not in told["http-snippet"] + told["location-snippet"]


def test_a_redirect_opens_no_port_and_needs_no_sign_in() -> None:
    image = {"image": "ghcr.io/example/app:1.0.0", "port": 8000}
    routes: list[Any] = [{"path": "/", "host": "www", "redirect": "https://mcd.example.com"}]
    made = workspace(apps={"web": {**image, "routes": routes}})
    [row] = routes_of(stack(), made)
    assert (row.host, row.auth) == ("www.example.com", "none")
    assert protected_hosts(stack(), made) == ("mcd.example.com",)
    [unit] = apps.units(stack(), made, {})
    [opened] = apps.wall(unit)["spec"]["ingress"]
    assert opened["from"] == [apps.APP_PODS]
