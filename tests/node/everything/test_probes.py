"""Probes of each kind pass and fail as meant, asked by real kubelets.

They are asked more often here than they are rendered to be, so that two minutes of silence are half a minute; how often
they fail before something happens, and what they ask, is as rendered.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.node.cluster import Cluster, app
from tests.real.api import Manifest
from tests.real.control_plane import wait

KINDS = {"httpGet": "suite/web", "tcpSocket": "club/wiki", "exec": "suite/postgres"}
"""Kind of probe to an app that has it three times."""
SECONDS = {"startupProbe": 1, "readinessProbe": 1, "livenessProbe": 4}
"""How often each is asked here."""


@dataclass(frozen=True)
class Now:
    """How an app's pod stands."""

    ready: bool
    served: bool
    """Whether the Service sends requests to it."""
    restarts: int
    ended: int | None
    """How the container before this one ended; 0 is what it says when it was told to."""
    failed: frozenset[str]
    """The probes that have failed, as kubelet calls them."""


class Probed:
    """The apps, with pods that are asked more often, and that do not answer at first."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._before = {name: self._containers(name) for name in KINDS.values()}
        for name, containers in self._before.items():
            changed = copy.deepcopy(containers)
            for probe, seconds in SECONDS.items():
                changed[0][probe]["periodSeconds"] = seconds
            changed[0].setdefault("env", []).append({"name": "STANDIN_ILL", "value": "1"})
            self._change(name, changed)

    def restore(self) -> None:
        """Make everything what it was."""
        for name, containers in self._before.items():
            self._change(name, containers)
        self._cluster.await_ready()

    def fall_ill(self) -> None:
        """Let nothing of the apps answer."""
        self._tell(signal.SIGUSR1)

    def recover(self) -> dict[str, Now]:
        """Let everything answer, and wait until the Services have it."""

        def well(_: str, now: Now) -> bool:
            if not now.ready:
                self._tell(signal.SIGUSR2)  # also one that has been restarted meanwhile
            return now.ready and now.served

        return self.await_all("ready", well)

    def _tell(self, change: signal.Signals) -> None:
        for each in self._cluster.containers():
            if each.app in KINDS.values():
                with contextlib.suppress(ProcessLookupError):  # restarted just now
                    os.kill(each.pid, change)

    def now(self) -> dict[str, Now]:
        """Kind of probe to how its app stands."""
        pods = {app(pod): pod for pod in self._cluster.pods() if "deletionTimestamp" not in pod["metadata"]}
        return {kind: self._now(pods[name]) for kind, name in KINDS.items() if name in pods}

    def await_all(self, what: str, asked: Callable[[str, Now], bool], seconds: float = 90) -> dict[str, Now]:
        """Wait until every app (by the kind of its probes) stands so, and return how they do."""
        seen: dict[str, Now] = {}

        def there() -> bool:
            seen.update(self.now())
            return seen.keys() == KINDS.keys() and all(itertools.starmap(asked, seen.items()))

        try:
            wait(what, there, seconds, pause=0.5)
        except AssertionError as late:
            raise AssertionError(f"{late}: {seen}") from None
        return seen

    def _now(self, pod: Manifest) -> Now:
        metadata = pod["metadata"]
        [status] = pod["status"].get("containerStatuses", [{"ready": False, "restartCount": 0}])
        service = metadata["labels"]["warren/app"]
        slices = self._cluster.api.get("discovery.k8s.io/v1", "EndpointSlice", metadata["namespace"])
        served = {
            endpoint["targetRef"]["uid"]
            for each in slices
            if each["metadata"]["labels"].get("kubernetes.io/service-name") == service
            for endpoint in each.get("endpoints") or []
            if endpoint["conditions"]["ready"]
        }
        unhealthy = f"reason=Unhealthy,involvedObject.uid={metadata['uid']}"
        failed = {
            # Many that are alike begin with that they are.
            event["message"].partition(" probe")[0].rpartition(" ")[2]
            for event in self._cluster.api.get("v1", "Event", metadata["namespace"], fieldSelector=unhealthy)
        }
        ended = status.get("lastState", {}).get("terminated", {}).get("exitCode")
        return Now(status["ready"], metadata["uid"] in served, status["restartCount"], ended, frozenset(failed))

    def _path(self, name: str) -> str:
        return self._cluster.api.path("apps/v1", "Deployment", *name.split("/"))

    def _containers(self, name: str) -> list[Manifest]:
        found: list[Manifest] = self._cluster.api.request("GET", self._path(name)).body["spec"]["template"]["spec"][
            "containers"
        ]
        return found

    def _change(self, name: str, containers: list[Manifest]) -> None:
        change = {"spec": {"template": {"spec": {"containers": containers}}}}
        answer = self._cluster.api.merge(self._path(name), change)
        assert answer.ok, answer.message


@pytest.fixture(scope="module")
def probed(everything: Cluster) -> Iterator[Probed]:
    """The apps, ill from their start; the tests here are one story."""
    for kind, name in KINDS.items():
        [own] = [
            each["spec"]["template"]["spec"]["containers"][0]
            for each in everything.rendered.of("Deployment")
            if f"{each['metadata']['namespace']}/{each['metadata']['name']}" == name
        ]
        assert all(kind in own[probe] for probe in SECONDS)
    asked = Probed(everything)
    yield asked
    asked.restore()


def test_a_startup_probe_that_fails_holds_the_others(probed: Probed) -> None:
    seen = probed.await_all("a startup probe that fails", lambda _, now: "Startup" in now.failed)
    assert {kind: (now.ready, now.served, set(now.failed)) for kind, now in seen.items()} == dict.fromkeys(
        KINDS, (False, False, {"Startup"})
    )


def test_a_readiness_probe_that_fails_takes_it_out_of_the_service_and_no_more(probed: Probed) -> None:
    before = {kind: now.restarts for kind, now in probed.recover().items()}
    probed.fall_ill()
    seen = probed.await_all("out of the Service", lambda _, now: not now.ready and not now.served)
    assert {kind: now.restarts for kind, now in seen.items()} == before
    assert {kind: now.restarts for kind, now in probed.recover().items()} == before


def test_a_liveness_probe_that_fails_restarts_it(probed: Probed) -> None:
    before = {kind: now.restarts for kind, now in probed.recover().items()}
    probed.fall_ill()
    # Once started, only this probe can make kubelet end it.
    seen = probed.await_all("restarted", lambda kind, now: now.restarts > before[kind])
    assert {now.ended for now in seen.values()} == {0}
