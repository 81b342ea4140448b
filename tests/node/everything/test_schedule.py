"""A CronJob fires by the clock."""

from __future__ import annotations

from tests.node.cluster import Cluster
from tests.node.everything import jobs
from tests.real.api import Manifest
from tests.real.control_plane import wait


def test_a_cron_job_fires_and_its_job_ends_well(everything: Cluster, every_minute: str) -> None:
    namespace, name = every_minute.split("/")

    def fired() -> Manifest | None:
        for job in everything.api.get("batch/v1", "Job", namespace):
            owners = [each["name"] for each in job["metadata"].get("ownerReferences", ())]
            if owners == [name] and "cronjob.kubernetes.io/instantiate" not in job["metadata"].get("annotations", {}):
                return jobs.ended(job)
        return None

    assert wait(f"{every_minute} by the clock", fired, 90, pause=0.5)["status"].get("succeeded") == 1
