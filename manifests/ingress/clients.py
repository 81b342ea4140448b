"""How Traefik is told of programs that come with a password where people sign in (`clients` of a route). Pure.

Requests that bring the user name of a client, as HTTP basic, get a router of their own beside people's: the same walls,
but its password instead of sign-in. So people's requests are treated as without clients, sign-in never sees a client,
and there is no session that would outlive its line. OAuth2-Proxy's own way (`htpasswd_file`, 7.15.4) was not taken: it
lets every client in wherever it lets anybody in, refuses them where groups are asked for, hashes with bcrypt for every
request, and gives a cookie of a whole session to who posts the password to /oauth2/sign_in.

**Who it is.** Traefik writes the user name that it has checked into X-Auth-Request-User and takes the password away;
there is no other identity header. The name begins with `client.`, and a person's is Dex's subject: base64, without a
dot.

**The passwords** are random (`config.checks.check_clients`), so that a hash need not be slow: `{SHA}` costs a guess as
little as a request, and 128 bits are out of reach at any rate. They are in a Secret of the controller's namespace.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping

from config.routes import Route
from manifests import names
from manifests.ingress import joined
from manifests.ingress.controller import IDENTITY_HEADERS, Manifest

USER = "client."
"""What every client's user name begins with."""
SECRET = "traefik-clients"  # noqa: S105 - the name of an object
FILE = "clients.yaml"

_KNOWN = base64.b64encode(USER.encode() + b"aa").decode()[: len(USER) * 8 // 6]
"""How base64 of every such name begins: whole digits of it, the rest of the last one is the name's."""
BROUGHT = f"HeaderRegexp(`Authorization`, `^(?i:basic) {_KNOWN}`)"
"""A rule for requests that bring a client's name; what follows is for the password's check to judge."""
_NOTHING = " && ".join(f"!HeaderRegexp(`{name}`, `.`)" for name in ("Authorization", "Cookie", "Sec-Fetch-Mode"))
"""One for programs that bring nothing, such as git before it is asked. Browsers say what they fetch, and get no box for
a password; a session has a cookie."""


def comes(route: Route) -> str:
    """The rule for what a route's clients send."""
    return f"({BROUGHT} || ({_NOTHING}))" if route.auth == "api" else BROUGHT


def middleware(route: Route) -> str:
    """The name of the check of a route's passwords."""
    return joined.normalized("client", route.workspace, names.slug(route))


def secrets(routes: Iterable[Route]) -> list[str]:
    """The stack's secrets that hold the passwords, sorted."""
    return sorted({secret for route in routes for _, secret in route.clients})


def config(routes: Iterable[Route], passwords: Mapping[str, str]) -> Manifest:
    """The file provider's config that has their hashes; without it no router of theirs is served, and they sign in.

    Args:
        routes: The whole route table.
        passwords: The value of each of `secrets`.
    """
    checks = {
        middleware(route): {
            "basicAuth": {
                "users": [f"{USER}{name}:{_hashed(passwords[secret])}" for name, secret in route.clients],
                "realm": route.app,
                "headerField": IDENTITY_HEADERS[0],
                "removeHeader": True,
            }
        }
        for route in routes
        if route.clients
    }
    return {"http": {"middlewares": checks}}


def _hashed(password: str) -> str:
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return f"{{SHA}}{base64.b64encode(digest).decode()}"
