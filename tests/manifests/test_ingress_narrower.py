"""Routes that let in fewer people than their workspace: what OAuth2-Proxy is asked, in both controllers."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from config.routes import Route, routes_of
from config.signin import Narrower
from manifests.ingress import narrower, nginx, own_routers
from manifests.ingress.annotations import PREFIX, Gate, route_ingresses
from manifests.ingress.joined import normalized
from manifests.names import slug
from manifests.signin import door
from tests.manifests.ingress_examples import CLUSTER, GATE, HOST, route
from tests.manifests.signin_examples import provider, stack, workspace

NGINX_GATE = Gate(HOST, "oauth2-proxy", "mcd", variables=True)
ODD = ("a b", "x&allowed_groups=y", "100%", "#", "$host", "${arg_x}", "a;b", "ä", 'q"', "a\nb", "+", "a=b", "\\")
"""Groups whose names mean something to a URL, to nginx or to Traefik."""


def _allow(**lists: Any) -> Narrower:
    return Narrower.model_validate(lists, strict=False)


def _asked(row: Route, gate: Gate = GATE) -> str:
    asked: str = route_ingresses(row, gate)[0]["metadata"]["annotations"][PREFIX + "auth-url"]
    return asked


def _narrowed(path: str = "/x", auth: Any = "page", **lists: Any) -> Route:
    return replace(route(path, auth), allow=_allow(**lists))


def test_a_route_that_says_nothing_is_asked_about_as_before() -> None:
    assert _asked(route("/x", "page")) == "http://oauth2-proxy.mcd.svc.cluster.local:4180/oauth2/auth"
    assert _asked(route("/x", "page"), NGINX_GATE) == _asked(route("/x", "page"))


def test_each_list_is_a_parameter_of_its_own() -> None:
    asked = urlsplit(_asked(_narrowed(groups=["ops", "staff"], emails=["ada@example.com", "bob+x@example.com"])))
    assert asked.path == "/oauth2/auth"
    assert parse_qs(asked.query, strict_parsing=True) == {
        "allowed_groups": ["ops,staff"],
        "allowed_emails": ["ada@example.com,bob+x@example.com"],
    }
    assert narrower.query(_allow(emailDomains=["example.com"])) == "allowed_email_domains=example.com"


@pytest.mark.parametrize("group", ODD)
def test_no_name_is_more_than_itself(group: str) -> None:
    """Nothing in a name ends the parameter, is a variable to Traefik, or leaves nginx's quotes."""
    asked = _asked(_narrowed(groups=[group]))
    assert parse_qs(urlsplit(asked).query, strict_parsing=True) == {"allowed_groups": [group]}
    assert re.fullmatch(r"[A-Za-z0-9:/._~?=%-]+", asked)
    [line] = [each for each in narrower.nginx_http([_narrowed(groups=[group])]) if "mcd/" in each]
    assert re.fullmatch(r'  "mcd/[a-z0-9.-]+" "allowed_groups=[A-Za-z0-9._~%-]+";', line)


def test_nginx_is_asked_by_a_variable_because_it_takes_no_percent_sign() -> None:
    row = _narrowed(groups=["ops"], emails=["ada@example.com"])
    asked = _asked(row, NGINX_GATE)
    # URLWithNginxVariableRegex of ingress-nginx 1.15.1.
    assert re.fullmatch(r"[\-._~a-zA-Z0-9/:, ?&=$]*", asked)
    assert asked.endswith("?allowed_groups=~&allowed_emails=~&$warren_narrower")
    snippet = nginx.config(CLUSTER, [route("/"), row])["http-snippet"]
    assert (
        'map "$namespace/$ingress_name" $warren_narrower {\n'
        '  default "";\n'
        f'  "mcd/{slug(row)}" "allowed_groups=ops&allowed_emails=ada%40example.com";\n'
        "}"
    ) in snippet


def test_whoever_does_not_know_the_variable_lets_nobody_in() -> None:
    """Traefik leaves an unknown variable as it is, nginx has the map's default for a route that it knows not yet."""
    row = _narrowed(groups=["ops"], emailDomains=["example.com"])
    for known in ("$warren_narrower", ""):
        query = urlsplit(_asked(row, NGINX_GATE).replace("$warren_narrower", known)).query
        lists = parse_qs(query)
        assert lists["allowed_groups"] == lists["allowed_email_domains"] == ["~"]


def test_a_stack_in_which_nobody_narrows_has_no_such_map() -> None:
    assert "warren_narrower" not in nginx.config(CLUSTER, [route("/", "page")])["http-snippet"]


def test_the_gate_knows_which_controller_asks() -> None:
    found = {
        name: door.gates(stack(ingress={"controller": name}), workspace())[HOST].variables
        for name in ("traefik", "nginx")
    }
    assert found == {"traefik": False, "nginx": True}


def test_traefiks_second_router_asks_by_the_same_middleware() -> None:
    row = replace(route("/x", "page", rateLimit="5/s"), allow=_allow(groups=["ops"]))
    [router] = own_routers.config([row])["http"]["routers"].values()
    own = normalized("mcd", slug(row), "rule-0-path-0-snippet")
    assert f"{own}@kubernetesingressnginx" in router["middlewares"]


@pytest.mark.parametrize(
    ("app", "rule", "found"),
    [
        (None, None, None),
        (["ops"], None, ["ops"]),
        (None, ["staff"], ["staff"]),
        (["ops"], ["staff"], ["staff"]),
    ],
)
def test_a_route_has_its_own_list_or_its_apps(app: Any, rule: Any, found: Any) -> None:
    path = {"path": "/", **({"allow": {"groups": rule}} if rule else {})}
    said = {"allow": {"groups": app}} if app else {}
    apps = {"web": {"image": "ghcr.io/example/app:1.0.0", "port": 8000, "routes": [path], **said}}
    [row] = routes_of(stack(), workspace(providers=[provider("github")], apps=apps))
    assert (row.allow and list(row.allow.groups)) == found


def test_a_public_route_of_a_narrowed_app_is_everybodys_still() -> None:
    image = {"image": "ghcr.io/example/app:1.0.0", "port": 8000, "allow": {"groups": ["ops"]}}
    apps = {"web": {**image, "routes": ["/", {"path": "/hooks", "public": True}]}}
    found = {row.path: row.allow is not None for row in routes_of(stack(), workspace(apps=apps))}
    assert found == {"/": True, "/hooks": False}
