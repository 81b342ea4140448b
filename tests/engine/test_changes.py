"""What changes by workspace, read from the real engine's previews of one platform that is up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts import changes
from scripts.event_log import read
from tests.docs.test_docs import README, ROOT, blocks
from tests.engine.harness import Project, Result, make_platform

STACK_FILE, MCD, PERSO = "Pulumi.sandbox.yaml", "workspaces/mcd.yaml", "workspaces/perso.yaml"
KEY = "store-key"
STORE = f"""\
name: store
host: store
quota: {{ cpu: 500m, memory: 512Mi }}
auth: none
apps:
  db:
    image: docker.io/library/redis:8.2.1-alpine
    port: 6379
    env: {{ KEY: {{ secret: {KEY} }} }}
    volumes: {{ data: {{ mount: /data, size: 1Gi }} }}
"""
CAUSES = "a secret, the stack file, another version of Warren, or an `up` that did not finish"


def edit(project: Project, file: str, old: str, new: str) -> None:
    path = project.root / file
    text = path.read_text("utf-8")
    assert old in text, f"{file} has no {old!r}"
    path.write_text(text.replace(old, new), "utf-8")


def set_key(project: Project, value: str) -> None:
    project.pulumi("config", "set", "--secret", "--path", f"secrets.{KEY}", value)


@pytest.fixture(scope="module")
def first_up(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Result]:
    """The reference workspaces and one with data, whose secret perso reads too; and the preview before it was up."""
    project = make_platform(tmp_path_factory.mktemp("changes") / "platform")
    (project.root / "workspaces" / "store.yaml").write_text(STORE, "utf-8")
    edit(project, STACK_FILE, "perso]", f"perso, store]\n  warren:secretReaders: {{ {KEY}: [perso] }}")
    edit(project, PERSO, "    port: 8000\n", f"    port: 8000\n    env: {{ KEY: {{ secret: {KEY} }} }}\n")
    set_key(project, "first")
    previewed, made = project.preview(), project.up()
    assert made.ok, made.output
    return project, previewed


@pytest.fixture
def project(first_up: tuple[Project, Result]) -> Iterator[Project]:
    """The platform that is up, with its files as they were then."""
    files = [path for path in first_up[0].root.rglob("*.yaml") if path.parent.name in ("platform", "workspaces")]
    before = {path: path.read_bytes() for path in files}
    yield first_up[0]
    for path, content in before.items():
        path.write_bytes(content)


def told(result: Result) -> list[str]:
    """The lines below the head of the table, with one space for many."""
    assert result.ok, result.output
    title, *lines = changes.text(read(result.events)).splitlines()
    assert (title, lines[0].split()[0]) == ("What changes", "workspace")
    return [" ".join(line.split()) for line in lines[1:]]


def test_before_the_first_up_everything_is_new_and_counted_as_the_engine_counts(
    first_up: tuple[Project, Result],
) -> None:
    _, previewed = first_up
    names = [f"{part} (platform)" for part in ("dex", "ingress", "tenancy", "tunnel")]
    lines = told(previewed)
    assert [line.rpartition(" ")[0].rpartition(" ")[0] for line in lines[:-1]] == [
        "mcd",
        "perso",
        "public",
        "store",
        *names,
    ]
    assert {line.rpartition(" ")[2] for line in lines[:-1]} == {"new"}
    assert lines[-1] == "stack (platform) 4 +Provider x3, +Stack"
    [summary] = [event["summaryEvent"] for event in previewed.events if "summaryEvent" in event]
    assert {"create": sum(share.count("create") for share in changes.shares(read(previewed.events)))} == summary[
        "resourceChanges"
    ]


def test_nothing_changes_while_nobody_changes_anything(project: Project) -> None:
    result = project.preview()
    assert result.ok, result.output
    assert changes.text(read(result.events)) == "Nothing changes."


def test_an_edited_file_changes_its_workspace_only_and_is_nothing_to_look_at(project: Project) -> None:
    edit(project, MCD, "cpu: 10m", "cpu: 20m")
    assert told(project.preview()) == ["mcd 1 helloworld ~Deployment"]


def test_another_setting_of_the_stack_changes_a_part_of_the_platform(project: Project) -> None:
    edit(project, STACK_FILE, "  warren:domain:", "  warren:ingress: { replicas: 3 }\n  warren:domain:")
    assert told(project.preview()) == ["ingress (platform) 1 ~Deployment"]


def test_a_workspace_that_another_one_s_secret_changes_is_a_warning_where_only_a_file_seems_to_change(
    project: Project,
) -> None:
    set_key(project, "second")
    rows = ["perso 2 geminirealtime ~Deployment, geminirealtime ~Secret", "store 2 db ~Deployment, db ~Secret"]
    note = f"No workspace's file has changed since the last `up`: the cause is {CAUSES}."
    assert told(project.preview()) == [*rows, note]
    edit(project, "workspaces/store.yaml", "port: 6379", "port: 6379\n    args: [--save, '60']")
    named = "perso (geminirealtime ~Deployment, geminirealtime ~Secret)"
    result = project.preview()
    assert told(result) == [
        *rows,
        f"Warning: these change, and their files do not: {named}. The cause is {CAUSES}.",
    ]
    log = read(result.events)
    assert not {"first", "second"} & set((changes.text(log) + changes.markdown(log, "sandbox")).split())


def test_a_setting_of_the_controller_beside_a_workspace_s_edit_is_a_warning(project: Project) -> None:
    edit(project, STACK_FILE, "  warren:domain:", "  warren:ingress: { replicas: 3 }\n  warren:domain:")
    edit(project, MCD, "cpu: 10m", "cpu: 20m")
    assert told(project.preview())[2:] == [
        "Warning: all workspaces depend on what changes here: ingress (~Deployment)."
    ]


def test_a_workspace_that_is_removed_names_the_data_that_goes(project: Project) -> None:
    edit(project, STACK_FILE, "perso, store]", "perso]")
    rows = told(project.preview())
    assert rows[0].startswith("store ")
    assert rows[0].endswith(" removed")
    assert rows[1:] == [
        "tunnel (platform) 1 1 -DnsRecord, ~ZeroTrustTunnelCloudflaredConfig",
        "Warning: what is in these goes with them: store.db.data-claim (delete), store-namespace (delete).",
    ]


def test_a_new_workspace_is_told_as_readme_shows(project: Project) -> None:
    [notes] = [text for _, text in blocks(ROOT / "README.md", "yaml") if "name: notes" in text]
    (project.root / "workspaces" / "notes.yaml").write_text(notes, "utf-8")
    edit(project, STACK_FILE, "perso, store]", "perso, store, notes]")
    text = changes.text(read(project.preview().events))
    assert text in README, text


def test_an_up_that_left_something_out_is_told_at_the_next_preview(project: Project) -> None:
    edit(project, MCD, "cpu: 10m", "cpu: 20m")
    edit(project, PERSO, "cpu: 100m", "cpu: 110m")
    some = project.up("--target", "**::mcd.helloworld-deployment")
    assert some.changed("update") == {"mcd.helloworld-deployment"}
    rows = told(project.preview())
    edit(project, MCD, "cpu: 20m", "cpu: 10m")
    edit(project, PERSO, "cpu: 110m", "cpu: 100m")
    assert project.up().changed("update") == {"mcd.helloworld-deployment"}
    assert rows[0] == "perso 1 geminirealtime ~Deployment"
    assert rows[1].startswith("No workspace's file has changed since the last `up`: ")
