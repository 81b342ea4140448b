"""The whole program, run by the real engine against a real cluster.

The tests are in the order of a stack's life, and each leaves the stack as it found it, but the last, which removes it.
"""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.engine.harness import Result
from tests.node.figures import FIGURES
from tests.node.program.stack import Stack
from tests.real.api import Key, Manifest
from tests.real.control_plane import wait

HELLO = ("mcd", "helloworld")
NAME = "mcd.helloworld-deployment"
FILE = "workspaces/mcd.yaml"
REQUESTS = "requests: { cpu: 10m, memory: 16Mi }"


@pytest.fixture(scope="session")
def before(stack: Stack) -> dict[Key, Manifest]:
    """The cluster when nothing of ours was in it."""
    return stack.objects()


@pytest.fixture(scope="session")
def first(stack: Stack, before: dict[Key, Manifest]) -> Result:
    """What the first `up` said."""
    assert before
    began = time.monotonic()
    result = stack.project.up()
    FIGURES.append(f"the first `up` took {time.monotonic() - began:.1f} s")
    assert result.ok, result.output
    return result


@pytest.fixture
def up(stack: Stack, first: Result) -> Stack:
    """The stack, up."""
    assert first.ok
    return stack


def test_everything_is_ready_when_up_returns(stack: Stack, first: Result) -> None:
    assert stack.unready() == set()
    assert any(text.startswith("connected stand-in, not the official plugin") for text in first.messages)


def test_what_is_there_is_what_the_sandbox_renders(up: Stack, before: dict[Key, Manifest]) -> None:
    rendered = {Key.of(each) for each in up.cluster.rendered.manifests}
    new = up.objects().keys() - before.keys()
    assert rendered <= new
    by_itself = {f"{each.kind} {each.name}" for each in new - rendered}
    assert by_itself == {"ServiceAccount default", "ConfigMap kube-root-ca.crt"}


def test_again_unchanged(up: Stack) -> None:
    objects, pods = up.objects(), up.pods()
    for result in (up.project.preview(), up.project.up("--refresh")):
        assert result.ok, result.output
        assert result.changes.keys() <= {"refresh"}, result.changes
    assert (up.objects(), up.pods()) == (objects, pods)


def test_a_preview_asks_the_api_server(up: Stack) -> None:
    program = "manifests/app/apps.py"
    good = up.read(program)
    up.edit(program, '"progressDeadlineSeconds": rollout_seconds(app)', '"progressDeadlineSeconds": 0')
    refused = up.project.preview()
    up.write(program, good)
    assert not refused.ok
    assert "spec.progressDeadlineSeconds: Invalid value: 0" in "\n".join(refused.errors)


def test_a_change_of_one_workspace_touches_nothing_else(up: Stack) -> None:
    objects, pods = up.objects(), up.pods()
    up.edit(FILE, REQUESTS, "requests: { cpu: 11m, memory: 16Mi }")
    result = up.project.up()
    assert result.ok, result.output
    assert up.unready() == set()
    changed = up.objects()
    assert {key for key in changed if changed[key] != objects.get(key)} == {Key("Deployment", *HELLO)}
    assert objects.keys() == changed.keys()
    assert ended(up, pods) == {"mcd/helloworld"}


def test_a_plain_up_does_not_see_a_change_by_hand_and_a_refresh_repairs_it(up: Stack) -> None:
    mine = {"metadata": {"labels": {"mine": "yes"}}}
    for name in (HELLO, ("mcd", "landing")):
        up.by_hand(up.deployment(*name), mine)
    up.by_hand(up.deployment(*HELLO), {"spec": {"replicas": 2}}, at="/scale")
    assert up.project.up().changes == {}
    assert up.deployment(*HELLO)["spec"]["replicas"] == 2
    repaired = up.project.up("--refresh")
    assert repaired.ok, repaired.output
    assert repaired.changed("update") - {"warren-home"} == {NAME}
    assert up.deployment(*HELLO)["spec"]["replicas"] == 1
    # An update drops what kubectl has added to an object, and leaves what it does not touch.
    assert "mine" not in up.deployment(*HELLO)["metadata"]["labels"]
    assert up.deployment("mcd", "landing")["metadata"]["labels"]["mine"] == "yes"


