"""Two stacks of one project that both run a workspace of one name, each with what it says there."""

from __future__ import annotations

import pytest
import yaml

from tests.engine.harness import Project, Result, make_platform

STACK = """\
config:
  pulumi:disable-default-providers: ["*"]
  warren:sandbox: true
  warren:domain: {domain}
  warren:cluster:
    context: sandbox
    nodes: [{{ name: pi-1, role: control-plane, ip: 10.0.0.50, cpu: 4, memory: 8Gi }}]
  warren:cloudflare: {{ accountId: {id}, zoneId: {id} }}
  warren:workspaces: [notes, shared]
"""
WORKSPACE = """\
name: {name}
host: {name}
quota: {{ cpu: 500m, memory: 512Mi }}
auth: none
apps:
  landing: {{ static: {name}/landing, routes: [/] }}
  web: {{ image: docker.io/traefik/whoami:{tag}, args: [--port=8000], port: 8000, routes: [/web] }}
"""
FILES = {
    "Pulumi.first.yaml": STACK.format(domain="one.example", id="a1" * 16),
    "Pulumi.second.yaml": STACK.format(domain="two.example", id="b2" * 16),
    "workspaces/notes.yaml": WORKSPACE.format(name="notes", tag="v1.10.0"),
    "workspaces/notes/landing/index.html": "for all",
    "workspaces/shared.yaml": WORKSPACE.format(name="shared", tag="v1.11.0"),
    "workspaces/shared/landing/index.html": "for all",
    "workspaces.second/notes.yaml": WORKSPACE.format(name="notes", tag="v1.11.0"),
    "workspaces.second/notes/landing/index.html": "for the second",
}

Stacks = tuple[Project, Project]


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    first = make_platform(tmp_path_factory.mktemp("stacks") / "platform", "first")
    for name, text in FILES.items():
        (first.root / name).parent.mkdir(parents=True, exist_ok=True)
        (first.root / name).write_text(text, "utf-8")
    second = Project(first.root, "second")
    second.pulumi("stack", "init")
    return first, second


@pytest.fixture(scope="module")
def up(stacks: Stacks) -> tuple[Result, Result]:
    return stacks[0].up(), stacks[1].up()


def _runs(project: Project, workspace: str) -> tuple[str, str]:
    """The tag of a workspace's app, and its page."""
    folder = project.manifests / workspace
    deployment, page = (
        yaml.safe_load((folder / file).read_text("utf-8")) for file in ("deployment-web.yaml", "configmap-landing.yaml")
    )
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return container["image"].partition("@")[0].rpartition(":")[2], page["data"]["index.html"]


def test_both_are_up_at_once_each_with_its_own_content(stacks: Stacks, up: tuple[Result, Result]) -> None:
    first, second = stacks
    assert [result.ok for result in up] == [True, True], [result.output for result in up]
    assert (_runs(first, "notes"), _runs(first, "shared")) == (("v1.10.0", "for all"), ("v1.11.0", "for all"))
    assert (_runs(second, "notes"), _runs(second, "shared")) == (("v1.11.0", "for the second"), ("v1.11.0", "for all"))


def test_each_is_told_what_was_read_for_it_alone(up: tuple[Result, Result]) -> None:
    assert "For this stack alone" not in up[0].output
    [table] = [message for message in up[1].messages if message.startswith("For this stack alone")]
    assert [line.split() for line in table.splitlines()[2:4]] == [
        ["notes", "workspaces.second/notes.yaml"],
        ["notes", "workspaces.second/notes/landing"],
    ]


def test_a_change_of_one_stacks_own_file_is_no_change_of_the_other(stacks: Stacks, up: tuple[Result, Result]) -> None:
    first, second = stacks
    file = first.root / "workspaces.second/notes.yaml"
    file.write_text(WORKSPACE.format(name="notes", tag="v1.9.0"), "utf-8")
    previews = first.preview(), second.preview()
    assert [result.ok for result in (*up, *previews)] == [True] * 4
    assert [result.changed("update") for result in previews] == [set(), {"notes.web-deployment"}]
    assert [result.changes for result in previews] == [{}, {"update": 1}]
