"""The fixed names that objects know each other by. Changing one renames objects in every cluster, so it needs an alias.

Owns names, labels and host names; decides nothing about what carries them.
"""

from __future__ import annotations

import hashlib

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
RESERVED_PREFIXES = ("kube-", "kubernetes-", "warren-", "openshift-")
RESERVED_SUFFIX = "-system"
"""How operators call their namespaces: metallb-system, longhorn-system, gatekeeper-system."""
SERVICE_NAMESPACES = frozenset(
    """
    arc-runners arc-systems argocd cert-manager cilium cilium-secrets databases external-dns external-secrets
    gatekeeper gitlab-agent headlamp ingress-nginx istio-ingress jaeger keda knative-eventing knative-operator
    knative-serving kubero linkerd linkerd-jaeger linkerd-multicluster linkerd-viz local-path-storage longhorn
    metallb monitoring openbao pihole pocket-id rook-ceph security step-ca system-upgrade tigera-operator tinyauth
    traefik traefik-private traefik-public vault velero
    """.split()
)
"""Where platform services live, or are installed by their own instructions: a workspace there would share the
namespace, its Secrets and its walls with one (security rule 59)."""

RESERVED_HOSTS = {
    "www": "is what people type for the domain itself, and Warren cannot redirect yet",
    "mta-sts": "tells mail servers how to reach the domain's mail (RFC 8461)",
    "autoconfig": "is where mail programs ask for settings, with the address of who asks",
    "autodiscover": "is where mail programs send passwords to find their settings",
    "enterpriseenrollment": "is where Windows machines enroll",
    "enterpriseregistration": "is where Windows machines register",
    "lyncdiscover": "is where Teams and Skype find their servers",
    "msoid": "is where Microsoft's programs find their sign-in",
    "openpgpkey": "is where mail programs fetch people's keys",
    "wpad": "is where browsers fetch their proxy settings",
    "isatap": "is where Windows machines find an IPv6 router",
    "localhost": "means the machine itself",
}
"""First labels that programs ask without anybody having typed them, and why (security rule 59)."""

GATEWAY_PATHS = ("/oauth2", "/dex")
"""Paths that sign-in owns on a protected host."""
DEX = "dex"
PROXY = "oauth2-proxy"
GATEWAY_NAMES = frozenset({DEX, PROXY})
"""Names in a workspace's namespace that apps may not take; so is everything that starts with `oauth2-proxy-`."""


def mark(*parts: str) -> str:
    """32 hex digits that stand for some texts, none of which has a line break.

    For names that a program joins to others, so that nobody can write two that come out alike: a second text with the
    same 128 bits is out of reach, one with the same 24 was found in seconds (security rule 48).
    """
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


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
