"""Who can reach whom, tried with packets: no difference from the published files, and without walls all is open."""

from __future__ import annotations

from tests.node import proof, tries
from tests.node.attempts import CLOSED, OPEN
from tests.node.tries import KINDS, Try
from tests.node.walls import Ends


def test_packets_go_where_the_matrix_says_and_nowhere_else(found: dict[Try, str]) -> None:
    assert tries.different(found) == ""


def test_packets_write_the_published_files(ends: Ends, found: dict[Try, str]) -> None:
    for published, seen in proof.written(ends, found).values():
        assert seen == published


def test_every_pair_has_been_tried(ends: Ends, found: dict[Try, str]) -> None:
    assert proof.untried(ends, found) == set()
    assert {each.kind for each in found} == set(KINDS)
    assert {each.wanted for each in found} == {OPEN, CLOSED}
    assert proof.ways_by_ipv6(ends) == {"ENETUNREACH"}


def test_without_walls_every_one_of_them_is_open(ends: Ends, found: dict[Try, str]) -> None:
    assert proof.without_walls(ends, found) == ""
