"""What each part of the platform asks of the nodes, and each container of an app: the figures of quotas and capacity.

Those of the platform are memory as measured with the real programs, with room. Traefik: 119 MB resident under a light
load. Dex and OAuth2-Proxy run many times over, so what counts is the memory of each process alone: 13 and 8 MiB at the
highest (decision 0021). Their programs, 26 and 18 MiB, are in a node's memory once, whoever's pod read them first, and
the kernel can drop them.
"""

from __future__ import annotations

from dataclasses import dataclass

from config.containers import Amount
from config.fields.quantities import mebibytes, millicores


@dataclass(frozen=True)
class Compute:
    """Requests and the memory limit of one container. Cpu has no limit: throttling an idle Pi helps nobody."""

    cpu_millis: int
    memory_mib: int
    memory_limit_mib: int
    cpu_limit_millis: int | None = None


CLOUDFLARED = Compute(25, 48, 192)
TRAEFIK = Compute(100, 128, 384)
NGINX = Compute(100, 160, 512)
DEX = Compute(10, 24, 128)
OAUTH2_PROXY = Compute(10, 16, 96)
STATIC = Compute(5, 16, 48)
DEFAULT_APP = Compute(50, 64, 256)


def app_compute(requests: Amount, limits: Amount, default: Compute = DEFAULT_APP) -> Compute:
    """A container's compute: what the file says, else the default; a limit left out is twice the request."""
    memory = default.memory_mib if requests.memory is None else mebibytes(requests.memory)
    limit = max(default.memory_limit_mib, 2 * memory) if limits.memory is None else mebibytes(limits.memory)
    return Compute(
        cpu_millis=default.cpu_millis if requests.cpu is None else millicores(requests.cpu),
        memory_mib=memory,
        memory_limit_mib=limit,
        cpu_limit_millis=None if limits.cpu is None else millicores(limits.cpu),
    )