def test_what_was_deleted_by_hand_is_made_again_after_a_refresh(up: Stack) -> None:
    pods = up.pods()
    up.delete(up.deployment(*HELLO))
    up.edit(FILE, "cpu: 11m", "cpu: 12m")
    refused = up.project.up()
    assert not refused.ok
    assert "not found" in "\n".join(refused.errors)
    refreshed = up.project.refresh()
    assert refreshed.ok, refreshed.output
    again = up.project.up()
    assert again.ok, again.output
    assert again.changed("create") == {NAME}
    assert up.unready() == set()
    assert ended(up, pods) == {"mcd/helloworld"}


def ended(stack: Stack, pods: dict[str, str]) -> set[str]:
    """What the pods belonged to that were there and are not any more."""
    return {pods[uid] for uid in pods.keys() - stack.pods().keys()}


def test_a_removed_workspace_is_gone_and_a_killed_up_is_finished_as_the_docs_say(up: Stack) -> None:
    objects, pods = up.objects(), up.pods()
    up.of("public", "mcd")
    removed = up.project.up()
    assert removed.ok, removed.output
    left = up.objects()
    gone = objects.keys() - left.keys()
    assert Key("Namespace", "", "perso") in gone
    assert all("perso" in (key.namespace or key.name) for key in gone), gone
    # Its one route with a `rateLimit`, which is in the controller's configuration.
    assert {key for key in left if left[key] != objects[key]} == {Key("ConfigMap", "warren-ingress", "traefik")}
    assert ended(up, pods) == {"perso/landing", "perso/geminirealtime"}

    up.of("public", "mcd", "perso")
    _kill_half_way(up)
    assert up.project.export()["deployment"].get("pending_operations")
    up.project.pulumi("cancel", "--yes")
    refused = up.project.up()
    assert not refused.ok
    assert "already exists" in "\n".join(refused.errors)
    finished = up.project.up(PULUMI_K8S_UPSERT_EXISTING_OBJECTS="true")
    assert finished.ok, finished.output
    assert up.unready() == set()
    cleared = up.project.refresh("--clear-pending-creates")
    assert cleared.ok, cleared.output
    assert not up.project.export()["deployment"].get("pending_operations")
    assert up.objects().keys() == objects.keys()


def _kill_half_way(stack: Stack) -> None:
    """Kill an `up` that waits for a Deployment which it has just made."""
    running = stack.project.start("up")
    path = stack.cluster.api.path("apps/v1", "Deployment", "perso", "landing")
    try:
        wait("the Deployment", lambda: stack.cluster.api.request("GET", path).ok, 60)
    finally:
        # The engine and the program; the stand-ins end when nobody is there any more.
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()


def test_failing_apps_are_named_in_time_and_the_next_up_repairs_them(up: Stack) -> None:
    """The time that the program gives an image is cut short here; the rest of its time is what the file says."""
    other = "workspaces/perso.yaml"
    good = {file: up.read(file) for file in (FILE, other)}
    pods = up.pods()
    quick = "    gracePeriod: 1s\n    health: { %s, start: 5s }\n"
    up.edit("manifests/app/apps.py", "_PULL_SECONDS = 300", "_PULL_SECONDS = 2")
    up.edit(FILE, "image: docker.io/traefik/whoami:v1.11.0", "image: 127.0.0.1:9/nobody/whoami:v1.11.0")
    up.edit(FILE, "    health: /health\n", quick % "http: /health")
    up.edit(other, "    port: 8000\n", "    port: 8000\n" + quick % 'exec: ["/nothing"]')
    began = time.monotonic()
    failed = up.project.up()
    FIGURES.append(
        f"an `up` with two apps that fail took {time.monotonic() - began:.0f} s, of which the program gives them 18"
    )
    assert not failed.ok
    said = "\n".join(failed.errors)
    assert "\"mcd/helloworld\" failed to fully initialize or become live: 'helloworld' timed out" in said
    assert "127.0.0.1:9/nobody/whoami" in said
    assert "\"perso/geminirealtime\" failed to fully initialize or become live: 'geminirealtime' timed out" in said
    assert "containers with unready status: [geminirealtime]" in said
    assert ended(up, pods) == set(), "the old pods go on serving"

    for file, text in good.items():
        up.write(file, text)
    repaired = up.project.up()
    assert repaired.ok, repaired.output
    assert up.unready() == set()


def test_nothing_is_left_when_all_is_removed(up: Stack, before: dict[Key, Manifest]) -> None:
    destroyed = up.project.destroy()
    assert destroyed.ok, destroyed.output
    assert up.objects() == before
    assert set(up.pods().values()) == {"kube-system/coredns"}
