"""Traefik's second router for the routes whose options its provider does not serve as ingress-nginx does.

The provider's own routers are wrong in three things (Traefik 3.7.12, pkg/provider/kubernetes/ingress-nginx,
middleware.go and translator.go): they count `limit-rps` by the peer's address, which is cloudflared's for everybody;
they write a body with a size limit to disk before they ask who sent it; and they hand basic auth's password on to the
app. So each route with one of these options gets a router here, in the file provider: the same rule, a little more
priority, and then in this order

    headers of the answer, the log's workspace, rate limit, allow-list, password or sign-in, the password taken away,
    headers of the request, the body

where allow-list, password and sign-in are exactly the middlewares, and the service the service, that the provider made
for the Ingress. Programs of `clients` get one more, with their own password in place of sign-in. Should a name ever not
match, Traefik drops that router and serves the Ingress's own: sign-in, lists and denials then hold as before, the rate
limit for all clients together, the body has no limit, and the app sees the password. That is so for a new route, too,
until the kubelet has told the pods, for about a minute.

**Bodies.** Traefik limits a body only by storing it first, and lets files that it did not finish lie until its memory
is tidied up (mailgun/multibuf, New). So nothing is stored: a request that says a length (`Content-Length`, which the
server then holds it to) that is small enough goes to a router that looks at nothing more, and everything else to one
that refuses larger lengths unread and takes up to `UNMEASURED` bytes of a body that says no length, in memory. That
middleware cannot come from the file provider, where it would store answers too, so it is made by an Ingress that serves
nothing (`measuring`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from config import patterns
from config.fields.quantities import mebibytes
from config.routes import Route
from manifests import names
from manifests.ingress import clients, joined
from manifests.ingress import headers as told_headers
from manifests.ingress.annotations import BURST, limit_ingress
from manifests.ingress.controller import CLIENT_SUBNET, WORKSPACE_HEADER
from manifests.ingress.joined import Served

Manifest = dict[str, Any]

PROVIDER = "kubernetesingressnginx"

UNMEASURED = 64 * 2**10
"""Bytes of a body without a length that a route with a limit takes."""

MEASURING = "unmeasured-body"
NOWHERE = "unmeasured-body.invalid"
"""The host of the Ingress that serves nothing. No such name exists (RFC 2606), and the tunnel does not know it."""
BORROWED = f"{joined.router(names.INGRESS_NAMESPACE, MEASURING)}-buffering@{PROVIDER}"
"""The middleware that comes of it: there as soon as Traefik has loaded the Ingress objects, and with all of them."""

WITHOUT_PASSWORD = "without-password"  # noqa: S105 - a middleware's name


def measuring() -> Manifest:
    """The Ingress whose body limit routes borrow."""
    return limit_ingress(MEASURING, NOWHERE, names.INGRESS_NAMESPACE, f"{UNMEASURED // 2**10}k")


def wanted(route: Route) -> bool:
    """Whether a route has options that need a router here."""
    rule = route.rule
    limits = rule.rateLimit is not None or rule.bodySize is not None
    return limits or rule.basicAuth is not None or bool(rule.responseHeaders or rule.requestHeaders)


def config(routes: Iterable[Route]) -> Manifest:
    """The file provider's config for those routes."""
    ours = [route for route in routes if wanted(route) or route.clients]
    if not ours:
        # An empty `routers` would be an error.
        return {}
    headers = {f"workspace-{route.workspace}": {WORKSPACE_HEADER: route.workspace} for route in ours}
    if any(route.rule.basicAuth for route in ours):
        headers[WITHOUT_PASSWORD] = {"Authorization": ""}
    return {
        "http": {
            "routers": {name: router for route in ours for name, router in _routers(route)},
            "middlewares": {
                **{_limit_name(route): _limit(route.rule.rateLimit) for route in ours if route.rule.rateLimit},
                **{name: {"headers": {"customRequestHeaders": value}} for name, value in headers.items()},
                **{name: each for route in ours for name, each in told_headers.middlewares(route).items()},
            },
        }
    }


