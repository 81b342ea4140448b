"""The stack with every key switched on, the example suite in it, on the three nodes that it names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.node.cluster import Cluster
from tests.node.everything import jobs, stack
from tests.node.everything.stack import ARM
from tests.real.api import Manifest


def pytest_report_header() -> list[str]:
    """Say what stands in for something here alone."""
    return [
        f"stand-ins, beside pods: {stack.STANDINS}; in one test for metrics-server",
        f"said of a node by the tests: {ARM} has the label kubernetes.io/arch=arm64 and the taint flaky",
    ]


@pytest.fixture(scope="session")
def everything() -> Iterator[Cluster]:
    """Everything of the stack is Ready."""
    with stack.bring_up() as running:
        yield running


@pytest.fixture(scope="session")
def every_minute(everything: Cluster) -> str:
    """A CronJob (``namespace/name``) that fires every minute from now on; its Jobs are as before, and all are kept."""
    path = everything.api.path("batch/v1", "CronJob", "club", "report")
    # One by hand would be removed, perhaps before anybody has looked at it, when the next ones have ended.
    answer = everything.api.merge(path, {"spec": {"schedule": "* * * * *", "successfulJobsHistoryLimit": 100}})
    assert answer.ok, answer.message
    return "club/report"


@pytest.fixture(scope="session")
def by_hand(everything: Cluster) -> list[Manifest]:
    """A Job of every CronJob, begun by hand and ended."""
    return [jobs.begin(everything, each) for each in everything.api.get("batch/v1", "CronJob")]
