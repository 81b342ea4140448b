"""How many pods an app has: its HorizontalPodAutoscaler, and the budget that drains keep to."""

from __future__ import annotations

from typing import Any

from manifests import pods
from manifests.app.apps import Unit, most_replicas

Manifest = dict[str, Any]


def autoscaler(unit: Unit) -> Manifest | None:
    """The HorizontalPodAutoscaler; None unless the app asks for one."""
    wanted = unit.app.autoscale
    if wanted is None:
        return None
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": unit.metadata(),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": unit.name},
            "minReplicas": wanted.min,
            "maxReplicas": wanted.max,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": wanted.cpu}},
                }
            ],
        },
    }


def budget(unit: Unit) -> Manifest | None:
    """The PodDisruptionBudget; None for an app with one pod, which it could only keep from ever being drained."""
    if most_replicas(unit.app) < 2:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": unit.metadata(),
        "spec": pods.disruption_budget(unit.match),
    }
