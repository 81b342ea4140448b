"""Whoever takes more disk than it may is sent away, and nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tests.node.cluster import Cluster, app
from tests.real.control_plane import wait

MEBIBYTE = 1 << 20
TOO_MUCH = {
    "suite/postgres": ("/var/run/postgresql", 2, 'Usage of EmptyDir volume "data-run" exceeds the limit "1Mi". '),
    "legacy/old": ("/", 2177, "Pod ephemeral local storage usage exceeds the total limit of containers 2176Mi. "),
}
"""App to where it writes how many MiB, and what kubelet says of it: a volume of its own, and the root file system."""


def evictions(cluster: Cluster, pods: Iterable[str]) -> dict[str, str]:
    """Pod, by its id, to why it was sent away; of those that were.

    It is an event: of a pod whose containers end well when they are told to, the oldest kubelet says nothing else.
    """
    events = cluster.api.get("v1", "Event", fieldSelector="reason=Evicted")
    return {uid: event["message"] for event in events if (uid := event["involvedObject"]["uid"]) in pods}


def test_who_takes_too_much_is_replaced_and_nobody_else(everything: Cluster) -> None:
    before = {pod["metadata"]["uid"]: app(pod) for pod in everything.pods()}
    full = {uid: name for uid, name in before.items() if name in TOO_MUCH}
    for each in everything.containers():
        if each.app in TOO_MUCH:
            folder, mebibytes, _ = TOO_MUCH[each.app]
            handle = os.open(Path(f"/proc/{each.pid}/root{folder}/too-much"), os.O_CREAT | os.O_WRONLY)
            try:
                os.posix_fallocate(handle, 0, mebibytes * MEBIBYTE)
            finally:
                os.close(handle)
    wait("evictions", lambda: evictions(everything, full).keys() == full.keys(), 120, pause=0.5)
    said = {full[uid]: message for uid, message in evictions(everything, full).items()}
    assert said == {name: message for name, (_, _, message) in TOO_MUCH.items()}

    def replaced() -> bool:
        now = {app(pod) for pod in everything.pods() if pod["metadata"]["uid"] not in before}
        return TOO_MUCH.keys() <= now

    wait("other pods", replaced, 60, pause=0.5)
    everything.await_ready()
    assert before.keys() - full.keys() <= {pod["metadata"]["uid"] for pod in everything.pods()}
