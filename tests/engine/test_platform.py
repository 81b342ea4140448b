"""The platform's life on the real engine: previewed, up, changed, and gone again.

Does not prove that a cluster or Cloudflare accepts it; the stand-ins check what can be checked without them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from scripts.project import WARREN
from tests.engine.harness import Project, Result, make_platform

Platform = Callable[..., Project]


def _edit(project: Project, file: str, old: str, new: str) -> None:
    path = project.root / file
    text = path.read_text("utf-8")
    assert old in text, f"{file} has no {old!r}"
    path.write_text(text.replace(old, new), "utf-8")


def _report(result: Result) -> str:
    """The one error of the program; the engine adds none of its own to what a person can mend."""
    [error] = result.errors
    assert "exit code" not in result.output
    assert "unhandled" not in result.output
    return error


def _of(result: Result) -> set[str]:
    """What an operation touched, without the stack's own entry."""
    return {step.name for step in result.steps if step.op != "same" and step.type != "pulumi:pulumi:Stack"}


@dataclass(frozen=True)
class Life:
    """The results of one life, in order."""

    previewed: Result
    made: Result
    made_again: Result
    files: frozenset[str]
    edited: Result
    removed: Result
    destroyed: Result
    left: tuple[str, ...]
    files_left: frozenset[str]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Preview, up, up, an edit in mcd, perso taken off the list, destroy."""
    project = make_platform(tmp_path_factory.mktemp("life") / "platform")
    previewed, made, made_again = project.preview(), project.up(), project.up()
    files = frozenset(project.manifest_files())
    _edit(
        project, "workspaces/mcd.yaml", "requests: { cpu: 10m, memory: 16Mi }", "requests: { cpu: 20m, memory: 16Mi }"
    )
    edited = project.up()
    _edit(project, "Pulumi.sandbox.yaml", "[public, mcd, perso]", "[public, mcd]")
    removed, destroyed = project.up(), project.destroy()
    left = tuple(resource["type"] for resource in project.resources())
    return Life(
        previewed, made, made_again, files, edited, removed, destroyed, left, frozenset(project.manifest_files())
    )


def test_an_up_makes_what_the_preview_promised(life: Life) -> None:
    assert life.previewed.ok, life.previewed.output
    assert life.made.ok, life.made.output
    assert life.previewed.changes == life.made.changes
    assert set(life.made.changes) == {"create"}


def test_the_preview_prints_the_route_table(life: Life) -> None:
    rows = [line.split() for line in life.previewed.output.splitlines() if "https://" in line]
    assert ["https://mcd.devailab.work/helloworld", "mcd", "helloworld", "8000", "yes"] in rows
    assert ["https://devailab.work/", "public", "landing", "80", "no"] in rows


def test_a_plan_that_cannot_work_goes_on_with_a_warning(platform: Platform) -> None:
    project = platform()
    _edit(project, "workspaces/mcd.yaml", "    health: /health\n", "    health: /health\n    env: { A: $(NOBODY) }\n")
    result = project.preview()
    assert result.ok, result.output
    told = [message for message in result.messages if message.startswith("1 warning")]
    assert ["apps.helloworld.env.A: $(NOBODY) is no variable" in message for message in told] == [True]


def test_a_second_up_changes_nothing(life: Life) -> None:
    assert life.made_again.ok, life.made_again.output
    assert life.made_again.changes == {}


def test_every_namespace_has_its_manifests(life: Life) -> None:
    folders = {name.split("/")[0] for name in life.files}
    assert folders == {"_cluster", "mcd", "perso", "public", "warren-ingress", "warren-tunnel"}


def test_an_edit_in_one_workspace_changes_that_workspace_only(life: Life) -> None:
    assert life.edited.ok, life.edited.output
    assert life.edited.changes == {"update": 1}
    assert _of(life.edited) == {"mcd.helloworld-deployment"}


def test_a_removed_workspace_takes_its_record_and_rule_along_and_nothing_else(life: Life) -> None:
    assert life.removed.ok, life.removed.output
    updated = {name for name in life.removed.changed("update") if not name.startswith("warren-")}
    assert updated <= {"tunnel-config", "ingress-config-traefik"}
    assert "tunnel-config" in updated
    deleted = life.removed.changed("delete")
    assert "tunnel-record-perso.devailab.work" in deleted
    assert all(name.startswith("perso") for name in deleted - {"tunnel-record-perso.devailab.work"})
    assert set(life.removed.changes) == {"update", "delete"}


def test_a_destroy_leaves_nothing(life: Life) -> None:
    assert life.destroyed.ok, life.destroyed.output
    assert life.left == ()
    assert life.files_left == frozenset()


def _home_in_the_sandbox(project: Project) -> None:
    """Home's exact configuration; only `sandbox: true` and the secrets that a person sets are added."""
    _edit(project, "Pulumi.home.yaml", "config:\n", "config:\n  warren:sandbox: true\n")
    project.pulumi("config", "set", "--secret", "--path", "secrets.mcd-entra-client-secret", "made up for a test")


