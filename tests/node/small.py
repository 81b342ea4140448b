"""The small stack that is broken, for every group that breaks it: two nodes, walls off, and somebody who is signed in.

The program that enforces walls here drops what waits in its queue whenever a pod comes or goes; that of k3s does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.node import cluster, load
from tests.node.visitor import Inside


@contextmanager
def up() -> Iterator[cluster.Cluster]:
    """The stack `faults`; everything in it is Ready."""
    with cluster.bring_up("faults") as running:
        for node in running.nodes:
            node.enforce(False)
        yield running


@pytest.fixture(scope="session")
def faults() -> Iterator[cluster.Cluster]:
    """The stack, for the whole run of a group."""
    with up() as running:
        yield running


@pytest.fixture
def ann(faults: cluster.Cluster) -> Inside:
    """Somebody who is signed in."""
    return load.signed_in(faults)
