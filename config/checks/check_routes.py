"""The rules inside one app's routes, a function a rule: where it is broken below the route, and what to do.

Does not own what routes do to each other (`check`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from config import reserved
from config.app import App
from config.mistakes import KeyPath, Loaded, Mistake
from config.route_rule import RouteRule
from config.routes import app_ports, tcp_ports
from config.workspace import Workspace

Broken = Iterator[tuple[KeyPath, str]]


@dataclass(frozen=True)
class Given:
    """A route, and what its rules look at beside it."""

    rule: RouteRule
    ports: Mapping[str, int]
    """Those of its app, by name."""
    tcp: Collection[str]
    """The names of those that requests can come to."""
    signs_in: bool
    """Whether its workspace signs people in."""


def check(file: Loaded[Workspace], at: KeyPath, app: App) -> Iterator[Mistake]:
    """Everything that is wrong inside the routes of the app at `at`."""
    ports, tcp, signs_in = app_ports(app), tcp_ports(app), file.model.auth != "none"
    for i, rule in enumerate(app.routes):
        route = Given(rule, ports, tcp, signs_in)
        for broken in RULES:
            for below_route, what in broken(route):
                yield file.mistake((*at, "routes", i, *below_route), what)


def below(path: str, root: str) -> bool:
    """Whether a route at `root` would serve `path`: the same path, or one that goes on after a slash."""
    return root == "/" or path == root or path.startswith(f"{root}/")


def _port_of_the_app(route: Given) -> Broken:
    port, known = route.rule.port, route.ports
    if port is not None and port not in known:
        yield ("port",), f"{port!r} is not a port of this app; it has {', '.join(sorted(known))}"
    elif not route.tcp or (port is not None and port not in route.tcp):
        yield ("port",), "leads to a port of UDP, and requests come over TCP; choose another port"


def _nothing_about_sign_in_without_one(route: Given) -> Broken:
    if not route.signs_in and (route.rule.public or route.rule.auth != "page"):
        key = "public" if route.rule.public else "auth"
        yield (key,), "means nothing in a workspace with auth: none, where every route is public; leave it out"


def _public_or_auth(route: Given) -> Broken:
    if route.rule.public and route.rule.auth != "page":
        yield ("auth",), "says how to sign in on a route that is public; leave one of them out"


def _cross_origin_where_somebody_is_kept_out(route: Given) -> Broken:
    rule = route.rule
    if rule.crossOrigin and (rule.public or not route.signs_in) and not (rule.basicAuth or rule.allowFrom):
        what = "means nothing on a route that lets everybody in: pages of other hosts may write there; leave it out"
        yield ("crossOrigin",), what


def _one_authorization_header(route: Given) -> Broken:
    if route.rule.basicAuth and route.signs_in and not route.rule.public:
        what = "and sign-in both want the Authorization header; make the route public, or leave basicAuth out"
        yield ("basicAuth",), what


def _body_of_known_length(route: Given) -> Broken:
    if route.rule.bodySize and route.rule.protocol == "grpc":
        yield ("bodySize",), "measures the length that a request says, and grpc says none; leave it out"


def _headers_of_known_requests(route: Given) -> Broken:
    if route.rule.requestHeaders and route.rule.protocol == "grpc":
        yield ("requestHeaders",), "cannot be set on grpc, which clients send metadata with themselves; leave it out"
    for key, headers in (
        ("requestHeaders", route.rule.requestHeaders),
        ("responseHeaders", route.rule.responseHeaders),
    ):
        seen: dict[str, str] = {}
        for name in headers:
            if (first := seen.setdefault(name.lower(), name)) != name:
                yield (key, name), f"is {first} in other letters; write it once"


def _allow_from_somebody(route: Given) -> Broken:
    for i, cidr in enumerate(route.rule.allowFrom):
        if ipaddress.ip_network(cidr).prefixlen == 0:
            yield ("allowFrom", i), f"{cidr} is everyone, so it restricts nothing; leave it out"


def _deny_below_the_path(route: Given) -> Broken:
    served = route.rule.path
    for i, path in enumerate(route.rule.deny):
        if not below(path, served) or path == served:
            yield ("deny", i), f"{path} is not below {served}, so this route never serves it; leave it out"


def _no_path_of_the_sign_in(route: Given) -> Broken:
    for path in (route.rule.path, *route.rule.deny) if route.signs_in else ():
        owner = next((gateway for gateway in reserved.SIGN_IN_PATHS if below(path, gateway)), None)
        if owner is not None:
            what = f"{path} belongs to the sign-in, which owns {owner} in this workspace; choose another path"
            yield (), what


def _no_proof_of_a_host(route: Given) -> Broken:
    if proof := next((each for each in reserved.PROOFS if below(route.rule.path, each)), None):
        what = f"{proof} is where certificates are asked for, and Cloudflare has those of every host here; leave it out"
        yield ("path",), what


RULES: tuple[Callable[[Given], Broken], ...] = (
    _port_of_the_app,
    _nothing_about_sign_in_without_one,
    _public_or_auth,
    _cross_origin_where_somebody_is_kept_out,
    _one_authorization_header,
    _body_of_known_length,
    _headers_of_known_requests,
    _allow_from_somebody,
    _deny_below_the_path,
    _no_path_of_the_sign_in,
    _no_proof_of_a_host,
)
"""In the order in which a person is told."""