def test_home_previews_with_its_exact_configuration_once_its_secret_is_set(platform: Platform) -> None:
    project = platform(stack="home")
    _home_in_the_sandbox(project)
    result = project.preview()
    assert result.ok, result.output
    assert set(result.changes) == {"create"}


def test_a_repository_for_another_warren_is_told_that_and_nothing_else(platform: Platform) -> None:
    project = platform(stack="home")  # without its secrets, which is told where the version is right
    declared = yaml.safe_load((project.root / "Pulumi.yaml").read_text("utf-8"))
    declared["config"]["version"] = "99.0.0"
    (project.root / "Pulumi.yaml").write_text(yaml.safe_dump(declared), "utf-8")
    error = _report(project.preview())
    assert error.startswith("1 mistake, nothing was changed:\n  Pulumi.yaml:"), error
    assert "version: the files here are for Warren 99.0.0, and this is " in error


TOKEN = "cloudflare:apiToken"
SECRETS_FOR_ALL = "  secrets:\n    type: object\n    default: { mcd-entra-client-secret: hunter2 }"


@pytest.mark.parametrize("key", ["cloudflare:apiToken", "cloudflare:config:apiToken", "secrets"])
def test_rule_62_the_engine_takes_plain_text_by_every_spelling_of_a_key_and_the_program_does_not(
    key: str, platform: Platform
) -> None:
    project = platform(stack="home")
    _home_in_the_sandbox(project)
    if key == "secrets":
        _edit(project, "Pulumi.home.yaml", "  warren:secrets:\n", "  secrets:\n    mcd-x: hunter2\n")
    else:
        _edit(project, "Pulumi.home.yaml", "config:\n", f"config:\n  {key}: hunter2\n")
    result = project.preview()
    assert not result.ok
    assert [error for error in result.errors if "is in plain text" in error and "hunter2" not in error] != []
    assert result.changed() <= {"warren-home"}


@pytest.mark.parametrize("where", ["Pulumi.yaml: token", "Pulumi.yaml: secrets", "--config-file"])
def test_rule_62_plain_text_that_the_engine_has_from_elsewhere_is_refused_too(where: str, platform: Platform) -> None:
    project = platform(stack="home")
    _home_in_the_sandbox(project)
    options = []
    if where == "--config-file":
        text = (project.root / "Pulumi.home.yaml").read_text("utf-8")
        (project.root / "other.yaml").write_text(
            text.replace("config:\n", f"config:\n  {TOKEN}: hunter2\n", 1), "utf-8"
        )
        options = ["--config-file", "other.yaml"]
    elif where == "Pulumi.yaml: token":
        _edit(project, "Pulumi.yaml", "config:\n", f"config:\n  {TOKEN}:\n    value: hunter2\n")
    else:
        _edit(project, "Pulumi.yaml", "  secrets:\n    type: object\n    default: {}", SECRETS_FOR_ALL)
        project.pulumi("config", "rm", "secrets")
    result = project.preview(*options)
    assert not result.ok
    assert [error for error in result.errors if "is in plain text in Pulumi.yaml" in error] != []
    assert "hunter2" not in result.output
    assert result.changed() <= {"warren-home"}


