"""The home stack on the two nodes that it names, for the whole run of this group."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.node import cluster, proof
from tests.node.walls import Ends


@pytest.fixture(scope="session")
def home() -> Iterator[cluster.Cluster]:
    """The home stack, rendered by the engine and run by two nodes; everything in it is Ready."""
    with cluster.bring_up("home") as running:
        yield running


@pytest.fixture(scope="module")
def ends(home: cluster.Cluster) -> Ends:
    """Everybody who is in the published matrix, each of them really there; a module may replace the stack's pods."""
    return proof.made(home)
