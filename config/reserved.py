"""Names that are taken: no workspace, app, host or path may have one of these.

Owns the lists. Who is told is `checks`.
"""

from __future__ import annotations

NAMESPACES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
PREFIXES = ("kube-", "kubernetes-", "warren-", "openshift-")
"""How namespaces of the system begin, Warren's own among them."""
SUFFIX = "-system"
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

HOSTS = {
    "www": "is what people type for the domain itself",
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

SIGN_IN_PATHS = ("/oauth2", "/dex")
"""Paths that sign-in owns on a protected host."""
PROOFS = ("/.well-known/acme-challenge", "/.well-known/pki-validation")
"""Where whoever gives out certificates looks for proof that somebody owns the host (RFC 8555, 8.3)."""
DEX = "dex"
PROXY = "oauth2-proxy"
SIGN_IN_NAMES = frozenset({DEX, PROXY})
"""Names in a workspace's namespace that apps may not take; so is everything that starts with `oauth2-proxy-`."""
