"""What no request may be, and how both controllers are told to refuse it. Pure.

Owns what the dialect of `annotations` cannot say: control characters in a path (security rule 50), pages of other hosts
that write as the visitor (53), protocols other than WebSocket (58), and ways back from sign-in that are not https (61).
Traefik gets routers in its file provider that outrank those of the Ingress objects, nginx gets snippets in its
ConfigMap. Every refusal answers 403.

**Whose page it is** is said by `Sec-Fetch-Site`, which a page cannot set. Browsers that do not send it (Safari before
16.4; Chrome when it opens a WebSocket) send `Origin` with everything that is refused here. A client that sends neither
is no browser, carries no cookie that it was not given on purpose, and is let through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from config.routes import Route, SignIn
from manifests import names
from manifests.ingress.own_routers import router_rule

Manifest = dict[str, Any]

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""What changes nothing at an app that keeps to HTTP (RFC 9110, 9.2.1), TRACE excepted."""

_SIGN_IN = "/oauth2"
_FIRST = 1_000_000_000
"""A Traefik priority above the length of any rule."""
_NOBODY = "nobody"
_NO_PEER = "0.0.0.0/32"
"""No connection comes from there, and headers do not count: the allow-list has no strategy, so it asks the peer."""


def guarded(routes: Iterable[Route]) -> list[Route]:
    """The rows that pages of other hosts must not write to: those that let in some people and not others.

    How does not matter: a browser sends a password that it knows, and its own address, with another page's request as
    it sends a cookie.
    """
    return [
        route
        for route in routes
        if (route.auth != "none" or route.rule.basicAuth or route.rule.allowFrom) and not route.rule.crossOrigin
    ]


def _hosts(sign_in: Iterable[SignIn]) -> list[str]:
    return [host for each in sign_in for host in each.hosts]


def traefik(routes: Iterable[Route], sign_in: Iterable[SignIn]) -> Manifest:
    """The file provider's config.

    Args:
        routes: The whole route table.
        sign_in: Where people sign in.
    """
    routes = list(routes)
    routers = {
        "control-character": _refused(r"PathRegexp(`[\x00-\x1f\x7f]`)", _FIRST),
        "upgrade": _refused(f"HeaderRegexp(`Upgrade`, `{_other_than('websocket')}`)", _FIRST),
        **{f"sign-in.{host}": _refused(_wrong_sign_in(host), _FIRST) for host in _hosts(sign_in)},
        **{f"cross-origin.{route.host}{route.path}": _cross_origin(route) for route in guarded(routes)},
        # The Ingress of a denied path has an allow-list too, and that one believes X-Forwarded-For.
        **{
            f"denied.{route.host}{path}": _refused(router_rule(route.host, path), _above(route.host, path))
            for route in routes
            for path in route.rule.deny
        },
    }
    return {"http": {"routers": routers, "middlewares": {_NOBODY: {"ipAllowList": {"sourceRange": [_NO_PEER]}}}}}


def _refused(rule: str, priority: int) -> Manifest:
    # The service answers 418 to everybody: should the middleware ever let somebody in, there is no app behind it.
    return {
        "rule": rule,
        "priority": priority,
        "entryPoints": ["web"],
        "middlewares": [_NOBODY],
        "service": "noop@internal",
    }


def _above(host: str, path: str) -> int:
    # Above the row's own router and the two of `own_routers`, and below those of longer paths, whose rules have at
    # least four characters more.
    return len(router_rule(host, path)) + 3


def _cross_origin(route: Route) -> Manifest:
    safe = " || ".join(f"Method(`{method}`)" for method in SAFE_METHODS)
    site, own = "HeaderRegexp(`Sec-Fetch-Site`, `.`)", "HeaderRegexp(`Sec-Fetch-Site`, `^(same-origin|none)$`)"
    origin, ours = "HeaderRegexp(`Origin`, `.`)", f"Header(`Origin`, `https://{route.host}`)"
    writes = f"(!({safe}) || HeaderRegexp(`Upgrade`, `.`))"
    foreign = f"(({site} && !{own}) || (!{site} && {origin} && !{ours}))"
    rule = router_rule(route.host, route.path)
    return _refused(f"{rule} && {writes} && {foreign}", _above(route.host, route.path))


def _wrong_sign_in(host: str) -> str:
    # OAuth2-Proxy takes rd from a form's body too, which no router sees.
    read = "Method(`GET`) || Method(`HEAD`)"
    return f"{router_rule(host, _SIGN_IN)} && (!({read}) || QueryRegexp(`rd`, `(?i)^http:`))"


def _other_than(word: str) -> str:
    """A pattern for every text but this word and the empty one; Go's patterns know no "not"."""
    parts = [
        f"[^{c}{c.upper()}]" if i == 0 else f"{_either(word[:i])}($|[^{c}{c.upper()}])" for i, c in enumerate(word)
    ]
    return f"(?s)^({'|'.join([*parts, f'{_either(word)}.'])})"


def _either(word: str) -> str:
    return "".join(f"[{c}{c.upper()}]" for c in word)


def nginx_http(routes: Iterable[Route], sign_in: Iterable[SignIn]) -> list[str]:
    """Lines for nginx's http block: who is refused, as variables."""
    return [
        # What the allow-list of a denied path lets in (`annotations.NOBODY`): an address that the client's header said.
        "geo $warren_nobody { default 0; 0.0.0.0/32 1; }",
        'map "$http_sec_fetch_site|$http_origin|https://$host" $warren_foreign {',
        "  default 1;",
        '  "~^(same-origin|none)\\|" 0;',
        '  "~^\\|\\|" 0;',
        '  "~^\\|([^|]+)\\|\\1$" 0;',
        "}",
        f'map "$request_method|$http_upgrade" $warren_writes {{ default 1; "~^({"|".join(SAFE_METHODS)})\\|$" 0; }}',
        'map "$namespace/$ingress_name" $warren_guarded {',
        "  default 0;",
        *(f'  "{route.workspace}/{names.slug(route)}" 1;' for route in guarded(routes)),
        "}",
        'map "$warren_guarded$warren_writes$warren_foreign" $warren_cross_origin { default 0; 111 1; }',
        'map "$host$uri" $warren_sign_in {',
        "  default 0;",
        *(f'  "~^{re.escape(host)}{_SIGN_IN}(/|$)" 1;' for host in _hosts(sign_in)),
        "}",
        f'map $args $warren_http {{ default 0; "~*(^|&){_spelt("rd")}={_spelt("http:")}" 1; }}',
        'map "$warren_sign_in $request_method $warren_http" $warren_wrong_sign_in {',
        '  default 0; "~^1 (?!(GET|HEAD) )" 1; "~^1 [A-Z]+ 1$" 1;',
        "}",
    ]


NGINX_SERVER = (
    # As the path's encoded slashes: an app's own router may stop reading there, /admin%0A is /admin to some.
    'if ($request_uri ~* "^[^?]*%([01][0-9a-f]|7f)") { return 403; }',
    'if ($http_upgrade !~* "^(websocket)?$") { return 403; }',
    "if ($warren_nobody) { return 403; }",
    "if ($warren_wrong_sign_in) { return 403; }",
)
"""For every server block of nginx."""

NGINX_LOCATION = ("if ($warren_cross_origin) { return 403; }",)
"""For every location of nginx, where `$ingress_name` is known."""


def _spelt(text: str) -> str:
    """A pattern for a text in a query, each of whose characters may be written as `%` and digits."""
    return "".join(f"({re.escape(c)}|%{ord(c.lower()):02x}|%{ord(c.upper()):02x})" for c in text)
