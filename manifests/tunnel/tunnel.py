"""The tunnel's decisions: one rule and one record a host, and how cloudflared runs.

Owns what Cloudflare and cloudflared are told. Which hosts there are is `routes`' business.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any, Literal

from config.stack import Cluster

Manifest = dict[str, Any]

METRICS_PORT = 2000
GRACE_SECONDS = 45
"""How long cloudflared lets running requests finish. More than the 30 s default, because uploads through a home line
are slow."""

EDGE_PORT = 7844
"""Where cloudflared connects to Cloudflare, by QUIC (udp) and HTTP/2 (tcp).
Source: developers.cloudflare.com/cloudflare-one/connections/connect-networks/configure-tunnels/tunnel-with-firewall."""


def rules(hosts: Iterable[str], service_url: str) -> list[Manifest]:
    """The tunnel's ingress rules: every host to the ingress controller, everything else 404.

    Sorted by host, so that a new workspace is one added line in the preview. No path rules: paths are the
    controller's (rule 40).
    """
    return [
        *({"hostname": host, "service": service_url} for host in sorted(set(hosts))),
        {"service": "http_status:404"},
    ]


def target(tunnel_id: str) -> str:
    """The name that a tunnel has at Cloudflare."""
    return f"{tunnel_id}.cfargotunnel.com"


def record(host: str, zone_id: str, content: Any) -> Manifest:
    """A proxied CNAME for one host; the apex too, because Cloudflare flattens it.

    `content` is the tunnel's `target`, and goes in as it is: nobody knows it before the tunnel is there.
    """
    return {"zoneId": zone_id, "name": host, "type": "CNAME", "ttl": 1, "proxied": True, "content": content}


def args(protocol: Literal["auto", "quic", "http2"], cluster: Cluster) -> list[str]:
    """Arguments of cloudflared. The token is never one of them: it comes from TUNNEL_TOKEN (rule 45)."""
    return [
        "tunnel",
        "--no-autoupdate",
        "--metrics",
        f"0.0.0.0:{METRICS_PORT}",
        "--grace-period",
        f"{GRACE_SECONDS}s",
        "--protocol",
        protocol,
        # Its default became auto in 2026.4.0: whichever family the resolver names first. The pods have one.
        "--edge-ip-version",
        str(ip_network(cluster.podCidr).version),
        "run",
    ]
