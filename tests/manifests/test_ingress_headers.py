"""Headers that routes set, as both controllers are told."""

from __future__ import annotations

import re
import string
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from config.headers import RESPONSE, HeaderValue, RequestHeader, ResponseHeader
from manifests.ingress import headers, nginx, own_routers, traefik
from manifests.ingress.annotations import route_ingresses
from manifests.ingress.controller import FORBIDDEN_HEADERS, UNCACHED
from manifests.ingress.joined import normalized
from manifests.names import slug
from tests.manifests.ingress_examples import CLUSTER, EVERY_KIND, GATE, route

ROW = route("/x", "page", responseHeaders={"X-Frame-Options": "DENY"}, requestHeaders={"X-Script-Name": "/x"})


def takes(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    "name",
    [
        *(name for name in FORBIDDEN_HEADERS if name != "X-Forwarded-Prefix"),
        *("Host", "Connection", "Transfer-Encoding", "Content-Length", "Upgrade", "TE", "Trailer", "Keep-Alive"),
        *("Authorization", "Cookie", "Proxy-Authorization", "CF-Connecting-IP", "X-Forwarded-For", "X-Forwarded-Proto"),
        *("Remote-User", "X-Remote-User", "X-WebAuth-User", "X-Authentik-Groups", "X-Token-Subject", "X-Email"),
        *("X_Script_Name", "X.Script.Name", "X-", "X--A", "X-A\n", "X-A: b", "X-A\r\nB", ""),
        *("X-HTTP-Method-Override", "X-Method-Override", "X-Scheme", "X-Request-ID"),
    ],
)
def test_no_header_that_says_who_asks_or_how_they_came_can_be_set_on_a_request(name: str) -> None:
    for spelt in (name, name.lower(), name.upper(), name.title()):
        assert not takes(RequestHeader, spelt)


@pytest.mark.parametrize("name", ["X-Forwarded-Prefix", "X-Script-Name", "X-Ingress-Path", "X-Api-Version"])
def test_other_headers_can(name: str) -> None:
    assert takes(RequestHeader, name)


@pytest.mark.parametrize(
    "name",
    [
        *("Set-Cookie", "Location", "Refresh", "Content-Length", "Transfer-Encoding", "Connection", "Content-Type"),
        *("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "WWW-Authenticate", "Alt-Svc"),
        *("X-Accel-Redirect", "X-Accel-Expires", "CDN-Cache-Control", "Surrogate-Control", "X-Auth-Request-User"),
        *(*UNCACHED, "Clear-Site-Data", "X-Frame-Options\n", "X-Frame-Options: DENY", ""),
    ],
)
def test_only_what_browsers_and_search_engines_are_told_can_be_set_on_an_answer(name: str) -> None:
    assert not takes(ResponseHeader, name)
    assert name not in RESPONSE


def test_a_value_has_nothing_that_is_more_than_text_to_a_template_or_to_nginx() -> None:
    """Traefik's file provider runs Go's templates over its files; nginx reads variables, quotes and backslashes."""
    allowed = {mark for mark in map(chr, range(0x250)) if takes(HeaderValue, f"a{mark}b")}
    assert allowed == set(string.printable) - set('"$\\{}`\t\n\r\x0b\x0c')
    for value in ("", " ", " a", "a ", "a\n", "é", '{{ env "X" }}', "a" * 1001, "a\x85b", "a\u2028b"):
        assert not takes(HeaderValue, value)


def test_traefik_sets_answers_around_everything_and_requests_after_sign_in() -> None:
    made = own_routers.config([ROW])["http"]
    [router] = made["routers"].values()
    own = normalized("mcd", slug(ROW), "rule-0-path-0")
    answers, asks = headers.answers_name(ROW), headers.asks_name(ROW)
    assert router["middlewares"] == [answers, "workspace-mcd", f"{own}-snippet@kubernetesingressnginx", asks]
    assert made["middlewares"][answers] == {"headers": {"customResponseHeaders": {"X-Frame-Options": "DENY"}}}
    assert made["middlewares"][asks] == {"headers": {"customRequestHeaders": {"X-Script-Name": "/x"}}}


def test_the_ingress_says_nothing_of_them() -> None:
    plain = route("/x", "page")
    assert route_ingresses(ROW, GATE) == route_ingresses(plain, GATE)


def test_nginx_sets_them_by_ingress_and_leaves_all_others_as_they_were() -> None:
    other = route("/y", responseHeaders={"Referrer-Policy": "no-referrer"}, requestHeaders={"X-script-name": "/y"})
    told = nginx.config(CLUSTER, [ROW, other, route("/z")])
    assert (
        'map "$namespace/$ingress_name" $warren_answer_x_frame_options {\n'
        "  default $upstream_http_x_frame_options;\n"
        f'  "mcd/{slug(ROW)}" "DENY";\n'
        "}"
    ) in told["http-snippet"]
    # Two spellings of a name are one variable and one directive.
    assert (
        'map "$namespace/$ingress_name" $warren_ask_x_script_name {\n'
        "  default $http_x_script_name;\n"
        f'  "mcd/{slug(ROW)}" "/x";\n'
        f'  "mcd/{slug(other)}" "/y";\n'
        "}"
    ) in told["http-snippet"]
    lines = told["location-snippet"].split("\n")
    assert [line for line in lines if "warren_a" in line] == [
        "proxy_set_header X-script-name $warren_ask_x_script_name;",
        'more_set_headers "Referrer-Policy: $warren_answer_referrer_policy";',
        'more_set_headers "X-Frame-Options: $warren_answer_x_frame_options";',
    ]


def test_a_stack_that_sets_none_is_told_nothing_of_them() -> None:
    told = nginx.config(CLUSTER, EVERY_KIND)
    assert not re.search("warren_(answer|ask)|more_set_headers|proxy_set_header", "".join(told.values()))
    assert "customResponseHeaders" not in str(own_routers.config(EVERY_KIND))


@pytest.mark.parametrize(
    "value", ["#a: b", "- x", "!!python/x", "a: b #c", "*x", "&x", "'", "|", "%", "default-src 'self'; x"]
)
def test_a_value_is_the_same_text_in_traefiks_file(value: str) -> None:
    row = route("/x", responseHeaders={"X-Frame-Options": value})
    text = traefik.controller(CLUSTER, [row]).config["traefik"]["routes.yaml"]
    made = yaml.safe_load(text)["http"]["middlewares"][headers.answers_name(row)]
    assert made == {"headers": {"customResponseHeaders": {"X-Frame-Options": value}}}
