"""Headers that a route sets, and how both controllers are told. Pure.

Traefik gets middlewares for its second routers (`own_routers`), nginx a variable for each header that anybody sets:
where a route says nothing, it is what the app answered or the client sent, as without it.

Sign-in does not see what is set on requests, and what is set on answers is on its refusals too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from config.routes import Route
from manifests import names
from manifests.ingress import joined

Manifest = dict[str, Any]


def answers_name(route: Route) -> str:
    """The middleware with what is set on answers."""
    return joined.normalized("answers", route.workspace, names.slug(route))


def asks_name(route: Route) -> str:
    """The middleware with what is set on requests."""
    return joined.normalized("asks", route.workspace, names.slug(route))


def middlewares(route: Route) -> Manifest:
    """The middlewares of a route, by name."""
    rule, found = route.rule, {}
    if rule.responseHeaders:
        found[answers_name(route)] = {"headers": {"customResponseHeaders": dict(rule.responseHeaders)}}
    if rule.requestHeaders:
        found[asks_name(route)] = {"headers": {"customRequestHeaders": dict(rule.requestHeaders)}}
    return found


def nginx_http(routes: Iterable[Route]) -> list[str]:
    """Lines for nginx's http block: the value of each header, by Ingress."""
    routes = list(routes)
    lines: list[str] = []
    for kind, name in _names(routes):
        lines += [
            f'map "$namespace/$ingress_name" {_variable(kind, name)} {{',
            f"  default ${kind}_{_snake(name)};",
            *(f'  "{each.workspace}/{names.slug(each)}" "{value}";' for each, value in _said(routes, kind, name)),
            "}",
        ]
    return lines


def nginx_location(routes: Iterable[Route]) -> list[str]:
    """Lines for every location of nginx, where `$ingress_name` is known."""
    return [
        f'more_set_headers "{name}: {_variable(kind, name)}";'
        if kind == _ANSWER
        else f"proxy_set_header {name} {_variable(kind, name)};"
        for kind, name in _names(list(routes))
    ]


_ANSWER, _REQUEST = "upstream_http", "http"
"""How nginx calls the headers of an app's answer, and of a request."""


def _headers(route: Route, kind: str) -> dict[str, str]:
    return route.rule.responseHeaders if kind == _ANSWER else route.rule.requestHeaders


def _names(routes: list[Route]) -> list[tuple[str, str]]:
    # By their capitals two names are one header, and nginx would be told twice.
    found = {
        (kind, name.lower()): name for kind in (_ANSWER, _REQUEST) for each in routes for name in _headers(each, kind)
    }
    return [(kind, name) for (kind, _), name in sorted(found.items())]


def _said(routes: list[Route], kind: str, name: str) -> list[tuple[Route, str]]:
    return [
        (each, value) for each in routes for key, value in _headers(each, kind).items() if key.lower() == name.lower()
    ]


def _snake(name: str) -> str:
    return re.sub("-", "_", name.lower())


def _variable(kind: str, name: str) -> str:
    return f"$warren_{'answer' if kind == _ANSWER else 'ask'}_{_snake(name)}"