def rate_limit(average: int, period: str, burst: int) -> Manifest:
    """A limit for each client: the address that Cloudflare saw, and of IPv6 the network that one customer has."""
    source = {"ipStrategy": {"depth": 1, "ipv6Subnet": CLIENT_SUBNET}}
    return {"rateLimit": {"average": average, "period": period, "burst": burst, "sourceCriterion": source}}


def at_once(count: int, unit: str) -> int:
    """How many requests a client may make at once where `count` are allowed in a second or a minute.

    Traefik forgets a client that pauses for as long as one request takes to be earned, and a second more, and then
    grants the whole burst again (pkg/middlewares/ratelimiter/rate_limiter.go, ttl). With minutes' worth at once, 20/m
    was 25 a second for whoever knew. So it is ten seconds' worth of such a rate, or five: with all pauses, nobody makes
    more than six times what the route says. (It forgets everybody whenever its config changes, too.)
    """
    return count * BURST if unit == "s" else max(BURST, count // 6)


def router_rule(host: str, path: str) -> str:
    """The rule that the provider writes for a Prefix path (translator.go, buildRule)."""
    paths = 'PathPrefix("/")' if path == "/" else f'(Path("{path}") || PathPrefix("{path}/"))'
    return f'Host("{host}") && {paths}'


def _limit_name(route: Route) -> str:
    return joined.normalized("limit", route.workspace, names.slug(route))


def _limit(rate: str) -> Manifest:
    count, _, unit = rate.partition("/")
    return rate_limit(int(count), f"1{unit}", at_once(int(count), unit))


def _routers(route: Route) -> Iterator[tuple[str, Manifest]]:
    served = Served(route.workspace, names.slug(route), route.app, route.port)
    who = clients.comes(route)
    if wanted(route):
        called = (joined.own_router(served), joined.measured_router(served))
        yield from _pair(route, called, f" && !{who}" if route.clients else "", _middlewares(route))
    if route.clients:
        called = (joined.client_router(served), joined.measured_client_router(served))
        yield from _pair(route, called, f" && {who}", _middlewares(route, by_password=True))


def _pair(route: Route, called: tuple[str, str], whose: str, chain: list[str]) -> Iterator[tuple[str, Manifest]]:
    served = Served(route.workspace, names.slug(route), route.app, route.port)
    # Traefik ranks the Ingress's router by the length of the same rule. A path below it makes that at least four
    # characters longer.
    rule = router_rule(route.host, route.path)
    base = {
        "rule": f"{rule}{whose}",
        "priority": len(rule) + 1,
        "entryPoints": ["web"],
        "middlewares": chain,
        "service": f"{joined.service(served)}@{PROVIDER}",
    }
    if route.rule.bodySize is None:
        yield called[0], base
        return
    length = f'HeaderRegexp("Content-Length", "^{patterns.within(0, mebibytes(route.rule.bodySize) * 2**20)}$")'
    yield called[0], {**base, "middlewares": [*chain, BORROWED]}
    yield called[1], {**base, "rule": f"{rule} && {length}{whose}", "priority": len(rule) + 2}


def _middlewares(route: Route, *, by_password: bool = False) -> list[str]:
    rule, own = route.rule, joined.router(route.workspace, names.slug(route))
    chain = {
        told_headers.answers_name(route): bool(rule.responseHeaders),
        f"workspace-{route.workspace}": True,
        _limit_name(route): rule.rateLimit is not None,
        f"{own}-allowed-source-range@{PROVIDER}": bool(rule.allowFrom),
        f"{own}-basic-auth@{PROVIDER}": rule.basicAuth is not None,
        f"{own}-snippet@{PROVIDER}": route.auth != "none" and not by_password,
        clients.middleware(route): by_password,
        WITHOUT_PASSWORD: rule.basicAuth is not None,
        told_headers.asks_name(route): bool(rule.requestHeaders),
    }
    return [name for name, wanted in chain.items() if wanted]
