"""Routes that lead elsewhere, and how both controllers are told. Pure.

Their annotations mean different things to the two: in Traefik what they lead to is a pattern's replacement and knows
none of nginx's variables, so it could not keep a path. So Traefik gets a router in its file provider, nginx snippets in
its ConfigMap, and the Ingress itself admits nobody (`annotations.route_ingresses`): a controller that does not know of
the redirect yet answers 403, and never with the app.

The host is the file's own, and what a request says comes after the `/` that follows it, so no request leads to another
host. 301 and 302 answer a GET, 308 and 307 everything else, which then stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from config.routes import Route
from manifests import names
from manifests.ingress.own_routers import router_rule

Manifest = dict[str, Any]

_CODES = {False: ("302", "307"), True: ("301", "308")}
"""Whether it is permanent, and what answers a GET and everything else: as Traefik has it (redirect.go, moveHandler)."""


def target(route: Route) -> tuple[str, bool]:
    """The address that a redirect leads to, and whether what was asked for comes after it.

    Raises:
        ValueError: the route is none.
    """
    if route.rule.redirect is None:
        raise ValueError(f"{route.url} is no redirect")
    to = route.rule.redirect.to
    if to.startswith("/"):
        return f"https://{route.host}{to}", False
    parts = urlsplit(to)
    keeps = not parts.path and not parts.query
    return f"{to}/" if keeps else to, keeps


def traefik(routes: Iterable[Route]) -> Manifest:
    """The file provider's config."""
    routers: Manifest = {}
    middlewares: Manifest = {}
    for route in routes:
        if route.rule.redirect is None:
            continue
        (to, keeps), name = target(route), f"redirect.{route.host}{route.path}"
        rule = router_rule(route.host, route.path)
        # A target without the slash after its host (`*`) does not match, and the service answers 418.
        regex, replacement = (r"^https?://[^/]+/(.*)$", f"{to}${{1}}") if keeps else ("^(?s:.*)$", to)
        routers[name] = {
            "rule": rule,
            "priority": len(rule) + 1,
            "entryPoints": ["web"],
            "middlewares": [name],
            "service": "noop@internal",
        }
        moved = {"regex": regex, "replacement": replacement, "permanent": route.rule.redirect.permanent}
        middlewares[name] = {"redirectRegex": moved}
    return {"http": {"routers": routers, "middlewares": middlewares}} if routers else {}


def nginx_http(routes: Iterable[Route]) -> list[str]:
    """Lines for nginx's http block: where each Ingress leads, and with which answer."""
    rows = [route for route in routes if route.rule.redirect is not None]
    if not rows:
        return []
    return [
        'map $request_uri $warren_rest { default ""; "~^/(?<warren_after>.*)$" $warren_after; }',
        'map "$namespace/$ingress_name" $warren_moved {',
        '  default "";',
        *(f'  "{route.workspace}/{names.slug(route)}" "{_address(route)}";' for route in rows),
        "}",
        'map "$namespace/$ingress_name" $warren_moved_for_ever {',
        "  default 0;",
        *(
            f'  "{route.workspace}/{names.slug(route)}" 1;'
            for route in rows
            if route.rule.redirect is not None and route.rule.redirect.permanent
        ),
        "}",
        'map "$warren_moved_for_ever $request_method $warren_moved" $warren_move {',
        "  default 0;",
        *(
            f'  "~^{int(permanent)} {method} ." {code};'
            for permanent, codes in _CODES.items()
            for method, code in zip(("GET", "[^ ]+"), codes, strict=True)
        ),
        "}",
    ]


def nginx_location(routes: Iterable[Route]) -> list[str]:
    """Lines for every location of nginx, where `$ingress_name` is known; before any list or sign-in is asked."""
    if not any(route.rule.redirect for route in routes):
        return []
    return [
        f"if ($warren_move = {code}) {{ return {code} $warren_moved; }}" for each in _CODES.values() for code in each
    ]


def _address(route: Route) -> str:
    to, keeps = target(route)
    return f"{to}$warren_rest" if keeps else to
