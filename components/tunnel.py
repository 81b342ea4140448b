"""The way in: a Cloudflare tunnel, a DNS record a host, and the cloudflared pods that hold the tunnel open from inside.

Does not own the hosts (`config.routes`), nor where the requests go next (`components.ingress`); decides nothing
(`manifests.tunnel`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pulumi

from config.stack import Cluster
from manifests.ingress import controller
from manifests.tunnel import cloudflared, tunnel

from .native import DnsRecord, KubernetesObject, RandomBytes, TunnelConfig, fingerprint, tunnel_token
from .native import Tunnel as CloudflareTunnel


@dataclass(frozen=True)
class TunnelArgs:
    """What a `Tunnel` is made from."""

    tunnel_name: str
    """What the Cloudflare dashboard shows."""
    account_id: str
    zone_id: str
    hosts: tuple[str, ...]
    """Every host name that leads into the tunnel."""
    cluster: Cluster
    replicas: int = 2
    protocol: Literal["auto", "quic", "http2"] = "auto"


class Tunnel(pulumi.ComponentResource):
    """A remotely managed tunnel and its connectors.

    Makes: the tunnel, its one config document, a proxied CNAME a host, and in `warren-tunnel` the token Secret, the
    NetworkPolicies, and the cloudflared Deployment with its PodDisruptionBudget.
    """

    tunnel_id: pulumi.Output[str]
    hosts: tuple[str, ...]

    def __init__(self, name: str, args: TunnelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:Tunnel", name, {}, opts)
        here = pulumi.ResourceOptions(parent=self)

        cloudflare = CloudflareTunnel(
            f"{name}-tunnel", account_id=args.account_id, tunnel_name=args.tunnel_name, opts=here
        )
        config = TunnelConfig(
            f"{name}-config",
            account_id=args.account_id,
            tunnel_id=cloudflare.id,
            rules=tunnel.rules(args.hosts, controller.URL),
            opts=here,
        )
        target = cloudflare.id.apply(tunnel.target)
        for host in args.hosts:
            DnsRecord(f"{name}-record-{host}", tunnel.record(host, args.zone_id, target), here)

        namespace = KubernetesObject(f"{name}-namespace", cloudflared.namespace(), here)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        token = tunnel_token(args.account_id, cloudflare.id, parent=self)
        secret = KubernetesObject(f"{name}-token", cloudflared.secret(token), inside)
        guards = [
            KubernetesObject(f"{name}-wall-{role}", manifest, inside)
            for role, manifest in cloudflared.policies(args.cluster).items()
        ]
        salt = RandomBytes(f"{name}-salt", 32, here)
        checksum = fingerprint(salt, {"token": token})
        # The tunnel cannot be deleted while connectors are up, so they depend on it and go first (rule 41).
        last = pulumi.ResourceOptions(parent=self, depends_on=[namespace, secret, config, cloudflare, *guards])
        pods = cloudflared.deployment(args.cluster, args.replicas, args.protocol, checksum)
        KubernetesObject(f"{name}-deployment", pods, last)
        KubernetesObject(f"{name}-budget", cloudflared.budget(), inside)

        self.tunnel_id, self.hosts = cloudflare.id, args.hosts
        self.register_outputs({"tunnelId": self.tunnel_id, "hosts": list(self.hosts)})
