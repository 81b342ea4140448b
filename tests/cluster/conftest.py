"""Fixtures of the tests with a real API server: rendered stacks, and a control plane of its own for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from tests.real import control_plane, stacks
from tests.real.api import Answer, Api, Key, Manifest, in_order
from tests.real.control_plane import NEWEST, OLDEST, ControlPlane, wait
from tests.real.stacks import Rendered

CASES = [
    (stack, controller, version)
    for stack in stacks.STACKS
    for controller in stacks.CONTROLLERS
    for version in (OLDEST, NEWEST)
]
"""Every stack, with either ingress controller, on the oldest and the newest Kubernetes."""


def cases(*stack: str, controllers: tuple[str, ...] = stacks.CONTROLLERS) -> pytest.MarkDecorator:
    """Run a test, or a module, on some of the stacks."""
    chosen = [
        pytest.param(case, id="-".join(case))
        for case in CASES
        if case[0] in (stack or stacks.STACKS) and case[1] in controllers
    ]
    return pytest.mark.parametrize("cluster", chosen, indirect=True, scope="session")


@dataclass
class Cluster:
    """A control plane with one stack in it, applied once."""

    rendered: Rendered
    plane: ControlPlane
    api: Api
    first: dict[Key, Answer]
    """What the API server said when each object was applied for the first time."""

    @property
    def manifests(self) -> list[Manifest]:
        """The stack's objects, in the order in which they were applied."""
        return in_order(self.rendered.manifests)

    def workloads(self) -> list[Manifest]:
        """Deployments and CronJobs."""
        return self.rendered.of("Deployment", "CronJob")

    def settled(self) -> None:
        """Wait until the controllers have nothing left to do: nothing has changed for a second."""
        seen: list[str] = []
        since = time.monotonic()

        def quiet() -> bool:
            nonlocal seen, since
            now = [
                f"{each['metadata']['uid']} {each['metadata']['resourceVersion']}"
                for version, kind in (("apps/v1", "Deployment"), ("apps/v1", "ReplicaSet"), ("v1", "Pod"))
                for each in self.api.get(version, kind)
            ]
            if now != seen:
                seen, since = now, time.monotonic()
            return time.monotonic() - since > 1

        wait("the controllers come to rest", quiet, 60)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Rendered]:
    """What a stack is after `up`, rendered once: ``rendered("everything", "traefik")``."""

    @cache
    def make(stack: str, controller: str) -> Rendered:
        return stacks.render(tmp_path_factory.mktemp("stack") / f"{stack}-{controller}", stack, controller)

    return make


@pytest.fixture(scope="session")
def cluster(
    request: pytest.FixtureRequest,
    rendered: Callable[[str, str], Rendered],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """A fresh control plane in which a stack has been applied, in the program's own order."""
    stack, controller, version = request.param
    made = rendered(stack, controller)
    plane = control_plane.start(tmp_path_factory.mktemp("plane"), version)
    api = plane.api()
    try:
        yield Cluster(made, plane, api, control_plane.bring_up(api, made.manifests))
    finally:
        api.close()
        plane.stop()
