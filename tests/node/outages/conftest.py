"""A node that is drained, and one that dies: on the small stack, with what docs/nodes.md asks for before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.node import small
from tests.node.cluster import Cluster
from tests.node.operating import scale
from tests.node.small import ann

__all__ = ["ann"]


@pytest.fixture(scope="session")
def faults() -> Iterator[Cluster]:
    """The stack without the apps that misbehave, which can stand on one node alone, and with two pods for names.

    k3s has one for names, and leaves it on a dead node for five minutes more.
    """
    with small.up() as running:
        for name in ("rogue/greedy", "rogue/hoarder", "rogue/chatty"):
            scale(running, name, 0)
        scale(running, "kube-system/coredns", 2)
        yield running
