"""A quota that is full at a roll-out: the old pods go on serving, the Deployment says why, and room is taken by itself.

The workspace has the least quota that Warren takes: room for one pod more than run.
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.node.cluster import Cluster
from tests.node.figures import FIGURES
from tests.node.load import ROGUE, asking, each_kind, lost
from tests.node.operating import of, restart
from tests.node.visitor import Inside
from tests.real.control_plane import wait


def refusal(cluster: Cluster) -> str | None:
    """What the Deployment says of pods that it could not have."""
    conditions = cluster.api.get("apps/v1", "Deployment", "rogue", "greedy")["status"].get("conditions", [])
    failed = {each["type"]: each["message"] for each in conditions if each["status"] == "True"}
    return failed.get("ReplicaFailure")


def test_the_old_pod_serves_until_there_is_room(faults: Cluster, ann: Inside, tmp_path: Path) -> None:
    [old] = of(faults, "rogue/greedy")
    # As one of the apps, made by hand by somebody who may.
    [template] = [
        each["spec"]["template"]["spec"]
        for each in faults.rendered.of("Deployment")
        if each["metadata"]["name"] == "greedy"
    ]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "rogue", "name": "by-hand"}, "spec": template}
    with asking(ann, tmp_path, ROGUE) as run:
        answer = faults.api.create(pod)
        assert answer.ok, answer.message
        restart(faults, "rogue/greedy")
        said = wait("a refusal", lambda: refusal(faults))
        assert old["metadata"]["uid"] in {pod["metadata"]["uid"] for pod in of(faults, "rogue/greedy")}
        assert faults.api.request("DELETE", faults.api.path_of(pod), gracePeriodSeconds="0").ok
        began = time.monotonic()
        wait(
            "a new pod",
            lambda: [pod["metadata"]["uid"] for pod in of(faults, "rogue/greedy")] != [old["metadata"]["uid"]],
            120,
        )
        FIGURES.append(
            f"an app whose quota was full: its new pod came {time.monotonic() - began:.1f} s after there was room"
        )
        wait("the old pod gone", lambda: len(of(faults, "rogue/greedy")) == 1, 60)
        faults.await_ready()
    assert all(word in said for word in ("exceeded quota", "requested: ", "used: ", "limited: ")), said
    hits = run.hits()
    assert lost(hits) == {}
    assert each_kind(hits)[ROGUE]
    assert refusal(faults) is None