def test_home_without_its_secrets_says_how_to_set_them_and_changes_nothing(platform: Platform) -> None:
    project = platform(stack="home")
    result = project.preview()
    assert not result.ok
    error = _report(result)
    assert "pulumi config set --secret --path 'secrets.mcd-entra-client-secret' --stack home" in error
    assert "pulumi config set --secret cloudflare:apiToken --stack home" in error
    assert "Traceback" not in result.output
    assert {step.type for step in result.steps} <= {"pulumi:pulumi:Stack"}


def test_nginx_serves_the_same_stack_and_says_that_it_is_retired(platform: Platform) -> None:
    project = platform()
    ours = project.preview()
    text = (project.root / "Pulumi.sandbox.yaml").read_text("utf-8")
    config = yaml.safe_load(text)
    config["config"]["warren:ingress"] = {"controller": "nginx"}
    (project.root / "Pulumi.sandbox.yaml").write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")
    result = project.preview()
    assert result.ok, result.output
    assert "retired" in result.output.lower() or "ended" in result.output.lower()

    def ingresses(of: Result) -> list[object]:
        found = [step.details["new"]["inputs"] for step in of.steps if step.type.endswith(":Ingress")]
        # But for the one that Traefik lends a limit from.
        return sorted((each for each in found if each["metadata"]["namespace"] != "warren-ingress"), key=str)

    assert ingresses(result) == ingresses(ours)

    def told(of: Result) -> str:
        return str([step.details["new"]["inputs"] for step in of.steps if step.type.endswith(":ConfigMap")])

    # Both know where people sign in and what they have to keep other hosts' pages from.
    assert "begin.mcd" in told(ours)
    assert "/dex/auth(/|$)" in told(result)
    assert "cross-origin." in told(ours)
    assert "$warren_cross_origin" in told(result)


def test_a_real_suite_in_one_file_previews(platform: Platform) -> None:
    project = platform()
    shutil.copy(WARREN / "docs" / "examples" / "suite" / "workspaces" / "suite.yaml", project.root / "workspaces")
    _edit(project, "Pulumi.sandbox.yaml", "[public, mcd, perso]", "[public, suite]")
    first = project.preview()
    missing = set(re.findall(r"make secret NAME=([a-z0-9-]+) ", "\n".join(first.errors)))
    assert len(missing) == 5
    for name in sorted(missing):
        project.pulumi("config", "set", "--secret", "--path", f"secrets.{name}", "made up for a test")
    result = project.preview()
    assert result.ok, result.output
    kinds = [step.type.rsplit(":", 1)[1] for step in result.steps if "suite" in step.urn]
    assert kinds.count("PersistentVolumeClaim") == 2
    assert kinds.count("CronJob") == 1
    assert kinds.count("TenantApp") == 5


def test_a_clients_password_has_to_be_random_and_only_its_hash_is_anywhere(platform: Platform) -> None:
    project = platform()
    _edit(project, "workspaces/mcd.yaml", "\napps:\n", "\nclients: { backup: { secret: mcd-backup } }\napps:\n")
    listed = "routes: [{ path: /helloworld, clients: [backup] }]"
    _edit(project, "workspaces/mcd.yaml", "routes: [/helloworld]", listed)
    project.pulumi("config", "set", "--secret", "--path", "secrets.mcd-backup", stdin="correct horse battery staple")
    refused = project.preview()
    assert "clients.backup: the value of 'mcd-backup' is no password for a client" in _report(refused)
    assert "correct horse" not in refused.output
    value = "8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab91"
    project.pulumi("config", "set", "--secret", "--path", "secrets.mcd-backup", stdin=value)
    result = project.up()
    assert result.ok, result.output
    for text in (result.output, project.everything_written()):
        assert value not in text
    secret = yaml.safe_load((project.manifests / "warren-ingress" / "secret-traefik-clients.yaml").read_text("utf-8"))
    assert secret["stringData"] == {"clients.yaml": "(redacted)"}


