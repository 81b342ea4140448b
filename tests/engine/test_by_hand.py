"""What people do beside Pulumi: changes by hand, and updates that are killed.

The stand-in behaves here as the official provider does when it is connected: an object's file is the object. Does not
prove that a cluster does the same; `sandbox/kubernetes/live.py` names the provider's sources.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.harness import Project, make_platform

Platform = Callable[..., Project]

DEPLOYMENT = Path("mcd", "deployment-helloworld.yaml")
NAME = "mcd.helloworld-deployment"


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new), "utf-8")


def _without_force(project: Project) -> None:
    _edit(project.root / "manifests" / "connection.py", ', "enablePatchForce": "true"', "")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The sandbox, up. Every test leaves it as it found it."""
    project = make_platform(tmp_path_factory.mktemp("by-hand") / "platform")
    assert project.up().ok
    return project


BY_HAND = {
    "mcd.helloworld-deployment": ("mcd/deployment-helloworld.yaml", "replicas: 1", "replicas: 4"),
    "perso.geminirealtime-deployment": ("perso/deployment-geminirealtime.yaml", "image: ", "image: docker.io/library/"),
    "public.landing-deployment": ("public/deployment-landing.yaml", "app.kubernetes.io/name", "name"),
}
"""Resource to its file and what changes there, as by `kubectl scale`, `kubectl set image` and `kubectl edit`."""


def test_rule_60_a_plain_up_compares_nothing_and_up_with_refresh_repairs(up: Project) -> None:
    good = {up.manifests / file: (up.manifests / file).read_text("utf-8") for file, _, _ in BY_HAND.values()}
    for file, old, new in BY_HAND.values():
        _edit(up.manifests / file, old, new)
    assert up.up().changes == {}
    assert all(file.read_text("utf-8") != text for file, text in good.items())
    repaired = up.up("--refresh")
    assert repaired.ok, repaired.output
    assert repaired.changed("update") - {"warren-sandbox"} == set(BY_HAND)
    assert {file: file.read_text("utf-8") for file in good} == good
    assert up.up("--refresh").changed("update") == set()


def test_rule_60_what_was_deleted_by_hand_is_made_again_by_up_with_refresh(up: Project) -> None:
    file = up.manifests / DEPLOYMENT
    good = file.read_text("utf-8")
    file.unlink()
    assert up.up().changes == {}
    repaired = up.up("--refresh")
    assert repaired.ok, repaired.output
    assert repaired.changed("create") == {NAME}
    assert file.read_text("utf-8") == good


def test_rule_60_a_tightening_up_goes_through_over_a_change_by_hand(up: Project) -> None:
    file = up.manifests / DEPLOYMENT
    good = file.read_text("utf-8")
    workspace = up.root / "workspaces" / "mcd.yaml"
    limits = "requests: { cpu: 10m, memory: 16Mi }"
    _edit(file, "replicas: 1", "replicas: 4")
    _edit(workspace, limits, "requests: { cpu: 20m, memory: 16Mi }")
    tightened = up.up()
    assert tightened.ok, tightened.output
    text = file.read_text("utf-8")
    assert "replicas: 1" in text
    assert "cpu: 20m" in text
    _edit(workspace, "requests: { cpu: 20m, memory: 16Mi }", limits)
    assert up.up().ok
    assert file.read_text("utf-8") == good


def test_without_force_the_same_up_fails_with_a_conflict(platform: Platform) -> None:
    project = platform()
    _without_force(project)
    assert project.up().ok
    _edit(project.manifests / DEPLOYMENT, "replicas: 1", "replicas: 4")
    _edit(project.root / "workspaces" / "mcd.yaml", "cpu: 10m, memory: 16Mi }", "cpu: 20m, memory: 16Mi }")
    for arguments in ((), ("--refresh",)):
        refused = project.up(*arguments)
        assert not refused.ok
        assert "somebody else has changed spec.replicas" in "\n".join(refused.errors)


def _half_way(project: Project, made: int) -> subprocess.Popen[str]:
    """An `up` that goes on, and has made so many objects."""
    running = project.start("up")
    deadline = time.monotonic() + 120
    while len(project.manifest_files()) < made:
        assert running.poll() is None, "up ended before it could be interrupted"
        assert time.monotonic() < deadline, "up has made nothing"
        time.sleep(0.02)
    return running


def test_a_killed_up_is_finished_as_the_docs_say(platform: Platform) -> None:
    project = platform()
    running = _half_way(project, 20)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    # When none was under way at that moment the state knows every object, and there is nothing to show.
    pending = _forget_one_made_object(project)
    project.pulumi("cancel", "--yes")
    refused = project.up()
    assert not refused.ok
    assert "already exists" in "\n".join(refused.errors)
    assert not project.up("--refresh").ok, "a refresh knows as little of them"
    finished = project.up(PULUMI_K8S_UPSERT_EXISTING_OBJECTS="true")
    assert finished.ok, finished.output
    cleared = project.refresh("--clear-pending-creates")
    assert cleared.ok, cleared.output
    assert not project.export()["deployment"].get("pending_operations")
    assert project.up("--refresh").changed("update") == set()
    assert pending in {resource["urn"] for resource in project.resources()}


def _forget_one_made_object(project: Project) -> str:
    """Make sure that one object was being created when `up` was killed, and return its URN."""
    state = project.export()
    deployment = state["deployment"]
    pending = [each["resource"]["urn"] for each in deployment.get("pending_operations") or []]
    made = [
        path.read_text("utf-8").partition("# resource: ")[2].partition("\n")[0]
        for path in project.manifests.glob("*/*.yaml")
    ]
    lost = [urn for urn in pending if urn in made]
    if lost:
        return str(lost[0])
    depended = {each for resource in deployment["resources"] for each in resource.get("dependencies", ())}
    depended |= {resource.get("parent") for resource in deployment["resources"]}
    last = next(
        resource
        for resource in reversed(deployment["resources"])
        if resource["urn"] in made and resource["urn"] not in depended
    )
    deployment["resources"].remove(last)
    deployment["pending_operations"] = [{"resource": last, "type": "creating"}]
    project.pulumi("stack", "import", "--force", stdin=json.dumps(state))
    return str(last["urn"])


def test_secrets_are_shown_and_hidden_again_by_the_next_up(up: Project) -> None:
    file = up.manifests / "mcd" / "secret-dex.yaml"
    assert "(redacted)" in file.read_text("utf-8")
    shown = up.up(WARREN_SANDBOX_SHOW_SECRETS="1")
    assert shown.ok, shown.output
    assert "(redacted)" not in file.read_text("utf-8")
    assert up.up(WARREN_SANDBOX_SHOW_SECRETS="1").changes == {}
    assert up.up().ok
    assert "(redacted)" in file.read_text("utf-8")
    assert up.up().changes == {}


def test_an_up_that_was_stopped_by_ctrl_c_is_simply_finished(platform: Platform) -> None:
    project = platform()
    running = _half_way(project, 10)
    # As a terminal does: to everything that belongs to the command.
    os.killpg(running.pid, signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode != 0, output
    finished = project.up()
    assert finished.ok, finished.output
    assert finished.changes.keys() <= {"create", "update"}
    assert project.up("--refresh").changed("update") == set()
