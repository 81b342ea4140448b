"""The route table and the names that come of it."""

from __future__ import annotations

from typing import Any

import pytest

from config import routes
from config.stack import Stack
from config.workspace import Workspace

_STACK = Stack.model_validate(
    {
        "domain": "example.com",
        "cluster": {
            "context": "c",
            "nodes": [{"name": "n", "role": "control-plane", "ip": "10.0.0.1", "cpu": 4, "memory": "8Gi"}],
        },
        "cloudflare": {"accountId": "0" * 32, "zoneId": "1" * 32},
    },
    strict=False,
)
_AUTH = {
    "providers": [{"type": "github", "id": "gh", "clientId": "c", "clientSecret": {"secret": "s"}}],
    "allow": {"emailDomains": ["example.com"]},
}


def _workspace(apps: dict[str, Any], auth: Any = "none", host: str | None = "ws") -> Workspace:
    data = {"name": "ws", "host": host, "quota": {"cpu": "1", "memory": "1Gi"}, "auth": auth, "apps": apps}
    return Workspace.model_validate(data, strict=False)


def _rows(workspace: Workspace) -> list[tuple[str, str, str, int, str]]:
    return [(row.host, row.path, row.app, row.number, row.auth) for row in routes.routes_of(_STACK, workspace)]


def test_a_workspace_without_a_host_has_those_of_its_apps() -> None:
    apps = {"web": {"image": "a/b:1", "port": 80, "routes": ["/"], "host": "web"}, "db": {"image": "a/c:1"}}
    assert routes.hosts_of(_STACK, _workspace(apps, host=None)) == ("web.example.com",)
    assert routes.hosts_of(_STACK, _workspace({"db": {"image": "a/c:1"}}, host=None)) == ()
    assert routes.sign_ins(_STACK, [_workspace(apps, host=None)]) == ()


def test_a_path_of_the_workspaces_host_leads_to_the_apps_port() -> None:
    assert _rows(_workspace({"web": {"image": "a/b:1", "port": 8000, "routes": ["/x"]}})) == [
        ("ws.example.com", "/x", "web", 8000, "none")
    ]


def test_a_static_folder_is_served_on_port_80_at_each_of_its_routes() -> None:
    rows = _rows(_workspace({"site": {"static": "ws/site", "routes": ["/", "/landing"]}}, host="@"))
    assert rows == [("example.com", "/", "site", 80, "none"), ("example.com", "/landing", "site", 80, "none")]


def test_an_app_with_a_host_of_its_own_is_one_label_under_the_domain() -> None:
    workspace = _workspace({"web": {"image": "a/b:1", "port": 1, "routes": ["/"], "host": "api"}})
    assert _rows(workspace) == [("api.example.com", "/", "web", 1, "none")]
    assert routes.hosts_of(_STACK, workspace) == ("api.example.com", "ws.example.com")


def test_an_app_is_served_on_every_host_that_one_of_its_routes_says() -> None:
    rules = ["/", {"path": "/", "host": "old"}, {"path": "/x", "host": "@", "public": True}]
    for host, own in (("api", "api.example.com"), (None, "ws.example.com")):
        made = _workspace({"web": {"image": "a/b:1", "port": 1, "routes": rules, "host": host}}, _AUTH)
        assert [(row[0], row[1], row[4]) for row in _rows(made)] == sorted(
            [(own, "/", "page"), ("old.example.com", "/", "page"), ("example.com", "/x", "none")]
        )
        assert routes.hosts_of(_STACK, made) == tuple(sorted({own, "ws.example.com", "old.example.com", "example.com"}))
        # An OAuth2-Proxy for each host, but for one with public routes only.
        assert routes.protected_hosts(_STACK, made) == tuple(sorted({own, "ws.example.com", "old.example.com"}))


def test_a_workspace_whose_routes_all_say_their_host_needs_none() -> None:
    apps = {"web": {"image": "a/b:1", "port": 80, "routes": [{"path": "/", "host": "a"}, {"path": "/", "host": "b"}]}}
    assert routes.hosts_of(_STACK, _workspace(apps, host=None)) == ("a.example.com", "b.example.com")
    apps["web"]["routes"] = [{"path": "/", "host": "a"}, "/"]
    with pytest.raises(ValueError, match="need a host"):
        _workspace(apps, host=None)


def test_a_route_leads_to_the_port_it_names() -> None:
    app = {
        "image": "a/b:1",
        "ports": {"web": 8000, "grpc": 9000},
        "routes": [{"path": "/", "port": "web"}, {"path": "/g", "port": "grpc"}],
    }
    assert [(path, number) for _, path, _, number, _ in _rows(_workspace({"a": app}))] == [("/", 8000), ("/g", 9000)]


@pytest.mark.parametrize(
    ("rule", "auth", "expected"),
    [
        ("/", "none", "none"),
        ("/", _AUTH, "page"),
        ({"path": "/", "auth": "api"}, _AUTH, "api"),
        ({"path": "/", "public": True}, _AUTH, "none"),
    ],
)
def test_nothing_is_public_in_a_workspace_with_sign_in_unless_it_says_so(rule: Any, auth: Any, expected: str) -> None:
    workspace = _workspace({"a": {"image": "a/b:1", "port": 1, "routes": [rule]}}, auth)
    assert [row.auth for row in routes.routes_of(_STACK, workspace)] == [expected]


def test_a_host_with_only_public_routes_needs_no_sign_in_but_the_one_of_dex_always_does() -> None:
    apps = {
        "open": {"image": "a/b:1", "port": 1, "host": "open", "routes": [{"path": "/", "public": True}]},
        "api": {"image": "a/b:1", "port": 1, "host": "api", "routes": ["/"]},
    }
    assert routes.protected_hosts(_STACK, _workspace(apps, _AUTH)) == ("api.example.com", "ws.example.com")
    assert routes.protected_hosts(_STACK, _workspace(apps)) == ()


def test_a_password_opens_no_route_that_is_behind_sign_in() -> None:
    app = {"image": "i:1", "port": 80, "routes": [{"path": "/", "basicAuth": {"secret": "s"}}]}
    [row] = routes.routes_of(_STACK, _workspace({"a": app}, _AUTH))
    assert row.auth == "page"


def test_people_sign_in_at_every_protected_host_and_dex_is_at_the_workspaces() -> None:
    def app(**fields: Any) -> dict[str, Any]:
        return {"image": "i:1", "port": 80, "routes": ["/"], **fields}

    opened = app(host="c", routes=[{"path": "/", "public": True}])
    apps = {"a": app(), "b": app(host="b"), "c": opened}
    [found] = routes.sign_ins(_STACK, [_workspace(apps, _AUTH), _workspace({"a": app()})])
    assert found == routes.SignIn("ws", "ws.example.com", ("b.example.com", "ws.example.com"))
