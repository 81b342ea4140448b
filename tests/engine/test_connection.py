"""The cluster that a stack is connected to: its identity, and whether it is there.

The stand-in serves only providers that render. So these tests give such a provider the settings of a connected one,
and the stand-in compares them as the official provider does (`DiffConfig`).
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manifests import connection, report
from tests.engine.harness import Project

Platform = Callable[..., Project]


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new), "utf-8")


OLD_IDENTITY = 'found["clusterIdentifier"] = stack.cluster.context'
CONNECTED = """

_settings = kubernetes


def kubernetes(stack, stack_name, root):
    '''What a connected stack has, without what render mode refuses: the stand-in serves nothing else.'''
    found = _settings(stack.model_copy(update={"sandbox": False}), stack_name, root)
    for key in ("kubeconfig", "context", "strictMode"):
        del found[key]
    %s
    return {**found, "renderYamlToDirectory": manifests(stack_name)}


_kept = kept


def kept(stack):
    return _kept(stack.model_copy(update={"sandbox": False}))
"""


def _connected(project: Project, identity: str = "pass") -> None:
    """Give the provider a connected stack's settings; `identity` changes what it is told to be the cluster's."""
    path = project.root / "manifests" / "connection.py"
    text = path.read_text("utf-8").partition("\n\n_settings = kubernetes")[0].rstrip("\n")
    path.write_text(text + "\n" + CONNECTED % identity, "utf-8")


def _identity(project: Project) -> Any:
    [cluster] = [each for each in project.resources() if each["type"] == "pulumi:providers:kubernetes"]
    return cluster["inputs"].get("clusterIdentifier")


def _rename_context(project: Project) -> None:
    _edit(project.root / "Pulumi.sandbox.yaml", "context: sandbox", "context: castle")


def test_rule_63_a_new_name_of_the_context_replaces_nothing(platform: Platform) -> None:
    project = platform()
    _connected(project)
    assert project.up().ok
    assert _identity(project) == "warren-sandbox"
    _rename_context(project)
    assert project.preview().changes == {}


def test_rule_63_a_stack_from_before_keeps_its_identity_and_replaces_nothing(platform: Platform) -> None:
    project = platform()
    program = project.root / "__main__.py"
    new = program.read_text("utf-8")
    kept = "pulumi.ResourceOptions(ignore_changes=connection.kept(stack))"
    # As it was: the context's name, compared at every update, without force.
    _connected(project, OLD_IDENTITY + '; del found["enablePatchForce"]')
    _edit(program, kept, "None")
    assert project.up().ok
    assert _identity(project) == "sandbox"
    # What was wrong: renaming the context would have replaced every object.
    _rename_context(project)
    before = project.preview()
    assert before.changes["replace"] > 90, before.changes
    # What is now: the provider's own settings are updated in place, and nothing else is touched.
    _connected(project)
    program.write_text(new, "utf-8")
    migrated = project.up()
    assert migrated.ok, migrated.output
    assert migrated.changes == {"update": 1}
    assert migrated.changed("update") - {"warren-sandbox"} == {"cluster"}
    assert _identity(project) == "sandbox"
    assert project.up().changes == {}


def test_rule_63_a_stack_that_stops_being_a_sandbox_is_made_anew(platform: Platform) -> None:
    project = platform()
    assert project.up().ok
    assert _identity(project) is None
    _connected(project)
    _edit(project.root / "manifests" / "connection.py", "manifests(stack_name)}\n", 'manifests("elsewhere")}\n')
    plan = project.preview()
    assert plan.changes["replace"] > 90, plan.changes


@pytest.fixture
def home(platform: Platform) -> Project:
    """The stack `home`, connected, with a kubeconfig in the project."""
    project = platform(stack="home")
    _connected(project)
    _edit(project.root / "Pulumi.home.yaml", "    context: home", "    kubeconfig: kubeconfig\n    context: home")
    _edit(project.root / "Pulumi.home.yaml", "0" * 32, "0123456789abcdef" * 2)
    project.pulumi("config", "set", "--secret", "cloudflare:apiToken", connection.SANDBOX_TOKEN)
    project.pulumi("config", "set", "--secret", "--path", "secrets.mcd-entra-client-secret", "made up for a test")
    return project


def _kubeconfig(project: Project, port: int) -> None:
    config = {
        "contexts": [{"name": "home", "context": {"cluster": "pis", "user": "me"}}],
        "clusters": [{"name": "pis", "cluster": {"server": f"https://127.0.0.1:{port}"}}],
    }
    (project.root / "kubeconfig").write_text(json.dumps(config), "utf-8")


def test_rule_63_a_missing_kubeconfig_ends_the_preview_before_the_first_resource(home: Project) -> None:
    result = home.preview()
    assert not result.ok
    assert "cluster.kubeconfig: kubeconfig does not exist" in result.errors[0]
    assert {step.type for step in result.steps} <= {"pulumi:pulumi:Stack"}


def test_rule_63_an_api_server_that_does_not_answer_is_a_warning(home: Project) -> None:
    proxies = {"HTTPS_PROXY": "", "https_proxy": ""}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        _kubeconfig(home, port)
        answered = home.preview(**proxies)
    assert answered.ok, answered.output
    assert "does not answer" not in answered.output
    stopped = home.preview(**proxies)
    assert stopped.ok, stopped.output
    assert any(message.startswith(report.UNREACHABLE) for message in stopped.messages)
    assert stopped.changes == answered.changes
