"""Names of objects, and that no workspace may take the platform's."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import reserved
from config.route_rule import RouteRule
from config.routes import Route
from manifests import names


def _route(app: str, path: str) -> Route:
    return Route("h", path, "ws", app, "http", 80, "none", RouteRule(path=path))


@pytest.mark.parametrize(
    ("app", "path", "name"),
    [
        ("web", "/", "web"),
        ("web", "/api", "web.api"),
        ("web-api", "/", "web-api"),
        ("web", "/gemini-r1", "web.gemini-r1"),
    ],
)
def test_an_ingress_is_named_after_its_app_and_path(app: str, path: str, name: str) -> None:
    assert re.fullmatch(rf"{re.escape(name)}-[0-9a-f]{{32}}", names.slug(_route(app, path)))


_apps = st.from_regex(r"[a-z]([-a-z0-9]{0,10}[a-z0-9])?", fullmatch=True)
_paths = st.from_regex(r"/([A-Za-z0-9][A-Za-z0-9._-]{0,50}(/[A-Za-z0-9][A-Za-z0-9_-]{0,30}){0,2})?", fullmatch=True)


@given(st.sets(st.tuples(_apps, _paths), min_size=2, max_size=6))
def test_no_two_routes_of_a_workspace_share_an_ingress_name(pairs: set[tuple[str, str]]) -> None:
    slugs = [names.slug(_route(app, path)) for app, path in pairs]
    assert len(set(slugs)) == len(slugs)
    assert all(len(slug) <= 253 and slug == slug.lower() for slug in slugs)


def test_a_route_with_a_host_of_its_own_has_a_name_of_its_own_and_all_others_keep_theirs() -> None:
    def slug(host: str, said: str | None) -> str:
        return names.slug(Route(host, "/x", "ws", "web", "http", 80, "none", RouteRule(path="/x", host=said)))

    assert slug("a.example.com", None) == slug("b.example.com", None) == "web.x-" + names.mark("ws", "web", "/x")
    found = {slug("a.example.com", None), slug("a.example.com", "a"), slug("b.example.com", "b")}
    assert len(found) == 3


@pytest.mark.parametrize("namespace", [names.TUNNEL_NAMESPACE, names.INGRESS_NAMESPACE])
def test_no_workspace_may_be_called_like_a_namespace_of_the_platform(namespace: str) -> None:
    assert namespace.startswith(reserved.PREFIXES)
