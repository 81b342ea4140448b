"""How every pod is run: the security contexts of PodSecurity `restricted`, how it ends, and where it may be.

Source: the Pod Security Standards, restricted profile (kubernetes.io/docs/concepts/security/pod-security-standards).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.workspace import LONGEST_STOP

Manifest = dict[str, Any]

SETTLE_SECONDS = 10
"""How long a pod that serves goes on serving after it was told to end (security rule 67).

Kubernetes tells the pod and everybody who sends requests to it at the same time, and the pod is faster: Traefik takes a
change of endpoints 2 s later at most (`providersThrottleDuration`), ingress-nginx 4 s (0.3 syncs a second, then Lua's
own second), kube-proxy one, and a Pi that is busy with the new pod takes longer for each."""

STOP_SECONDS = 30
"""How long a program may take to stop after SIGTERM where nothing else is said: Kubernetes' own default."""

MAX_GRACE_SECONDS = SETTLE_SECONDS + LONGEST_STOP
"""The longest that any pod may take to end: whoever drains a node or removes a workspace waits for it."""

LEAVE_SECONDS = 30
"""How long a pod stays bound to a node that is known to be dead. Kubernetes knows after 50 s of silence
(`node-monitor-grace-period`), so what can move has moved after about a minute and a half; its own 300 s would make that
six. Not less: a Pi that only restarts is back in time, and nothing would move its pods back afterwards."""


def pod_security(user: int) -> Manifest:
    """The pod's securityContext: one unprivileged user that owns its volumes."""
    return {
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