def test_a_secret_set_from_the_command_line_is_nowhere_to_be_read(platform: Platform) -> None:
    project = platform()
    value = "correct-horse-battery-staple"
    said = project.pulumi("config", "set", "--secret", "--path", "secrets.mcd-entra-client-secret", stdin=value)
    result = project.up()
    assert result.ok, result.output
    preview = project.preview("--diff")
    for text in (said, result.output, preview.output, project.everything_written()):
        assert value not in text
    assert value not in (project.root / "Pulumi.sandbox.yaml").read_text("utf-8")
    assert project.pulumi("config", "get", "--path", "secrets.mcd-entra-client-secret").strip() == value
    secret = yaml.safe_load((project.manifests / "mcd" / "secret-dex.yaml").read_text("utf-8"))
    assert set(secret["stringData"].values()) == {"(redacted)"}


def test_all_mistakes_come_at_once_with_file_and_line_and_nothing_is_made(platform: Platform) -> None:
    project = platform()
    _edit(
        project, "workspaces/mcd.yaml", "port: 8000\n    routes: [/helloworld]", "port: 80800\n    routs: [/helloworld]"
    )
    _edit(project, "workspaces/perso.yaml", "auth: none\n", "")
    _edit(project, "workspaces/public.yaml", 'host: "@"', "host: a.b")
    result = project.up()
    assert not result.ok
    error = _report(result)
    for file in ("mcd", "perso", "public"):
        assert f"workspaces/{file}.yaml:" in error
    assert "apps.helloworld.port: 80800 is not a port (1-65535)" in error
    assert "did you mean routes?" in error
    assert "Traceback" not in result.output
    assert project.manifest_files() == set()


def test_rule_48_ingresses_with_new_names_are_all_there_before_one_with_an_old_name_goes(platform: Platform) -> None:
    """As when marks grew from 6 digits to 32: at no time is a route unprotected, or a denied path not denied."""
    project = platform()
    _edit(project, "manifests/names.py", "[:32]", "[:6]")
    assert project.up().ok
    _edit(project, "manifests/names.py", "[:6]", "[:32]")
    result = project.up()
    assert result.ok, result.output
    ops = [step.op for step in result.steps if step.type.endswith(":Ingress")]
    made = [i for i, op in enumerate(ops) if op in ("create", "create-replacement")]
    gone = [i for i, op in enumerate(ops) if op in ("delete", "delete-replaced")]
    assert len(made) == len(gone) > 5
    assert max(made) < min(gone)
    assert not {step.type.rpartition(":")[2] for step in result.steps if step.op.startswith("delete")} - {"Ingress"}
    assert project.up().changes == {}


def test_manifests_are_for_their_owner_only(platform: Platform) -> None:
    project = platform()
    assert project.up().ok
    folders = [path for path in Path(project.manifests).rglob("*") if path.is_dir()]
    assert folders
    assert {path.stat().st_mode & 0o777 for path in [project.manifests, *folders]} == {0o700}


def test_two_sandbox_stacks_have_a_cluster_each(platform: Platform) -> None:
    volume = "    volumes: { data: { mount: /data, size: 1Gi } }\n"
    first = platform()
    assert first.up().ok
    (first.root / "Pulumi.mine.yaml").write_text((first.root / "Pulumi.sandbox.yaml").read_text("utf-8"), "utf-8")
    _edit(first, "Pulumi.mine.yaml", "  warren:protectData: false # `make destroy` leaves nothing\n", "")
    _edit(first, "workspaces/perso.yaml", "    port: 8000\n", f"    port: 8000\n{volume}")
    second = Project(first.root, "mine")
    second.pulumi("stack", "init")
    made = second.up()
    assert made.ok, made.output
    assert second.manifests != first.manifests
    assert second.manifest_files() - first.manifest_files() == {"perso/persistentvolumeclaim-geminirealtime-data.yaml"}
    assert not any(resource.get("protect") for resource in second.resources())
    gone = second.destroy()
    assert gone.ok, gone.output
    assert second.manifest_files() == set()
    _edit(first, "workspaces/perso.yaml", volume, "")
    assert first.up("--refresh").changed("create") == set()
