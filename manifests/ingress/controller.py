"""What an ingress controller is to the rest of Warren, and what both of ours have in common.

Owns the shape (`Controller`), the ports, and the list of request headers that no client may send. How each program is
told is `traefik` and `nginx`; the Ingress objects that both serve are `annotations`.

**The real client.** Cloudflare writes the visitor's address into CF-Connecting-IP, replacing what the visitor sent, and
appends it to X-Forwarded-For, keeping what the visitor sent
(developers.cloudflare.com/fundamentals/reference/http-headers). cloudflared adds nothing and connects from a pod
address. So CF-Connecting-IP, and the **last** entry of X-Forwarded-For, are true because only cloudflared reaches the
controller; every other entry may be invented (security rule 30). What else Cloudflare may say of the visitor
(CF-Connecting-IPv6, CF-Pseudo-IPv4, True-Client-IP) is read by nobody here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from config.stack import Cluster
from manifests import names, pods, walls

Manifest = dict[str, Any]

CONTROLLER_CLASS = "k8s.io/ingress-nginx"
"""The IngressClass's controller, and what both programs look for by default."""

HTTP_PORT = 8000
"""Where both listen for cloudflared. Above 1024, so that no privilege is needed."""

CLIENT_HEADER = "CF-Connecting-IP"

IDENTITY_HEADERS = (
    "X-Auth-Request-User",
    "X-Auth-Request-Email",
    "X-Auth-Request-Groups",
    "X-Auth-Request-Preferred-Username",
)
"""Who the visitor is. Set after sign-in and never by anybody else (security rule 24)."""

WORKSPACE_HEADER = "X-Warren-Workspace"
"""For the access log of rate-limited routes under Traefik; see `traefik`."""

FORBIDDEN_HEADERS = (
    *IDENTITY_HEADERS,
    "X-Auth-Request-Access-Token",
    "X-Auth-Request-Redirect",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    # Not who, but where: an app builds links, and OAuth2-Proxy its way back, from these. The Host header is true
    # already.
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Uri",
    "X-Forwarded-Method",
    "X-Forwarded-Prefix",
    "X-Forwarded-Server",
    "X-Forwarded-Tls-Client-Cert",
    "X-Forwarded-Tls-Client-Cert-Info",
    "X-Original-Url",
    "X-Original-Uri",
    "X-Original-Method",
    "X-Original-Forwarded-For",
    "X-Original-Forwarded-Host",
    "X-Rewrite-Url",
    "X-Real-Ip",
    "Forwarded",
    "Proxy",
    WORKSPACE_HEADER,
)
"""Removed from every request before anything else sees them, on public routes too."""

UNCACHED = {"Cloudflare-CDN-Cache-Control": "no-store"}
"""On every response. Cloudflare caches by file extension whatever does not forbid it, so /report.pdf of an app behind
sign-in would be served from the edge to people who never signed in. This header is for the edge only and wins over the
app's own Cache-Control (developers.cloudflare.com/cache/concepts/cdn-cache-control); browsers still see and obey the
app's."""

CLIENT_RATE = 100
CLIENT_BURST = 500
"""Requests per second that one client may make, sign-in included, and how many at once: nginx counts them over all
hosts, Traefik for each route on its own."""

CLIENT_SUBNET = 64
"""Bits of an IPv6 address that are one client: what every customer of an internet provider has at least, with 2^64
addresses in it to choose from (security rule 56)."""

SILENCE = 3600
"""Seconds that an app may take between two reads or writes where its route does not say: a WebSocket or an event stream
that has nothing to tell is not broken. Cloudflare gives up earlier on a request without an answer."""

BEGIN_PATH = "/dex/auth"
BEGIN_BURST = 60
"""Where Dex makes a record of a sign-in, and how many such requests a client may make in a minute, at once or not.

One sign-in is two, or four where Dex asks for the password itself. Every record has up to 64 KB and is kept for a
quarter of an hour (`SIGN_IN_MINUTES`), so one client fills 60 MB of the cluster's datastore and no more."""

LOG_FIELDS = {
    "time": "StartUTC",
    "host": "RequestHost",
    "method": "RequestMethod",
    "path": "RequestPath",
    "status": "DownstreamStatus",
    "nanoseconds": "Duration",
    "bytes": "DownstreamContentSize",
    "workspace": "KubernetesIngressNamespace",
    "ingress": "KubernetesIngressName",
    "user": "request_X-Auth-Request-Email",
    "client": "request_Cf-Connecting-Ip",
}
"""What a request's log line says, and under which JSON key: Traefik's names, which nginx is made to use too. Paths come
without their query, because sign-in's holds codes; cookies and Authorization are never logged."""


@dataclass(frozen=True)
class Controller:
    """One controller, ready to be turned into resources."""

    user: int
    group: int
    container: Manifest
    config: Mapping[str, Mapping[str, str]]
    """ConfigMaps by name. Both programs notice changes by themselves, so none of them restarts a pod."""
    cluster_rules: Sequence[Manifest]
    """RBAC in every namespace."""
    own_rules: Sequence[Manifest] = ()
    """RBAC in the controller's own namespace."""
    volumes: Sequence[Manifest] = ()
    ingresses: Sequence[Manifest] = ()
    """Ingresses of its own, in its own namespace."""
    grace_seconds: int = pods.SETTLE_SECONDS + 50
    """From being told to end until it is killed: requests that have begun get 30 s, and the program some to end."""
    warnings: Sequence[str] = field(default=())
    """What a person should know before choosing it."""


MATCH = names.selector(names.INGRESS_SERVICE)
"""Finds the controller's pods, whichever program they run, so that changing the program moves no wall and no
Service."""

PEER = walls.pods(MATCH, names.INGRESS_NAMESPACE)
"""The same pods, as the NetworkPolicies of other namespaces name them."""

URL = f"http://{names.service_host(names.INGRESS_SERVICE, names.INGRESS_NAMESPACE)}:{names.INGRESS_PORT}"
"""Where cloudflared sends every request."""


def pod_security(controller: Controller) -> Manifest:
    """The pod's securityContext."""
    return {**pods.pod_security(controller.user), "runAsGroup": controller.group, "fsGroup": controller.group}


def wall(cluster: Cluster) -> Manifest:
    """The NetworkPolicy of the controller's pods: in from cloudflared, out to the workspaces, the API server and DNS.

    Which of a workspace's pods and ports it may reach is said by their own walls: those with a route (security rule
    32).
    """
    cloudflared = walls.pods(names.selector("cloudflared"), names.TUNNEL_NAMESPACE)
    workspaces = {"namespaceSelector": {"matchExpressions": [{"key": names.WORKSPACE_LABEL, "operator": "Exists"}]}}
    return walls.policy(
        MATCH,
        ingress=[{"from": [cloudflared], "ports": walls.ports(HTTP_PORT)}],
        egress=[walls.dns(), walls.api_server(cluster), {"to": [workspaces], "ports": [{"protocol": "TCP"}]}],
    )
