"""cloudflared in the cluster: the pods that hold the tunnel open from inside, and everything that stands around them.

What the program is told on its command line, and what Cloudflare is told, is `tunnel`.
"""

from __future__ import annotations

from typing import Any, Literal

from config import compute
from config.stack import Cluster
from manifests import images, names, pods, walls
from manifests.ingress import controller
from manifests.tunnel import tunnel

Manifest = dict[str, Any]

NAME = "cloudflared"
TOKEN = "tunnel-token"  # noqa: S105 - the Secret's name
_TOKEN_KEY = "token"  # noqa: S105 - the key in it
_USER = 65532
"""As the image has it, by number, because `runAsNonRoot` cannot judge a name."""
_MATCH = names.selector(NAME)
_LABELS = names.labels(NAME)


def namespace() -> Manifest:
    """The Namespace; PodSecurity `restricted`."""
    labels = {**names.labels(names.TUNNEL_NAMESPACE), **pods.namespace_security("restricted")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": names.TUNNEL_NAMESPACE, "labels": labels}}


def secret(token: Any) -> Manifest:
    """The Secret with the token, which goes in as it is: nobody knows it before the tunnel is there."""
    return _object("v1", "Secret", TOKEN, type="Opaque", stringData={_TOKEN_KEY: token})


def policies(cluster: Cluster) -> dict[str, Manifest]:
    """The NetworkPolicies by name: nobody comes in, and out it goes to DNS, Cloudflare's edge and the controller.

    Nobody, because the metrics port also serves /config and /debug (rule 44). Kubelet's probes are not pods.
    """
    edge = walls.internet(cluster, tunnel.EDGE_PORT, udp=[tunnel.EDGE_PORT])
    ingress = {"to": [controller.PEER], "ports": walls.ports(controller.HTTP_PORT)}
    specs = {"default-deny": walls.DENY_ALL, NAME: walls.policy(_MATCH, egress=[walls.dns(), edge, ingress])}
    return {name: _object("networking.k8s.io/v1", "NetworkPolicy", name, spec=spec) for name, spec in specs.items()}


def deployment(cluster: Cluster, replicas: int, protocol: Literal["auto", "quic", "http2"], checksum: Any) -> Manifest:
    """The Deployment. The checksum of the token goes onto the pods as it is, and restarts them (rule 34)."""
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pods.pod_security(_USER),
        "terminationGracePeriodSeconds": tunnel.GRACE_SECONDS + 15,
        "topologySpreadConstraints": pods.spread(_MATCH),
        "tolerations": pods.leave_dead_nodes(),
        "containers": [_container(tunnel.args(protocol, cluster))],
    }
    spec = {
        "replicas": replicas,
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": _MATCH},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": _LABELS, "annotations": {names.CHECKSUM_ANNOTATION: checksum}},
            "spec": pod,
        },
    }
    return _object("apps/v1", "Deployment", NAME, spec=spec)


def budget() -> Manifest:
    """The PodDisruptionBudget."""
    return _object("policy/v1", "PodDisruptionBudget", NAME, spec=pods.disruption_budget(_MATCH))


def _container(args: list[str]) -> Manifest:
    # Readiness says whether the edge is connected; liveness must not, or a WAN outage would restart every pod (rule
    # 44).
    return {
        "name": NAME,
        "image": images.CLOUDFLARED,
        "args": args,
        "env": [
            {"name": "TUNNEL_TOKEN", "valueFrom": {"secretKeyRef": {"name": TOKEN, "key": _TOKEN_KEY}}},
            pods.go_limit(compute.CLOUDFLARED),
        ],
        "ports": [{"name": "metrics", "containerPort": tunnel.METRICS_PORT}],
        "readinessProbe": _probe("/ready", seconds=10, failures=3),
        "livenessProbe": _probe("/healthcheck", seconds=20, failures=5),
        "resources": pods.resources(compute.CLOUDFLARED),
        "securityContext": pods.container_security(),
    }


def _probe(path: str, *, seconds: int, failures: int) -> Manifest:
    return {"httpGet": {"path": path, "port": "metrics"}, "periodSeconds": seconds, "failureThreshold": failures}


def _object(version: str, kind: str, name: str, **rest: Any) -> Manifest:
    metadata = {"name": name, "namespace": names.TUNNEL_NAMESPACE, "labels": _LABELS}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}
