"""What an operator does to a running cluster: roll out, scale, cordon, let pods be elsewhere; and what is then where.

Deployments are called ``namespace/name``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from tests.node.cluster import Cluster, app
from tests.real.api import Manifest
from tests.real.control_plane import wait


def of(cluster: Cluster, name: str) -> list[Manifest]:
    """The pods of a Deployment, ``namespace/name``, that are not over."""
    return [pod for pod in cluster.pods() if app(pod) == name]


def restart(cluster: Cluster, *names: str) -> None:
    """Begin to replace all pods of Deployments, as `kubectl rollout restart` does."""
    note = {"spec": {"template": {"metadata": {"annotations": {"tests/restarted": str(time.monotonic_ns())}}}}}
    for name in names:
        answer = cluster.api.merge(cluster.api.path("apps/v1", "Deployment", *name.split("/")), note)
        assert answer.ok, answer.message


def roll_out(cluster: Cluster, *names: str, seconds: float = 150) -> None:
    """Replace all pods of Deployments, and wait until the old ones are gone."""
    old = {pod["metadata"]["uid"] for name in names for pod in of(cluster, name)}
    restart(cluster, *names)
    wait(
        f"old pods of {', '.join(names)} gone",
        lambda: not old & {pod["metadata"]["uid"] for pod in cluster.pods()},
        seconds,
    )
    cluster.await_ready()


def scale(cluster: Cluster, name: str, replicas: int) -> None:
    """Change the number of a Deployment's pods; returns when they are ready."""
    path = cluster.api.path("apps/v1", "Deployment", *name.split("/"))
    answer = cluster.api.merge(path, {"spec": {"replicas": replicas}})
    assert answer.ok, answer.message
    cluster.await_ready()


def ready_nodes(cluster: Cluster) -> set[str]:
    """The names of the nodes that are known to live."""
    return {
        each["metadata"]["name"]
        for each in cluster.api.get("v1", "Node")
        for condition in each["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    }


def cordon(cluster: Cluster, node: str, closed: bool) -> None:
    """Close a node to new pods, or open it again."""
    answer = cluster.api.merge(cluster.api.path("v1", "Node", None, node), {"spec": {"unschedulable": closed}})
    assert answer.ok, answer.message


def move(cluster: Cluster, names: Iterable[str], node: str) -> None:
    """Let the pods of Deployments be on one node; returns when they are ready there."""
    others = [each.host.name for each in cluster.nodes if each.host.name != node]
    for other in others:
        cordon(cluster, other, True)
    for name in names:
        for pod in of(cluster, name):
            if pod["spec"]["nodeName"] != node:
                _delete(cluster, pod)
    wait(f"pods on {node}", lambda: all(only_on(cluster, name, node) for name in names), 120)
    for other in others:
        cordon(cluster, other, False)


def spread(cluster: Cluster, names: Iterable[str]) -> None:
    """Let Deployments that have all their pods on one node have them on several, as the scheduler would."""
    for name in names:
        found = sorted(of(cluster, name), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
        if len({pod["spec"]["nodeName"] for pod in found}) < len(found):
            _delete(cluster, found[-1])
    wait(
        "several nodes",
        lambda: all(len({pod["spec"].get("nodeName") for pod in of(cluster, name)}) > 1 for name in names),
    )
    cluster.await_ready()


def _delete(cluster: Cluster, pod: Manifest) -> None:
    path = cluster.api.path("v1", "Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
    answer = cluster.api.request("DELETE", path, gracePeriodSeconds="1")
    assert answer.ok, answer.message


def ready_on(cluster: Cluster, name: str, node: str) -> bool:
    """Whether a Deployment has a pod on a node that is ready and stays."""
    return any(pod["spec"].get("nodeName") == node and _stays(pod) for pod in of(cluster, name))


def only_on(cluster: Cluster, name: str, node: str) -> bool:
    """The same, and it has none elsewhere."""
    return ready_on(cluster, name, node) and {pod["spec"].get("nodeName") for pod in of(cluster, name)} == {node}


def _stays(pod: Manifest) -> bool:
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
    return "deletionTimestamp" not in pod["metadata"] and conditions.get("Ready") == "True"
