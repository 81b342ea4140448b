"""An app over its memory, its disk, its processes or with all processors busy harms nobody else on its node.

Others' requests are answered meanwhile, and nothing but the app itself is started again. `misbehave` stands in for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from manifests.k3s import POD_PIDS
from tests.node import machine
from tests.node.cluster import Cluster
from tests.node.figures import FIGURES
from tests.node.load import ROGUES, asking, lost, signed_in, slowest
from tests.node.operating import of, ready_nodes
from tests.node.visitor import Inside
from tests.real.api import Manifest
from tests.real.control_plane import wait

TROUBLED = ("rogue/hoarder", "rogue/chatty")
"""Apps that write more than they may; kubelet looks at volumes once a minute."""


def misbehave(ann: Inside, app: str, what: str) -> None:
    """Ask an app for trouble."""
    wait(f"{app} answers", lambda: ann.get(ROGUES, f"/{app}/{what}").status == 200)


def restarts(cluster: Cluster) -> dict[str, int]:
    """Container of a pod to how often it was started again, but those that misbehave."""
    return {
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}": status["restartCount"]
        for pod in cluster.pods()
        if pod["metadata"]["namespace"] != "rogue"
        for status in pod["status"]["containerStatuses"]
    }


@contextmanager
def harming_nobody(cluster: Cluster, ann: Inside, folder: Path, what: str) -> Iterator[None]:
    """Hold everybody else against how they were, and their requests against the right answers."""
    before = restarts(cluster)
    assert before
    with asking(ann, folder) as run:
        time.sleep(1)
        yield
    hits = run.hits()
    FIGURES.append(f"beside an app with {what}: {len(hits)} requests, {slowest(hits)}")
    assert lost(hits) == {}
    assert restarts(cluster) == before
    assert ready_nodes(cluster) == {node.host.name for node in cluster.nodes}
    pressed = {
        condition["type"]
        for each in cluster.api.get("v1", "Node")
        for condition in each["status"]["conditions"]
        if condition["type"] != "Ready" and condition["status"] == "True"
    }
    assert pressed == set()


@pytest.fixture(scope="module", autouse=True)
def flooded(faults: Cluster) -> Iterator[dict[str, str]]:
    """Ask for too much on disk, so that the others are tried while kubelet finds out; the pods that are asked."""
    ann = signed_in(faults)
    pods = {name: of(faults, name)[0]["metadata"]["name"] for name in TROUBLED}
    misbehave(ann, "hoarder", "disk?mib=64")
    misbehave(ann, "chatty", "log?mib=300")
    yield pods
    for name, pod in pods.items():
        faults.api.request("DELETE", faults.api.path("v1", "Pod", name.partition("/")[0], pod))
    faults.await_ready()


def test_over_its_memory(faults: Cluster, ann: Inside, tmp_path: Path) -> None:
    def status() -> Manifest:
        return dict(of(faults, "rogue/greedy")[0]["status"]["containerStatuses"][0])

    before = status()["restartCount"]
    with harming_nobody(faults, ann, tmp_path, "more memory than it may have"):
        misbehave(ann, "greedy", "memory")
        wait("killed", lambda: status()["restartCount"] > before)
        wait("started again", lambda: status()["ready"])
    assert status()["lastState"]["terminated"]["reason"] == "OOMKilled"


def test_over_its_processes(faults: Cluster, ann: Inside, tmp_path: Path) -> None:
    [pid] = [each.pid for each in faults.containers() if each.app == "rogue/greedy"]
    assert machine.processes_of(pid)[1] == POD_PIDS
    most = 0

    def full() -> bool:
        nonlocal most
        most = max(most, machine.processes_of(pid)[0])
        return most > 0.9 * POD_PIDS

    with harming_nobody(faults, ann, tmp_path, "as many processes as it may have"):
        misbehave(ann, "greedy", "processes?for=8s")
        wait("a full pod", full)
        time.sleep(3)
    faults.await_ready()
    assert full()
    assert most <= POD_PIDS


def test_with_all_processors_busy(faults: Cluster, ann: Inside, tmp_path: Path) -> None:
    with harming_nobody(faults, ann, tmp_path, "all processors busy"):
        misbehave(ann, "greedy", "time?for=6s")
        time.sleep(6)


def test_over_its_disk(faults: Cluster, ann: Inside, tmp_path: Path, flooded: dict[str, str]) -> None:
    def evicted(name: str) -> str | None:
        # An event, because kubelet 1.33 calls a pod Completed whose container ended well when it was told to.
        events = faults.api.get("v1", "Event", "rogue", fieldSelector=f"involvedObject.name={flooded[name]}")
        return next((str(each["message"]) for each in events if each["reason"] == "Evicted"), None)

    with harming_nobody(faults, ann, tmp_path, "more on disk than it may have"):
        said = {name: wait(f"{name} evicted", partial(evicted, name), 150) for name in flooded}
        faults.await_ready()
    assert "EmptyDir" in said["rogue/hoarder"]
    assert "16Mi" in said["rogue/hoarder"]
    assert "ephemeral" in said["rogue/chatty"]
    assert "144Mi" in said["rogue/chatty"]
