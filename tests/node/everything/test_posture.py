"""Every container of the stack runs as it is rendered, init containers, sidecars and jobs included."""

from __future__ import annotations

import pytest

from tests.node import posture
from tests.node.cluster import Cluster
from tests.node.posture import CHECKS, Seen


@pytest.fixture(scope="module")
def seen(everything: Cluster, by_hand: object) -> list[Seen]:
    """Everybody, looked at once."""
    assert by_hand
    return posture.seen(everything)


def test_the_short_ones_are_among_them(seen: list[Seen]) -> None:
    short = {each.name for each in seen if each.own not in each.pod["containers"] or "restartPolicy" in each.pod}
    assert short == {
        "club/migrate/migrate",
        "club/report/report",
        "club/wiki/migrate",
        "metal/sensor/reader",
        "suite/backup/backup",
        "suite/web/migrate",
        "team/tool/exporter",
    }


@pytest.mark.parametrize("check", CHECKS)
def test_every_container_is_as_rendered(seen: list[Seen], check: str) -> None:
    assert posture.differences(seen, check) == {}
