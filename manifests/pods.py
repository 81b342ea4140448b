"""How every pod is run: security contexts of PodSecurity `restricted`, what it may use, how it ends, where it may be.

Source: the Pod Security Standards, restricted profile (kubernetes.io/docs/concepts/security/pod-security-standards).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from config.app import LONGEST_STOP
from config.compute import Compute
from config.fields.quantities import cpu_quantity, memory_quantity

Manifest = dict[str, Any]

SETTLE_SECONDS = 10
"""How long a pod that serves goes on serving after it was told to end (security rule 67).

Kubernetes tells the pod and everybody who sends requests to it at the same time, and the pod is faster: Traefik takes a
change of endpoints 2 s later at most (`providersThrottleDuration`), ingress-nginx 4 s (0.3 syncs a second, then Lua's
own second), kube-proxy one, and a Pi that is busy with the new pod takes longer for each."""

JOB_RETRIES = 1
"""How often a job that fails is tried again."""

STOP_SECONDS = 30
"""How long a program may take to stop after SIGTERM where nothing else is said: Kubernetes' own default."""

MAX_GRACE_SECONDS = SETTLE_SECONDS + LONGEST_STOP
"""The longest that any pod may take to end: whoever drains a node or removes a workspace waits for it."""

LEAVE_SECONDS = 30
"""How long a pod stays bound to a node that is known to be dead. Kubernetes knows after 50 s of silence
(`node-monitor-grace-period`), so what can move has moved after about a minute and a half; its own 300 s would make that
six. Not less: a Pi that only restarts is back in time, and nothing would move its pods back afterwards."""

LOW_PRIORITY = "warren-low"
"""The PriorityClass of apps that make room for others. Pods that say nothing have priority 0."""

DISK_REQUEST_MIB = 32
"""What the scheduler keeps of a node's disk for a container: its log."""
LOG_DISK_MIB = 128
"""The most of a node's disk for a container that writes nothing but its log, of which a kubelet keeps 50 MiB."""
ROOT_DISK_MIB = 2048
"""What a container with a writable root file system may write there."""
DEFAULT_DISK_MIB = 512
"""What a container may use that says nothing, as those of people with kubectl may."""


def pod_security(user: int, groups: Sequence[int] = (), sysctls: Mapping[str, str] | None = None) -> Manifest:
    """The pod's securityContext: one unprivileged user that owns its volumes, its further groups, its sysctls."""
    settings = [{"name": name, "value": value} for name, value in sorted((sysctls or {}).items())]
    return {
        **({"sysctls": settings} if settings else {}),
        **({"supplementalGroups": list(groups)} if groups else {}),
        "runAsNonRoot": user != 0,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security(*, writable_root: bool = False) -> Manifest:
    """A container's securityContext: no privileges, and a read-only root file system unless asked otherwise."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": not writable_root,
        "capabilities": {"drop": ["ALL"]},
    }


def resources(asks: Compute) -> Manifest:
    """A container's `resources`."""
    requests = {"cpu": cpu_quantity(asks.cpu_millis), "memory": memory_quantity(asks.memory_mib)}
    limits = {"memory": memory_quantity(asks.memory_limit_mib)}
    if asks.cpu_limit_millis is not None:
        limits["cpu"] = cpu_quantity(asks.cpu_limit_millis)
    return {"requests": requests, "limits": limits}


def with_disk(resources: Manifest, limit_mib: int) -> Manifest:
    """A container's `resources` with its share of the node's disk: logs, scratch space and what it writes itself."""
    disk = {"requests": DISK_REQUEST_MIB, "limits": limit_mib}
    return {key: {**resources[key], "ephemeral-storage": memory_quantity(mib)} for key, mib in disk.items()}


def go_limit(asks: Compute) -> dict[str, str]:
    """The environment variable that keeps a Go program below its memory limit.

    Its collector does not know of the limit otherwise, and lets the heap grow to twice of what is in use before it
    looks: the kernel is first. A tenth is left for what is not its heap.
    """
    return {"name": "GOMEMLIMIT", "value": f"{asks.memory_limit_mib * 9 // 10}MiB"}


def spread(match: Mapping[str, str]) -> list[Manifest]:
    """Replicas on different nodes where there are several, on the one node where there is one."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(match)},
            # Or the pods of the last template count too, and the new ones end up together wherever those are not.
            "matchLabelKeys": ["pod-template-hash"],
        }
    ]


def settle() -> Manifest:
    """The `lifecycle` of a container that serves: it goes on until nobody sends it requests any more.

    The kubelet itself sleeps, so the image needs no shell. On by default since Kubernetes 1.30, stable in 1.34 (KEP
    3960).
    """
    return {"preStop": {"sleep": {"seconds": SETTLE_SECONDS}}}


def leave_dead_nodes() -> list[Manifest]:
    """The tolerations of a pod that can run on any node: it is replaced soon after its own has died."""
    return [
        {
            "key": f"node.kubernetes.io/{taint}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": LEAVE_SECONDS,
        }
        for taint in ("not-ready", "unreachable")
    ]


def disruption_budget(match: Mapping[str, str]) -> Manifest:
    """The spec of a PodDisruptionBudget that lets nodes be drained one pod at a time.

    Pods that are not ready serve nobody, and would otherwise block a drain for as long as they are not.
    """
    return {
        "maxUnavailable": 1,
        "selector": {"matchLabels": dict(match)},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


def namespace_security(level: str) -> dict[str, str]:
    """The labels that make a namespace enforce, and warn of, a Pod Security Standard."""
    return {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "warn", "audit")}
