"""Pods at the first instant: what a program that is quick reaches before the walls of its pod are there.

Owns: making pods, trying connections from the moment that a pod has a network, and when its program began.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.reach import End
from tests.node.cluster import Cluster
from tests.node.visitor import enter
from tests.node.walls import pod_of
from tests.real.control_plane import wait

_STEP = 0.02
"""Seconds between two tries."""


@dataclass(frozen=True)
class Newcomer:
    """What a pod reached."""

    name: str
    reached: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Address to when somebody answered there, in seconds from when the pod's program began; before, below zero."""

    def last(self, address: str) -> float | None:
        """The last time that an address answered; None if it never did."""
        return max(self.reached[address], default=None)


def arrive(
    cluster: Cluster, end: End, image: str, targets: Mapping[str, int], count: int, seconds: float
) -> list[Newcomer]:
    """Make pods at once, let each try all targets (address to TCP port) for a while, and return what they reached."""
    watch = _Watch(cluster, targets)
    pods = [pod_of(end, image, f"new-{time.monotonic_ns() // 1000000}-{number}") for number in range(count)]
    names = {pod["metadata"]["name"] for pod in pods}
    try:
        for pod in pods:
            answer = cluster.api.create(pod)
            assert answer.ok, answer.message

        def began() -> dict[str, tuple[int, float]] | None:
            found = {
                each.pod["metadata"]["name"]: (each.pid, _began(each.pid))
                for each in cluster.containers()
                if each.pod["metadata"]["name"] in names
            }
            return found if found.keys() == names else None

        running = wait("new pods", began, 60)
        time.sleep(seconds)
        spaces = {Path(f"/proc/{pid}/ns/net").stat().st_ino: name for name, (pid, _) in running.items()}
    finally:
        seen = watch.stop()
        for name in names:
            cluster.api.request("DELETE", cluster.api.path("v1", "Pod", end.namespace, name), gracePeriodSeconds="0")
    assert spaces.keys() <= seen.keys()
    return [
        Newcomer(
            name,
            {address: [at - running[name][1] for at in times] for address, times in seen[space].items()},
        )
        for space, name in spaces.items()
    ]


def _began(pid: int) -> float:
    """When a process began, on the clock of `_now` (proc_pid_stat(5): field 22)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class _Watch:
    """Threads that enter every network that comes up on a node, and try there."""

    def __init__(self, cluster: Cluster, targets: Mapping[str, int]) -> None:
        self._targets, self._over = targets, threading.Event()
        self._seen: dict[int, dict[str, list[float]]] = {}
        self._folders = [Path(f"/proc/{node.host.holder.pid}/root/run/netns") for node in cluster.nodes]
        self._known = {path for folder in self._folders for path in folder.iterdir()}
        self._threads = [threading.Thread(target=self._look)]
        self._threads[0].start()

    def stop(self) -> dict[int, dict[str, list[float]]]:
        """Stop, and return for each network (its inode) when each address answered."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        return self._seen

    def _look(self) -> None:
        while not self._over.wait(0.005):
            for path in {path for folder in self._folders for path in folder.iterdir()} - self._known:
                self._known.add(path)
                self._threads.append(threading.Thread(target=self._enter, args=(path,)))
                self._threads[-1].start()

    def _enter(self, path: Path) -> None:
        # The file is there a moment before the network is.
        while not self._over.is_set():
            with contextlib.suppress(OSError):
                self._try(enter(path))
                return

    def _try(self, inode: int) -> None:
        seen = self._seen.setdefault(inode, {address: [] for address in self._targets})
        while not self._over.wait(_STEP):
            for address, port in self._targets.items():
                asked = _now()
                if _answers(address, port):
                    seen[address].append(asked)


def _answers(address: str, port: int) -> bool:
    with socket.socket() as connection:
        connection.settimeout(_STEP)
        return connection.connect_ex((address, port)) == 0
