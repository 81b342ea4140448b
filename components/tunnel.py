"""The way in: a Cloudflare tunnel, a DNS record a host, and the cloudflared pods that hold the tunnel open from inside.

Does not own the hosts (`spec.routes`), nor where the requests go next (`components.ingress`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pulumi

from spec import compute, images, names, pods, tunnel, walls
from spec.stack import Cluster

from .ingress import IngressController
from .native import DnsRecord, KubernetesObject, RandomBytes, TunnelConfig, fingerprint, tunnel_token
from .native import Tunnel as CloudflareTunnel

_NAME = "cloudflared"
_USER = 65532
_MATCH = names.selector(_NAME)
_LABELS = names.labels(_NAME)


@dataclass(frozen=True)
class TunnelArgs:
    """What a `Tunnel` is made from."""

    tunnel_name: str
    """What the Cloudflare dashboard shows."""
    account_id: str
    zone_id: str
    hosts: tuple[str, ...]
    """Every host name that leads into the tunnel."""
    ingress: IngressController
    """Where every request goes."""
    cluster: Cluster
    replicas: int = 2
    protocol: Literal["auto", "quic", "http2"] = "auto"


class Tunnel(pulumi.ComponentResource):
    """A remotely managed tunnel and its connectors.

    Makes: the tunnel, its one config document, a proxied CNAME a host, and in `warren-tunnel` the token Secret, the
    cloudflared Deployment with its PodDisruptionBudget, and NetworkPolicies that let nobody in and let it reach DNS,
    Cloudflare's edge and the ingress controller only.
    """

    tunnel_id: pulumi.Output[str]
    hosts: tuple[str, ...]

    def __init__(self, name: str, args: TunnelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:Tunnel", name, {}, opts)
        self.hosts = args.hosts
        here = pulumi.ResourceOptions(parent=self)

        cloudflare = CloudflareTunnel(
            f"{name}-tunnel", account_id=args.account_id, tunnel_name=args.tunnel_name, opts=here
        )
        self.tunnel_id = cloudflare.id
        config = TunnelConfig(
            f"{name}-config",
            account_id=args.account_id,
            tunnel_id=cloudflare.id,
            rules=tunnel.rules(args.hosts, args.ingress.service_url),
            opts=here,
        )
        for host in args.hosts:
            target = pulumi.Output.concat(cloudflare.id, ".cfargotunnel.com")
            DnsRecord(f"{name}-record-{host}", {**tunnel.record(host, args.zone_id), "content": target}, here)

        namespace = KubernetesObject(f"{name}-namespace", _namespace(), here)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        token = tunnel_token(args.account_id, cloudflare.id, parent=self)
        secret = KubernetesObject(
            f"{name}-token",
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": _metadata("tunnel-token"),
                "type": "Opaque",
                "stringData": {"token": token},
            },
            inside,
        )
        guards = [KubernetesObject(f"{name}-{role}", manifest, inside) for role, manifest in _walls(args)]
        salt = RandomBytes(f"{name}-salt", 32, here)
        KubernetesObject(
            f"{name}-deployment",
            _deployment(args, fingerprint(salt, {"token": token})),
            # The tunnel cannot be deleted while connectors are up, so they depend on it and go first (rule 41).
            pulumi.ResourceOptions(parent=self, depends_on=[namespace, secret, config, cloudflare, *guards]),
        )
        KubernetesObject(
            f"{name}-budget",
            {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": _metadata(_NAME),
                "spec": pods.disruption_budget(_MATCH),
            },
            inside,
        )
        self.register_outputs({"tunnelId": self.tunnel_id, "hosts": list(self.hosts)})


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": names.TUNNEL_NAMESPACE, "labels": _LABELS}


def _namespace() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": names.TUNNEL_NAMESPACE,
            "labels": {**names.labels(names.TUNNEL_NAMESPACE), **pods.namespace_security("restricted")},
        },
    }


def _walls(args: TunnelArgs) -> list[tuple[str, dict[str, Any]]]:
    edge = walls.internet(args.cluster, tunnel.EDGE_PORT, udp=[tunnel.EDGE_PORT])
    ingress = {"to": [args.ingress.peer], "ports": walls.ports(args.ingress.http_port)}
    specs = {
        "default-deny": walls.DENY_ALL,
        # Nobody may come in: the metrics port also serves /config and /debug (rule 44). Kubelet's probes are not pods.
        "cloudflared": walls.policy(_MATCH, egress=[walls.dns(), edge, ingress]),
    }
    return [
        (
            f"wall-{role}",
            {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": _metadata(role), "spec": spec},
        )
        for role, spec in specs.items()
    ]


def _deployment(args: TunnelArgs, checksum: pulumi.Output[str]) -> dict[str, Any]:
    # Readiness says whether the edge is connected; liveness must not, or a WAN outage would restart every pod (rule
    # 44).
    container = {
        "name": _NAME,
        "image": images.CLOUDFLARED,
        "args": tunnel.args(args.protocol, args.cluster),
        "env": [
            {"name": "TUNNEL_TOKEN", "valueFrom": {"secretKeyRef": {"name": "tunnel-token", "key": "token"}}},
            compute.CLOUDFLARED.go_limit(),
        ],
        "ports": [{"name": "metrics", "containerPort": tunnel.METRICS_PORT}],
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": "metrics"},
            "periodSeconds": 10,
            "failureThreshold": 3,
        },
        "livenessProbe": {
            "httpGet": {"path": "/healthcheck", "port": "metrics"},
            "periodSeconds": 20,
            "failureThreshold": 5,
        },
        "resources": compute.CLOUDFLARED.resources(),
        "securityContext": pods.container_security(),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(_NAME),
        "spec": {
            "replicas": args.replicas,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": _MATCH},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": _LABELS, "annotations": {names.CHECKSUM_ANNOTATION: checksum}},
                "spec": {
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "securityContext": pods.pod_security(_USER),
                    "terminationGracePeriodSeconds": tunnel.GRACE_SECONDS + 15,
                    "topologySpreadConstraints": pods.spread(_MATCH),
                    "tolerations": pods.leave_dead_nodes(),
                    "containers": [container],
                },
            },
        },
    }
