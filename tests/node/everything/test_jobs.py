"""Jobs begin and end."""

from __future__ import annotations

import pytest

from tests.node.cluster import Cluster
from tests.real.api import Manifest


@pytest.mark.usefixtures("every_minute")  # test_schedule waits for it
def test_every_cron_job_begun_by_hand_ends_well(everything: Cluster, by_hand: list[Manifest]) -> None:
    expected = {each["metadata"]["name"] for each in everything.rendered.of("CronJob")}
    assert {each["metadata"]["ownerReferences"][0]["name"] for each in by_hand} == expected
    assert [each["status"].get("succeeded") for each in by_hand] == [1] * len(expected)
