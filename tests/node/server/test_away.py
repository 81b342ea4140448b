"""The server's k3s is away for a minute: requests go on, and nothing starts anew afterwards.

k3s is one process there: API server, database, controllers, scheduler, and that node's kubelet and proxy. A minute,
because nodes that are silent for longer than 50 s are called dead: the controllers must not hold the server's own
silence against them. Its containerd goes on here, which k3s' does not: nobody would read what containers print, and one
that prints a line a request stands still when its pipe is full (containerd/containerd#9342, and docs/nodes.md).
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.node.cluster import Cluster
from tests.node.figures import FIGURES
from tests.node.load import ROGUES, asking, lost, slowest
from tests.node.node import ready
from tests.node.operating import roll_out
from tests.node.visitor import Inside
from tests.real.control_plane import wait

AWAY = 60
CHANGED = "rogue/greedy"
"""What is rolled out afterwards, which takes every part of Kubernetes."""


def running(cluster: Cluster) -> dict[str, tuple[int, int]]:
    """Container of a pod to its process and how often it was started again."""
    return {
        f"{each.name} {each.pod['metadata']['uid']}": (
            each.pid,
            sum(status["restartCount"] for status in each.pod["status"]["containerStatuses"]),
        )
        for each in cluster.containers()
    }


def known_since(cluster: Cluster) -> dict[str, str]:
    """Since when each node has been called ready."""
    return {
        each["metadata"]["name"]: condition["lastTransitionTime"]
        for each in cluster.api.get("v1", "Node")
        for condition in each["status"]["conditions"]
        if condition["type"] == "Ready" and condition["status"] == "True"
    }


def test_the_servers_k3s_is_away_for_a_minute(faults: Cluster, ann: Inside, tmp_path: Path) -> None:
    server = faults.nodes[0]
    before, known = running(faults), known_since(faults)
    assert len(known) == len(faults.nodes)
    k3s = [*faults.plane.processes.values(), server.processes["kubelet"], server.processes["kube-proxy"]]
    with asking(ann, tmp_path) as run:
        began = time.time()
        for process in reversed(k3s):
            process.stop()
        time.sleep(AWAY)
        back = time.time()
        faults.plane.start_again()
        for name in ("kubelet", "kube-proxy"):
            server.processes[name].start_again()
        faults.api.close()  # its connection has ended with the server, and the next request makes another
        ready(faults.plane, faults.nodes)
        reachable = time.time() - back
        # Who watches asks again at growing intervals: the other node and Traefik may be the last by up to a minute.
        roll_out(faults, CHANGED)
        wait("a route to the new pod", lambda: ann.get(ROGUES, "/greedy").status == 200)
        changed = time.time() - back
    hits = run.hits()
    meanwhile = [hit for hit in hits if began < hit.began < back]
    FIGURES.append(
        f"the server's k3s away for {back - began:.0f} s: {len(meanwhile)} requests meanwhile, {slowest(meanwhile)}; "
        f"nodes ready {reachable:.1f} s after it was started, and an app rolled out after {changed:.0f} s"
    )
    assert lost(hits) == {}
    assert len(meanwhile) > AWAY
    after = running(faults)
    assert {name: each for name, each in after.items() if not name.startswith(CHANGED)} == {
        name: each for name, each in before.items() if not name.startswith(CHANGED)
    }
    assert known_since(faults) == known
