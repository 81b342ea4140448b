"""What holds for every workspace at the API server: all admission policies and what puts them into force.

What each says is `admission`, `bounds` and `rendered`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from config.workspace import Workspace
from manifests import names, pods
from manifests.ingress.annotations import ALLOWED_ANNOTATIONS
from manifests.tenant import admission, bounds, rendered

Manifest = dict[str, Any]


def policies(at_home: Sequence[str] = (), *, closed: bool = False) -> dict[str, Manifest]:
    """The policies, by role.

    Args:
        at_home: The Services that the stack gives to the home network.
        closed: Whether some workspace's pods have to be those that were rendered, which brings one more.
    """
    own = {"ingresses": admission.ingress_policy(ALLOWED_ANNOTATIONS), "services": admission.service_policy(at_home)}
    return {**own, **bounds.policies(), **(rendered.policies() if closed else {})}


def priorities(workspaces: Iterable[Workspace]) -> dict[str, Manifest]:
    """The PriorityClasses that apps ask for, by role: none that is above what pods have that say nothing.

    Kept from pushing others off a node, though there is nobody below it.
    """
    if not any(app.priority for workspace in workspaces for app in workspace.apps.values()):
        return {}
    low = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": pods.LOW_PRIORITY, "labels": names.labels(pods.LOW_PRIORITY)},
        "value": -100,
        "preemptionPolicy": "Never",
        "description": "Apps that wait, or make room for others, where nodes are full.",
    }
    return {"low": low}


def bindings(*, closed: bool = False) -> dict[str, Manifest]:
    """What puts each of them into force, by the same roles."""
    return {**admission.bindings(), **bounds.bindings(), **(rendered.bindings() if closed else {})}
