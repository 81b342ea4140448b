"""What a preview says of the nodes' room: who asks for how much of it, who may, and what each node has.

The numbers are those of the check that refuses what does not fit (`config.checks.capacity`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from config.app import App
from config.checks.capacity import Row, capacity, for_kubernetes
from config.checks.usage import LOCAL_PATH, own_volumes, platform_pods, storage, workspace_pods
from config.columns import text_table
from config.fields.quantities import mebibytes, memory_quantity
from config.stack import Stack
from config.workspace import Workspace

_HOSTNAME = "kubernetes.io/hostname"
_ON_ONE_NODE = (None, LOCAL_PATH)


def text(stack: Stack, workspaces: Sequence[Workspace]) -> str:
    """Both tables, and in words what they cannot say: before the scheduler has seen a pod, it has no node."""
    pods = [*platform_pods(stack), *(each for workspace in workspaces for each in workspace_pods(stack, workspace))]
    cpu, memory = (max(getattr(each, amount) for each in pods if each.low) for amount in ("cpu", "memory"))
    words = f"Pods go to any node with room for them; none asks for more than {cpu}m and {memory}Mi."
    if held := [name for name, app in _apps(workspaces) if _is_on_one_node(stack, app)]:
        words += f"\nThese stay on the node that has their volumes: {', '.join(held)}."
    return f"{text_table(asked(stack, workspaces))}\n\n{text_table(nodes(stack, workspaces))}\n{words}"


def asked(stack: Stack, workspaces: Sequence[Workspace]) -> list[dict[str, Any]]:
    """One row a part of the platform and a workspace, and one for all.

    Percent are of what all nodes have for pods. What a workspace may ask for is its quota; storage is not of the nodes
    that Warren knows, and has none.
    """
    has, tenants = capacity(stack, workspaces), sorted(workspaces, key=lambda each: each.name)
    counts: list[tuple[Any, str]] = [("", "")] * (len(has.asked) - len(tenants))
    counts += [(each.quota.pods, _storage(each)) for each in tenants]
    lines = [*zip(has.asked, has.allowed, counts, strict=True), (has.sum, has.most, ("", ""))]
    return [
        {
            "": "all" if row is lines[-1][0] else row.what,
            "asks for cpu": _share(row.cpu, "m", has.room.cpu),
            "and memory": _share(row.memory, "Mi", has.room.memory),
            "may ask for cpu": _share(most.cpu, "m", has.room.cpu),
            "memory": _share(most.memory, "Mi", has.room.memory),
            "pods": number,
            "storage": held,
        }
        for row, most, (number, held) in lines
    ]


def nodes(stack: Stack, workspaces: Sequence[Workspace]) -> list[dict[str, Any]]:
    """One row a node: what it has, what Kubernetes takes of it, what is bound to it, and whether it can be missed."""
    has = capacity(stack, workspaces)
    rows = []
    for node, row in zip(stack.cluster.nodes, has.nodes, strict=True):
        bound = ", ".join(name for name, app in _apps(workspaces) if app.nodeSelector.get(_HOSTNAME) == node.name)
        short = _short(has.sum, has.room.cpu - row.cpu, has.room.memory - row.memory)
        rows.append(
            {
                "node": node.name,
                "has": f"{node.cpu * 1000}m {mebibytes(node.memory)}Mi",
                "for Kubernetes": "{}m {}Mi".format(*for_kubernetes(node)),
                "for pods": f"{row.cpu}m {row.memory}Mi",
                "bound to it": bound,
                "without it": short or ("what is bound waits" if bound else "all fits"),
            }
        )
    return rows


def _share(amount: int, unit: str, room: int) -> str:
    return f"{amount}{unit} {100 * amount // room}%" if room else f"{amount}{unit}"


def _storage(workspace: Workspace) -> str:
    most = storage(workspace) if workspace.quota.storage is None else mebibytes(workspace.quota.storage)
    return memory_quantity(most) if most else ""


def _short(wanted: Row, cpu: int, memory: int) -> str:
    lacks = [
        f"{asked - there}{unit}"
        for asked, there, unit in ((wanted.cpu, cpu, "m"), (wanted.memory, memory, "Mi"))
        if asked > there
    ]
    return f"short of {' and '.join(lacks)}" if lacks else ""


def _apps(workspaces: Sequence[Workspace]) -> Iterator[tuple[str, App]]:
    for workspace in sorted(workspaces, key=lambda each: each.name):
        for name, app in sorted(workspace.apps.items()):
            yield f"{workspace.name}/{name}", app


def _is_on_one_node(stack: Stack, app: App) -> bool:
    volumes = own_volumes(app).values()
    local = any(volume.nfs is None and volume.storageClass in _ON_ONE_NODE for volume in volumes)
    return local and stack.cluster.distribution == "k3s"
