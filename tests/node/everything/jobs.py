"""Jobs of the stack's CronJobs: begun by hand, as `kubectl create job --from` does, and by the clock."""

from __future__ import annotations

from tests.node.cluster import Cluster
from tests.real.api import Manifest
from tests.real.control_plane import wait


def begin(cluster: Cluster, cronjob: Manifest) -> Manifest:
    """Begin a CronJob's Job by hand, and return it when it has ended.

    Raises:
        AssertionError: it was refused, or has not ended in time.
    """
    metadata = cronjob["metadata"]
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": metadata["name"], "uid": metadata["uid"]}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{metadata['name']}-by-hand",
            "namespace": metadata["namespace"],
            "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": cronjob["spec"]["jobTemplate"]["spec"],
    }
    answer = cluster.api.create(job)
    assert answer.ok, answer.message
    name = job["metadata"]["name"]
    return wait(name, lambda: ended(cluster.api.get("batch/v1", "Job", metadata["namespace"], name)), 60)


def ended(job: Manifest) -> Manifest | None:
    """The Job, if it has ended, well or not."""
    done = {each["type"] for each in job["status"].get("conditions", []) if each["status"] == "True"}
    return job if done & {"Complete", "Failed"} else None
