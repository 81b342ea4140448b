"""An API server of 1.33 goes on while policies change under the requests that they judge (kubernetes#135757).

It mostly ended within these seconds while Warren's policies had `variables`. In newer servers that is mended.
"""

from __future__ import annotations

import http.client
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from manifests.tenant import rules
from tests.manifests.test_tenant_admission import INGRESS, NAMESPACE, changed
from tests.real import control_plane
from tests.real.api import Api, Manifest
from tests.real.control_plane import OLDEST, ControlPlane

COPIES = 10
"""Of every policy, each compiled anew when it changes: a crash is a matter of chance."""
SECONDS = 8
CLIENTS = 4


def policies() -> Iterator[Manifest]:
    """Each policy, and the binding that puts it into force, several times."""
    for number in range(COPIES):
        for role, policy in rules.policies(closed=True).items():
            name = f"{policy['metadata']['name']}-{number}"
            yield changed(policy, metadata__name=name)
            yield changed(rules.bindings(closed=True)[role], metadata__name=name, spec__policyName=name)


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    """A fresh control plane of 1.33."""
    started = control_plane.start(tmp_path, OLDEST)
    try:
        yield started
    finally:
        started.stop()


def test_requests_are_judged_while_policies_change(plane: ControlPlane) -> None:
    over = threading.Event()
    refused: list[str] = []
    gone: list[Exception] = []
    judged, changes = itertools.count(), itertools.count(2)

    def judge(api: Api) -> None:
        answer = api.create(INGRESS, dryRun="All")
        if not answer.ok:
            refused.append(answer.message)
        next(judged)

    def change(api: Api) -> None:
        # Any change has a policy compiled anew; what is said about its status is looked through the fastest.
        for policy in made:
            status = {"status": {"observedGeneration": next(changes)}}
            assert api.merge(f"{api.path_of(policy)}/status", status).ok

    def repeat(do: Callable[[Api], None]) -> None:
        try:
            with closing(plane.api()) as api:
                while not over.is_set():
                    do(api)
        except (OSError, http.client.HTTPException) as error:
            gone.append(error)
            over.set()

    with closing(plane.api()) as api:
        for manifest in (changed(NAMESPACE, apiVersion="v1", kind="Namespace"), *policies()):
            answer = api.apply(manifest)
            assert answer.ok, answer.message
    made = [each for each in policies() if each["kind"] == "ValidatingAdmissionPolicy"]
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        tasks = [pool.submit(repeat, do) for do in (change, *[judge] * CLIENTS)]
        over.wait(SECONDS)
        over.set()
    assert gone == [], plane.processes["kube-apiserver"].said().partition("fatal error")[2][:3000]
    assert [task.result() for task in tasks] == [None] * len(tasks)
    assert refused == []
    assert next(judged) > CLIENTS
    assert next(changes) > len(made)
