"""Whether everything fits on the nodes: the sum of all requests, the platform's own included, against what they have.

Requests are what the scheduler reserves, so this is the sum that decides whether a pod ever starts. Apps count at their
fewest replicas; what autoscaling adds is a matter of room, not of correctness. Quotas may promise more than there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from config.checks.usage import Total, at_least, at_most, platform_pods, workspace_pods
from config.fields.quantities import mebibytes, millicores
from config.stack import Node, Stack
from config.workspace import Workspace

SERVER = (300, 1613)
AGENT = (100, 268)
"""Millicores and MiB that K3s itself needs on a Raspberry Pi 4B (docs.k3s.io/reference/resource-profiling, with a
workload and embedded etcd). For other distributions the same figures are an estimate."""


@dataclass(frozen=True)
class Row:
    """One line of the sum, in millicores and MiB."""

    what: str
    cpu: int
    memory: int


@dataclass(frozen=True)
class Capacity:
    """What the nodes have, and who asks for it."""

    nodes: tuple[Row, ...]
    """Each node, less what Kubernetes itself needs there."""
    asked: tuple[Row, ...]
    """The platform's parts, then the workspaces."""
    allowed: tuple[Row, ...]
    """What the same may ask for at most: the platform's parts while they are updated, the workspaces by their quota."""

    @property
    def room(self) -> Row:
        """What all nodes have together."""
        return _sum("room on the nodes", self.nodes)

    @property
    def sum(self) -> Row:
        """What everything asks for together."""
        return _sum("sum of requests", self.asked)

    @property
    def most(self) -> Row:
        """What everything may ask for together."""
        return _sum("sum of what is allowed", self.allowed)

    def table(self) -> str:
        """The sum as text, a line a row."""
        rows = [*self.asked, self.sum, *self.nodes, self.room]
        width = max(len(row.what) for row in rows)
        return "\n".join(
            f"{row.what.ljust(width)}  {f'{row.cpu}m'.rjust(7)}  {f'{row.memory}Mi'.rjust(8)}" for row in rows
        )


def capacity(stack: Stack, workspaces: Sequence[Workspace]) -> Capacity:
    """The sum for a stack."""
    parts, tenants = platform_pods(stack), sorted(workspaces, key=lambda each: each.name)
    return Capacity(
        nodes=tuple(_node(node) for node in stack.cluster.nodes),
        asked=(
            *(_row(pods.what, at_least([pods])) for pods in parts),
            *(_row(each.name, at_least(workspace_pods(stack, each))) for each in tenants),
        ),
        allowed=(
            *(_row(pods.what, at_most([pods])) for pods in parts),
            *(Row(each.name, millicores(each.quota.cpu), mebibytes(each.quota.memory)) for each in tenants),
        ),
    )


def over_capacity(stack: Stack, workspaces: Sequence[Workspace]) -> list[str]:
    """What does not fit: the whole on all nodes, or a pod on any of them."""
    has = capacity(stack, workspaces)
    found = []
    short = [
        f"{asked}{unit} of {what} asked for, {room}{unit} there"
        for what, asked, room, unit in (
            ("cpu", has.sum.cpu, has.room.cpu, "m"),
            ("memory", has.sum.memory, has.room.memory, "Mi"),
        )
        if asked > room
    ]
    if short:
        table = "".join(f"\n      {line}" for line in has.table().splitlines())
        found.append(f"cannot hold what is to run ({'; '.join(short)}); lower requests, or add a node:{table}")
    for workspace in workspaces:
        for pods in workspace_pods(stack, workspace):
            if pods.low and not any(pods.cpu <= node.cpu and pods.memory <= node.memory for node in has.nodes):
                pod = f"a pod of {pods.what} in {workspace.name}"
                found.append(
                    f"has no node for {pod}, which asks for {pods.cpu}m and {pods.memory}Mi; lower its requests"
                )
    return found


def for_kubernetes(node: Node) -> tuple[int, int]:
    """What Kubernetes itself needs of a node, in millicores and MiB."""
    return SERVER if node.role == "control-plane" else AGENT


def _sum(what: str, rows: Sequence[Row]) -> Row:
    return Row(what, sum(row.cpu for row in rows), sum(row.memory for row in rows))


def _row(what: str, total: Total) -> Row:
    return Row(what, total.cpu, total.memory)


def _node(node: Node) -> Row:
    cpu, memory = for_kubernetes(node)
    return Row(f"{node.name} after Kubernetes", max(0, node.cpu * 1000 - cpu), max(0, mebibytes(node.memory) - memory))
