"""What people with kubectl `edit` can do to the running platform: fill their workspaces, and nothing more (rule 51)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from manifests.tenant import bounds
from manifests.workspace import counts
from tests.cluster.conftest import ANN
from tests.live.conftest import FIGURES, Live
from tests.live.node import Pod
from tests.live.visitor import Visitor
from tests.manifests.test_tenant_admission import SERVICE, changed
from tests.manifests.test_workspace_counts import MEASURED
from tests.real.api import Api, Manifest
from tests.real.control_plane import wait

TEAM, OPEN = "team.example.com", "example.com"
CROWD = 12
MIB = 2**20
NOISE = 12 * MIB
"""By how much two Traefiks differ that have done the same."""


def full(name: str) -> Iterator[Manifest]:
    """As much as the people of a workspace may make of what the controller keeps in memory."""
    for number in range(counts.ROOM[counts.SECRETS]):
        metadata = {"namespace": name, "name": f"full-{number}"}
        text = secrets.token_hex(bounds.CONFIG_BYTES // 2)[2048:]
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        yield {**config, "data": {"x": text}}
        # In base64 it is a third longer, and counts so.
        yield {**config, "kind": "Secret", "stringData": {"x": text[: len(text) * 3 // 4 - 4]}}
    for number in range(counts.ROOM[counts.SERVICES]):
        notes = {"x": secrets.token_hex(bounds.METADATA_BYTES // 2)[2048:]}
        yield changed(SERVICE, metadata={"namespace": name, "name": f"full-{number}", "annotations": notes})


@contextmanager
def crowd(api: Api) -> Iterator[list[str]]:
    """Workspaces more; gone at the end."""
    labels = {"warren/workspace": "crowd"}
    made: list[Manifest] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"crowd-{number}", "labels": labels}}
        for number in range(CROWD)
    ]
    try:
        for each in made:
            answer = api.create(each)
            assert answer.ok, answer.message
        yield [each["metadata"]["name"] for each in made]
    finally:
        for each in made:
            api.request("DELETE", api.path_of(each))
        wait("they are gone", lambda: all(api.request("GET", api.path_of(each)).status == 404 for each in made), 60)


def started_again(live: Live, pod: Pod) -> int:
    """The controller's memory once it has listed everything anew, and serves."""
    live.node.kill(pod)
    live.node.restart(pod)
    wait("routes", lambda: Visitor(pod.address).get(OPEN, "/").status == 200)
    [process] = pod.containers.values()
    since, highest = time.monotonic(), 0

    def at_rest() -> bool:
        nonlocal since, highest
        if process.memory() > highest + MIB:
            since, highest = time.monotonic(), process.memory()
        return time.monotonic() - since > 3

    wait("it stops growing", at_rest)
    return highest


def test_workspaces_that_are_full_cost_the_controller_what_was_reckoned(live: Live) -> None:
    pod = live.node.of("warren-ingress/ingress-controller")[1]
    empty = started_again(live, pod)
    made = 0
    with crowd(live.node.api) as names:
        for manifest in (each for name in names for each in full(name)):
            answer = live.node.api.create(manifest)
            assert answer.ok, answer.message
            made += bounds.METADATA_BYTES if manifest["kind"] == "Service" else bounds.CONFIG_BYTES
        grown = started_again(live, pod) - empty
    FIGURES.append(
        f"{CROWD} full workspaces of {made / MIB:.0f} MiB: {grown / MIB:.0f} MiB more in Traefik than {empty / MIB:.0f}"
    )
    assert made > 30 * MIB
    assert grown < MEASURED * made + NOISE


def test_a_full_workspace_still_signs_people_in(live: Live) -> None:
    """Dex keeps a record of every sign-in, and those are not counted."""
    api = live.node.api
    made: list[Manifest] = []
    try:
        with closing(api.speaking_for(ANN)) as ann:
            for manifest in full("team"):
                answer = ann.create(manifest)
                if not answer.ok:
                    assert "exceeded quota: warren.limits" in answer.message
                    continue
                made.append(manifest)
            refused = ann.create(changed(made[0], metadata__name="one-too-many"))
            assert "exceeded quota: warren.limits, requested: configmaps=1" in refused.message
        visitor = live.visitor()
        assert visitor.sign_in(TEAM).status == 302
        assert visitor.get(TEAM, "/api").app == "team/hello"
    finally:
        for each in made:
            api.request("DELETE", api.path_of(each))
    assert len(made) >= counts.ROOM[counts.SECRETS] + counts.ROOM[counts.CONFIG_MAPS] + counts.ROOM[counts.SERVICES]
