"""The fixed names that objects know each other by. Changing one renames objects in every cluster, so it needs an alias.

Owns names, labels and host names; decides nothing about what carries them.
"""

from __future__ import annotations

TUNNEL_NAMESPACE = "warren-tunnel"
INGRESS_NAMESPACE = "warren-ingress"
INGRESS_CLASS = "warren"
INGRESS_SERVICE = "ingress-controller"
INGRESS_PORT = 80

HOSTS_ANNOTATION = "warren/hosts"
"""On a namespace: the hosts its Ingresses may claim, comma separated. The admission policy reads it."""
CHECKSUM_ANNOTATION = "warren/config"
"""On a pod template: a checksum of the config and secrets it reads, so that a change restarts it (security rule 34)."""

WORKSPACE_LABEL = "warren/workspace"
APP_LABEL = "warren/app"

RESERVED_NAMESPACES = frozenset(
    {"default", "kube-system", "kube-public", "kube-node-lease", TUNNEL_NAMESPACE, INGRESS_NAMESPACE}
)
RESERVED_PREFIXES = ("kube-", "warren-", "openshift-")

GATEWAY_PATHS = ("/oauth2", "/dex")
"""Paths that sign-in owns on a protected host."""
DEX = "dex"
PROXY = "oauth2-proxy"
GATEWAY_NAMES = frozenset({DEX, PROXY})
"""Names in a workspace's namespace that apps may not take; so is everything that starts with `oauth2-proxy-`."""


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


def hostname(label: str, domain: str) -> str:
    """The full host name of a workspace's or app's `host`."""
    return domain if label == "@" else f"{label}.{domain}"


def service_host(service: str, namespace: str) -> str:
    """A Service's name inside the cluster."""
    return f"{service}.{namespace}.svc.cluster.local"
