"""Roll-outs without a lost request, on real kubelets: preStop, SIGTERM, kube-proxy and probes are all real (rule 67).

Walls are switched off meanwhile: the program that enforces them drops what waits in its queue whenever a pod comes or
goes, which k3s's own does not.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.node.cluster import Cluster, app
from tests.node.figures import FIGURES
from tests.node.home.test_way_in import visitor
from tests.node.visitor import Inside
from tests.real.control_plane import wait

__all__ = ["visitor"]


@pytest.fixture
def unhooked(home: Cluster) -> Iterator[None]:
    """Walls off, and on again."""
    for node in home.nodes:
        node.enforce(False)
    yield
    for node in home.nodes:
        node.enforce(True)


class Asking:
    """Requests, one after the other in each of a few threads, until told to stop."""

    def __init__(self, visitor: Inside, host: str, path: str) -> None:
        self._over = threading.Event()
        self.seen: Counter[int | str] = Counter()
        self.slowest = 0.0
        self._threads = [threading.Thread(target=self._ask, args=(visitor.another(), host, path)) for _ in range(3)]
        for thread in self._threads:
            thread.start()

    def _ask(self, who: Inside, host: str, path: str) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                outcome: int | str = who.get(host, path).status
            except OSError as error:
                outcome = repr(error)
            self.seen[outcome] += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
            self._over.wait(0.02)

    def stop(self) -> None:
        """Stop asking."""
        self._over.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.usefixtures("unhooked")
@pytest.mark.parametrize("rolled", ["public/landing", "warren-ingress/ingress-controller"])
def test_no_request_is_lost(home: Cluster, visitor: Inside, rolled: str) -> None:
    [row, *_] = [each for each in home.rendered.platform.routes if (each.workspace, each.app) == ("public", "landing")]
    old = {pod["metadata"]["uid"] for pod in home.pods() if app(pod) == rolled}
    namespace, name = rolled.split("/")
    note = {"spec": {"template": {"metadata": {"annotations": {"tests/restarted": str(time.monotonic_ns())}}}}}
    began = time.monotonic()
    asking = Asking(visitor, row.host, row.path)
    try:
        answer = home.api.merge(home.api.path("apps/v1", "Deployment", namespace, name), note)
        assert answer.ok, answer.message
        wait("old pods gone", lambda: not old & {pod["metadata"]["uid"] for pod in home.pods()}, 150)
        home.await_ready()
    finally:
        asking.stop()
    FIGURES.append(
        f"roll-out of {rolled}: {sum(asking.seen.values())} requests in {time.monotonic() - began:.0f} s, "
        f"the slowest took {asking.slowest * 1000:.0f} ms"
    )
    assert set(asking.seen) == {200}, asking.seen
