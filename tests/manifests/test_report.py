"""What the outputs say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from config.route_rule import RouteRule
from config.routes import Route
from config.signin import Allow, Narrower
from config.workspace import Workspace
from manifests import report


def _workspace(auth: Any) -> Workspace:
    data = {"name": "ws", "host": "ws", "quota": {"cpu": "1", "memory": "1Gi"}, "auth": auth, "apps": {}}
    return Workspace.model_validate(data, strict=False)


def _route(auth: Any = "page", **rule: Any) -> Route:
    return Route("ws.example.com", "/x", "ws", "web", "http", 8000, auth, RouteRule(path="/x", **rule))


_AUTH = {
    "providers": [{"type": "github", "id": "gh", "clientId": "c", "clientSecret": {"secret": "s"}}],
    "allow": {"emailDomains": ["example.com"], "groups": ["crew"]},
}


def test_the_url_table_has_a_row_a_url() -> None:
    assert report.url_table([_route("none")]) == [
        {"url": "https://ws.example.com/x", "namespace": "ws", "service": "web", "port": 8000, "auth": "no"}
    ]


@pytest.mark.parametrize(("auth", "word"), [("none", "no"), ("page", "yes"), ("api", "yes (401)")])
def test_the_url_table_says_how_a_route_is_guarded(auth: Any, word: str) -> None:
    assert report.url_table([_route(auth)])[0]["auth"] == word


@pytest.mark.parametrize(
    ("allow", "words"),
    [
        ({"emailDomains": ["a.com", "b.com"]}, "@a.com, @b.com"),
        ({"emails": ["x@a.com"]}, "x@a.com"),
        ({"groups": ["crew", "ops"]}, "anyone the providers know in crew or ops"),
        ({"emailDomains": ["a.com"], "groups": ["crew"]}, "@a.com in crew"),
        ({"directory": True}, "everyone in the providers' directories"),
    ],
)
def test_an_allow_rule_is_a_sentence(allow: dict[str, Any], words: str) -> None:
    assert report.allow_rule(Allow.model_validate(allow, strict=False)) == words


def test_who_can_reach_names_the_providers_and_the_rule_of_a_protected_route() -> None:
    assert report.who_can_reach([_workspace(_AUTH)], [_route()]) == [
        {"host": "ws.example.com", "path": "/x", "providers": ["gh"], "allow": "@example.com in crew"}
    ]


@pytest.mark.parametrize(
    ("allow", "words"),
    [({"groups": ["ops"]}, "who is in ops"), ({"emails": ["x@example.com"]}, "x@example.com")],
)
def test_who_can_reach_says_whom_of_the_workspaces_people_a_route_lets_in(allow: dict[str, Any], words: str) -> None:
    row = replace(_route(), allow=Narrower.model_validate(allow, strict=False))
    assert (
        report.who_can_reach([_workspace(_AUTH)], [row])[0]["allow"] == f"@example.com in crew; of those only {words}"
    )


def test_who_can_reach_says_everyone_on_public_routes_of_protected_and_of_open_workspaces() -> None:
    for auth in (_AUTH, "none"):
        assert report.who_can_reach([_workspace(auth)], [_route("none")])[0]["allow"] == "everyone"


def test_who_can_reach_names_the_programs_that_come_in_with_a_password() -> None:
    route = replace(_route(), clients=(("backup", "a-secret"), ("phone", "another")))
    [row] = report.who_can_reach([_workspace(_AUTH)], [route])
    assert row["allow"].endswith("; with a password backup, phone")


def test_who_can_reach_names_networks_and_basic_auth() -> None:
    route = _route("none", allowFrom=("203.0.113.0/24",), basicAuth={"secret": "s"})
    row = report.who_can_reach([_workspace("none")], [route])[0]
    assert row["allow"] == "clients in 203.0.113.0/24 with the basic-auth password"
