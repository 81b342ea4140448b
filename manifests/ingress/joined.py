"""The names that controllers make by joining ours, so that no two of them are ever the same (security rule 48).

Traefik's provider puts `-` between namespace, Ingress, Service and port and for everything else that is no letter or
digit, and keeps routers, services and middlewares of the whole cluster in one table each: of two that come out alike,
one takes the other's place. ingress-nginx joins namespace, Service and port into an upstream's name, and of two the
first one's pods answer for both. Read in Traefik 3.7.12 (pkg/provider/kubernetes/ingress-nginx: build.go,
translator.go; pkg/provider/configuration.go, Normalize) and ingress-nginx 1.15.1 (internal/ingress/controller/util.go,
upstreamName).

Owns how names are joined. That a duplicate is refused, and where it was written, is `check_names`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SUFFIXES = ("basic-auth", "buffering", "allowed-source-range", "limit-rpm", "limit-rps", "snippet", "retry")
"""What the provider puts after a router's name for the middlewares of our annotations (translator.go,
applyMiddlewares)."""


@dataclass(frozen=True)
class Served:
    """An Ingress with one rule, as far as names are made of it."""

    namespace: str
    ingress: str
    service: str
    port: str
    """By name, or the number as text."""
    paths: int = 1


@dataclass(frozen=True)
class Joined:
    """A name that a controller makes."""

    table: str
    """What it is the name of; within one table a name means one thing."""
    name: str
    meant: object
    """What it means; two Joined of one table and name with different meanings must not be."""


def normalized(*parts: str) -> str:
    """Letters and digits, and one `-` for everything between them."""
    return "-".join(re.findall(r"[A-Za-z0-9]+", "-".join(parts)))


def router(namespace: str, ingress: str, path: int = 0) -> str:
    """What the provider calls the router of an Ingress's path; its middlewares have a suffix more."""
    return normalized(namespace, ingress, f"rule-0-path-{path}")


def service(served: Served) -> str:
    """What the provider calls the service of an Ingress."""
    return normalized(served.namespace, served.ingress, served.service, served.port)


def own_router(served: Served) -> str:
    """What we call the second router of an Ingress, in the file provider's table."""
    return normalized(served.namespace, served.ingress)


def measured_router(served: Served) -> str:
    """What we call the one for bodies with a length."""
    return normalized(served.namespace, served.ingress, "measured")


def client_router(served: Served) -> str:
    """What we call the one for programs with a password."""
    return normalized(served.namespace, served.ingress, "client")


def measured_client_router(served: Served) -> str:
    """And theirs for bodies with a length."""
    return normalized(served.namespace, served.ingress, "client", "measured")


def traefik(served: Served) -> Iterator[Joined]:
    """The names that Traefik makes of an Ingress, but for those that are a router's and a suffix.

    A router exists once more with `-tls`, and its middlewares have SUFFIXES: they are apart where routers are, because
    no suffix ends in another one and no router's name in a suffix.
    """
    for path in range(served.paths):
        yield Joined("router", router(served.namespace, served.ingress, path), served)
    yield Joined("service", service(served), served)
    yield Joined("transport", normalized(served.namespace, served.ingress), served)
    for second in (own_router, measured_router, client_router, measured_client_router):
        yield Joined("second router", second(served), served)


def nginx(served: Served) -> Iterator[Joined]:
    """What ingress-nginx calls the pods behind an Ingress: the same for every Ingress that leads to them."""
    pods = (served.namespace, served.service, served.port)
    yield Joined("upstream", "-".join(pods), pods)
