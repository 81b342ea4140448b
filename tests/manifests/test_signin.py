"""Names and addresses of sign-in, and when groups are asked for."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from config.workspace import Workspace
from manifests.signin import signin
from tests.manifests.signin_examples import BARE, PROVIDERS, auth_of, provider, stack, workspace

# Names and hosts that meet as soon as they are joined with a hyphen.
TRICKY = (
    workspace("a", own_hosts=("b", "b-c", "apex", "@")),
    workspace("a-b", own_hosts=("c", "oauth2-proxy")),
    workspace("a-b-c", own_hosts=("dex",)),
    workspace("a-oauth2-proxy", own_hosts=("x" * 63, "x" * 62 + "y", "x" * 40, "p.q", "p-q")),
)


def test_every_protected_host_has_a_proxy_and_the_workspaces_own_is_first_among_names() -> None:
    found = {p.host: p.name for p in signin.proxies(stack(), workspace("mcd", own_hosts=("api", "@")))}
    assert found == {
        "mcd.example.com": "oauth2-proxy",
        "api.example.com": "oauth2-proxy-api",
        "example.com": "oauth2-proxy--apex",
    }


def test_a_workspace_without_sign_in_has_no_proxy() -> None:
    assert signin.proxies(stack(), workspace(auth="none")) == ()


def test_a_host_of_its_own_with_public_routes_only_has_no_proxy() -> None:
    public = {"image": "example/app:1", "port": 80, "host": "open", "routes": [{"path": "/", "public": True}]}
    assert [p.host for p in signin.proxies(stack(), workspace(apps={"open": public}))] == ["mcd.example.com"]


def test_rule_06_cookies_clients_and_redirects_are_pairwise_distinct_over_all_workspaces() -> None:
    found = [proxy for w in TRICKY for proxy in signin.proxies(stack(), w)]
    assert len(found) == 16
    for one, other in itertools.combinations(found, 2):
        assert one.cookie != other.cookie
        assert one.client != other.client
        assert one.redirect_url != other.redirect_url


def test_names_of_services_are_dns_labels_and_distinct_in_their_namespace() -> None:
    for w in TRICKY:
        found = [proxy.name for proxy in signin.proxies(stack(), w)]
        assert len(set(found)) == len(found)
        for name in found:
            assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name), name


def test_traefiks_router_names_stay_apart_across_workspaces() -> None:
    routers = [
        f"{w.name}-{signin.ingress_name(w, service)}"
        for w in TRICKY
        for service in ("dex", *(proxy.name for proxy in signin.proxies(stack(), w)))
    ]
    assert len(set(routers)) == len(routers)


def wants(asked: Workspace) -> bool:
    return signin.wants_groups(asked, auth_of(asked))


@pytest.mark.parametrize("kind", PROVIDERS)
def test_groups_are_asked_for_where_a_provider_says_something_about_them_and_not_otherwise(kind: str) -> None:
    assert wants(workspace(providers=[provider(kind)]))
    assert not wants(workspace(providers=[provider(kind, bare=True)]))


@pytest.mark.parametrize("kind", BARE)
def test_groups_are_asked_for_where_they_decide_who_may_come_in(kind: str) -> None:
    asked = workspace(
        providers=[provider(kind, bare=True)], allow={"emailDomains": ["example.com"], "groups": ["staff"]}
    )
    assert wants(asked)


@pytest.mark.parametrize("route", [{"path": "/", "allow": {"groups": ["ops"]}}, "/"])
def test_groups_are_asked_for_where_they_decide_who_may_use_an_app_or_a_route(route: Any) -> None:
    asked = workspace(providers=[provider("github", bare=True)])
    allow = {"allow": {"groups": ["ops"]}} if route == "/" else {}
    app = {"image": "ghcr.io/example/app:1.0.0", "port": 8000, "routes": [route], **allow}
    narrowed = workspace(providers=[provider("github", bare=True)], apps={"web": app})
    assert (wants(asked), wants(narrowed)) == (False, True)
