"""Every container of the stack runs as it is rendered."""

from __future__ import annotations

import pytest

from tests.node import posture
from tests.node.cluster import Cluster
from tests.node.posture import CHECKS, Seen


@pytest.fixture(scope="module")
def seen(home: Cluster) -> list[Seen]:
    """Everybody, looked at once."""
    return posture.seen(home)


@pytest.mark.parametrize("check", CHECKS)
def test_every_container_is_as_rendered(seen: list[Seen], check: str) -> None:
    assert posture.differences(seen, check) == {}
