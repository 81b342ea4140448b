"""What each platform part asks of the nodes. Figures are resident memory as measured, with room, on two small machines.

Measured with the real programs under a light load: Traefik 119 MB, OAuth2-Proxy 28 MB, Dex 34 MB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from config.fields import cpu_quantity, mebibytes, memory_quantity, millicores
from config.workspace import Amount


@dataclass(frozen=True)
class Compute:
    """Requests and the memory limit of one container. Cpu has no limit: throttling an idle Pi helps nobody."""

    cpu_millis: int
    memory_mib: int
    memory_limit_mib: int
    cpu_limit_millis: int | None = None

    def resources(self) -> dict[str, Any]:
        """The container's `resources`."""
        requests = {"cpu": cpu_quantity(self.cpu_millis), "memory": memory_quantity(self.memory_mib)}
        limits = {"memory": memory_quantity(self.memory_limit_mib)}
        if self.cpu_limit_millis is not None:
            limits["cpu"] = cpu_quantity(self.cpu_limit_millis)
        return {"requests": requests, "limits": limits}

    def go_limit(self) -> dict[str, str]:
        """The environment variable that keeps a Go program below its memory limit.

        Its collector does not know of the limit otherwise, and lets the heap grow to twice of what is in use before it
        looks: the kernel is first. A tenth is left for what is not its heap.
        """
        return {"name": "GOMEMLIMIT", "value": f"{self.memory_limit_mib * 9 // 10}MiB"}


CLOUDFLARED = Compute(25, 48, 192)
TRAEFIK = Compute(100, 128, 384)
NGINX = Compute(100, 160, 512)
DEX = Compute(10, 48, 128)
OAUTH2_PROXY = Compute(10, 32, 96)
STATIC = Compute(5, 16, 48)
DEFAULT_APP = Compute(50, 64, 256)

DISK_REQUEST_MIB = 32
"""What the scheduler keeps of a node's disk for a container: its log."""
LOG_DISK_MIB = 128
"""The most of a node's disk for a container that writes nothing but its log, of which a kubelet keeps 50 MiB."""
ROOT_DISK_MIB = 2048
"""What a container with a writable root file system may write there."""
DEFAULT_DISK_MIB = 512
"""What a container may use that says nothing, as those of people with kubectl may."""


def with_disk(resources: dict[str, Any], limit_mib: int) -> dict[str, Any]:
    """A container's `resources` with its share of the node's disk: logs, scratch space and what it writes itself."""
    disk = {"requests": DISK_REQUEST_MIB, "limits": limit_mib}
    return {key: {**resources[key], "ephemeral-storage": memory_quantity(mib)} for key, mib in disk.items()}


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
