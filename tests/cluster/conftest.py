"""Fixtures of the tests with a real API server: rendered stacks, and a control plane of its own for each."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache

import pytest

from manifests.k3s import PEOPLE_PREFIX
from tests.manifests.test_tenant_admission import changed
from tests.real import control_plane, stacks
from tests.real.api import Answer, Api, Key, Manifest, User, in_order
from tests.real.control_plane import NEWEST, OLDEST, ControlPlane, wait
from tests.real.stacks import Rendered

CASES = [
    (stack, controller, version)
    for stack in stacks.STACKS
    for controller in stacks.CONTROLLERS
    for version in (OLDEST, NEWEST)
] + [(stacks.SHELF, "traefik", version) for version in (OLDEST, NEWEST)]
"""Every stack, with either ingress controller, on the oldest and the newest Kubernetes; and the examples of docs/apps,
to which the controller makes no difference."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep on one worker, where several run, what happens to one control plane; and else a file."""
    for item in items:
        param = item.callspec.params.get("cluster") if hasattr(item, "callspec") else None
        item.add_marker(pytest.mark.xdist_group("-".join(param or [item.path.stem])))


def cases(*stack: str, controllers: tuple[str, ...] = stacks.CONTROLLERS, plane: str = "") -> pytest.MarkDecorator:
    """Run a test, or a module, on some of the stacks.

    Those that say the same `plane` find a control plane in which others have been. What another file would trip over
    happens in one with a name.
    """
    chosen = [
        pytest.param((*case, plane), id="-".join(case))
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
        """Deployments, CronJobs and Jobs."""
        return self.rendered.of("Deployment", "CronJob", "Job")

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

        wait("the controllers come to rest", quiet, 120)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Rendered]:
    """What a stack is after `up`, rendered once: ``rendered("everything", "traefik")``."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "stacks"

    @cache
    def make(stack: str, controller: str) -> Rendered:
        return stacks.rendered_once(folder, stack, controller)

    return make


@pytest.fixture(scope="session")
def cluster(
    request: pytest.FixtureRequest,
    rendered: Callable[[str, str], Rendered],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """A fresh control plane in which a stack has been applied, in the program's own order."""
    stack, controller, version, _ = request.param
    made = rendered(stack, controller)
    plane = control_plane.start(tmp_path_factory.mktemp("plane"), version)
    api = plane.api()
    try:
        yield Cluster(made, plane, api, control_plane.bring_up(api, made.manifests))
    finally:
        api.close()
        plane.stop()


ANN = User("oidc:ann@example.com", (f"{PEOPLE_PREFIX}team-admins", "system:authenticated"))
"""Somebody with `edit` in team, and in every room."""


@dataclass(frozen=True)
class Room:
    """A namespace with the labels, quota, defaults and people of team, under another name."""

    api: Api
    """The administrator."""
    ann: Api
    """Ann, who has `edit` there."""
    name: str


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def leaving(cluster: Cluster) -> Iterator[list[str]]:
    """Paths of deleted namespaces; waited for once, because Kubernetes empties each after five seconds only."""
    paths: list[str] = []
    yield paths
    wait("the rooms are gone", lambda: all(cluster.api.request("GET", path).status == 404 for path in paths))


@pytest.fixture
def room(cluster: Cluster, leaving: list[str]) -> Iterator[Room]:
    """A workspace of one test's own, in which things may be left behind."""
    api, name = cluster.api, f"walls-{next(_numbers)}"
    copied = [
        each
        for each in cluster.manifests
        if each["metadata"].get("namespace") == "team"
        and (
            each["kind"] in ("ResourceQuota", "LimitRange")
            or (each["kind"], each["metadata"]["name"]) == ("RoleBinding", "warren-edit")
        )
    ]
    [namespace] = [each for each in cluster.rendered.of("Namespace") if each["metadata"]["name"] == "team"]
    made = changed(namespace, metadata__name=name)
    try:
        assert api.create(made).ok
        # A ConfigMap that comes while a quota is new may stay uncounted for five minutes.
        wait(
            "what controllers make", lambda: all(api.get("v1", kind, name) for kind in ("ServiceAccount", "ConfigMap"))
        )
        for each in copied:
            answer = api.create(changed(each, metadata__namespace=name))
            assert answer.ok, answer.message
        wait("quotas", lambda: all(each.get("status", {}).get("hard") for each in api.get("v1", "ResourceQuota", name)))
        with closing(api.speaking_for(ANN)) as ann:
            wait("her rights", lambda: ann.request("GET", api.path("v1", "Pod", name)).ok)
            yield Room(api, ann, name)
    finally:
        leaving.append(api.path_of(made))
        api.request("DELETE", leaving[-1])


@pytest.fixture
def ann(cluster: Cluster) -> Iterator[Api]:
    """Ann, who has `edit` in team."""
    with closing(cluster.api.speaking_for(ANN)) as speaking:
        yield speaking


def token_request() -> Manifest:
    """What asks for a token of ten minutes."""
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}


@pytest.fixture
def bearer(cluster: Cluster) -> Iterator[Callable[[str, str], Api]]:
    """Somebody with the real token of a ServiceAccount, as a pod has it."""
    made: list[Api] = []

    def with_token(namespace: str, name: str) -> Api:
        path = f"{cluster.api.path('v1', 'ServiceAccount', namespace, name)}/token"
        answer = cluster.api.request("POST", path, token_request())
        assert answer.ok, answer.message
        plane = cluster.plane
        made.append(Api(plane.host, plane.port, answer.body["status"]["token"], plane.certificate))
        return made[-1]

    yield with_token
    for each in made:
        each.close()
