"""Who can reach whom in the stack with every key, tried with packets: no difference from the published files.

That all of it is open without walls is shown on the home stack, by the same tries.
"""

from __future__ import annotations

import pytest

from tests.node import proof, tries
from tests.node.cluster import Cluster
from tests.node.tries import Try
from tests.node.walls import Ends


@pytest.fixture(scope="module")
def ends(everything: Cluster) -> Ends:
    """Everybody who is tried; of every app one pod, which is enough here."""
    return proof.made(everything, pods=1)


def test_packets_go_where_the_matrix_says_and_nowhere_else(found: dict[Try, str]) -> None:
    assert tries.different(found) == ""


def test_packets_write_the_published_files(ends: Ends, found: dict[Try, str]) -> None:
    assert proof.untried(ends, found) == set()
    for published, seen in proof.written(ends, found).values():
        assert seen == published
