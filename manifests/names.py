"""The fixed names that objects know each other by. Changing one renames objects in every cluster, so it needs an alias.

Owns names and labels; decides nothing about what carries them. Host names are `config.routes`', names that nobody may
take are `config.reserved`.
"""

from __future__ import annotations

import hashlib
import re

from config import reserved
from config.routes import Route

TUNNEL_NAMESPACE = "warren-tunnel"
INGRESS_NAMESPACE = "warren-ingress"
INGRESS_CLASS = "warren"
INGRESS_SERVICE = "ingress-controller"
INGRESS_PORT = 80

HOSTS_ANNOTATION = "warren/hosts"
"""On a namespace: the hosts its Ingresses may claim, comma separated. The admission policy reads it."""
CHECKSUM_ANNOTATION = "warren/config"
"""On a pod template: a checksum of the config and secrets it reads, so that a change restarts it (security rule 34)."""

PODS_LABEL, RENDERED_PODS = "warren/pods", "rendered"
"""On a namespace: its pods are those that the platform rendered. An admission policy holds people to it."""

WORKSPACE_LABEL = "warren/workspace"
APP_LABEL = "warren/app"

PULL_SECRET = "warren.registries"  # noqa: S105 - a Secret's name
"""With a dot, which no app's name has: apps' Secrets are called as they are."""

DEX, PROXY = reserved.DEX, reserved.PROXY
"""What sign-in is called in a workspace's namespace."""


def mark(*parts: str) -> str:
    """32 hex digits that stand for some texts, none of which has a line break.

    For names that a program joins to others, so that nobody can write two that come out alike: a second text with the
    same 128 bits is out of reach, one with the same 24 was found in seconds (security rule 48).
    """
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def slug(route: Route) -> str:
    """The name of a route's Ingress: readable, and unlike any other in the cluster.

    The mark keeps it so when every other character becomes `-`, which is how Traefik names routers after namespace and
    Ingress: app `x-y` of workspace `mcd` and app `y` of workspace `mcd-x` would overwrite each other. `ingress.joined`
    computes what comes of it.
    """
    text = re.sub(r"[^a-z0-9]+", "-", route.path.lower())[:40].strip("-")
    known = mark(*identity(route))
    return f"{route.app}.{text}-{known}" if text else f"{route.app}-{known}"


def identity(route: Route) -> tuple[str, ...]:
    """What tells a route from every other one of a stack.

    A host that an app or a workspace has is not in it, so that their routes keep their names where it changes.
    """
    return (route.workspace, route.app, route.path, *([] if route.rule.host is None else [route.host]))


def labels(name: str, *, workspace: str | None = None, app: str | None = None) -> dict[str, str]:
    """The labels of one object, by the recommended Kubernetes set plus Warren's own."""
    own = {WORKSPACE_LABEL: workspace, APP_LABEL: app}
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": "warren",
        "app.kubernetes.io/managed-by": "pulumi",
        **{key: value for key, value in own.items() if value is not None},
    }


def selector(name: str, *, app: bool = False) -> dict[str, str]:
    """What finds the pods of `name` inside their namespace; never changed, because selectors are immutable."""
    return {APP_LABEL: name} if app else {"app.kubernetes.io/name": name}


def service_host(service: str, namespace: str) -> str:
    """A Service's name inside the cluster."""
    return f"{service}.{namespace}.svc.cluster.local"
