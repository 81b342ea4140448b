"""How OAuth2-Proxy is asked whether somebody who is signed in may use a route that lets in fewer than the workspace.

Its auth endpoint takes lists in the query (7.15.4, oauthproxy.go, authOnlyAuthorize): one of each list that is there
has to match, all lists have to, and a list without anything in it is none. So a list can take people away and never
let anybody in: sign-in has judged the session by the workspace's own policy before (getAuthenticatedSession). Who is
on none gets 403, and no sign-in.

The controller writes the question, and nothing of the visitor's request is in it: everything but letters, digits and
`-._~` is encoded, so that Traefik finds no variable in it (middlewares/ingressnginx/interpolation.go) and OAuth2-Proxy
no second parameter. A comma within a name would make two of it; the model refuses that.

**nginx** takes no `%` in the question (annotations/parser/validators.go, URLWithNginxVariableRegex), so there it is a
variable from a map by Ingress. A map that does not know the Ingress yet, or a controller that knows no such variable,
leaves a list with `NOBODY` on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from config.routes import Route
from config.signin import Narrower
from manifests import names

NOBODY = "~"
"""No address, no domain, and no group that people may call so: forges take letters, digits, - . and _ only."""

_VARIABLE = "$warren_narrower"


def query(allow: Narrower) -> str:
    """The lists as a query."""
    return "&".join(f"{key}={','.join(quote(each, safe='') for each in found)}" for key, found in _lists(allow).items())


def for_nginx(allow: Narrower) -> str:
    """The query with the variable in it, which adds to lists that nobody is on."""
    return "&".join([*(f"{key}={NOBODY}" for key in _lists(allow)), _VARIABLE])


def nginx_http(routes: Iterable[Route]) -> list[str]:
    """Lines for nginx's http block: the query of each Ingress that has one."""
    rows = [(route, route.allow) for route in routes if route.allow is not None]
    if not rows:
        return []
    entries = [f'  "{route.workspace}/{names.slug(route)}" "{query(allow)}";' for route, allow in rows]
    return [f'map "$namespace/$ingress_name" {_VARIABLE} {{', '  default "";', *entries, "}"]


def _lists(allow: Narrower) -> dict[str, tuple[str, ...]]:
    lists = {
        "allowed_groups": allow.groups,
        "allowed_email_domains": allow.emailDomains,
        "allowed_emails": allow.emails,
    }
    return {key: found for key, found in lists.items() if found}
