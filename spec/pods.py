"""How every pod is run: the security contexts of PodSecurity `restricted`, spread, and the defaults for compute.

Source: the Pod Security Standards, restricted profile (kubernetes.io/docs/concepts/security/pod-security-standards).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]

MAX_GRACE_SECONDS = 600
"""How long a pod of a workspace may take to end, at most: whoever drains a node or removes a workspace waits for it."""


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
        }
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
