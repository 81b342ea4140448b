"""Which workspace may read which secret: by its name, or because the stack says so (security rule 49)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from config.checks import secrets
from config.load import parse_yaml
from config.mistakes import Document
from manifests import report


def document(name: str, *named: str) -> Document:
    """A workspace file whose app reads these secrets."""
    env = {f"V{i}": {"secret": secret} for i, secret in enumerate(named)}
    return Document(f"workspaces/{name}.yaml", {"apps": {"web": {"env": env}}})


def told(
    *documents: Document,
    known: tuple[str, ...] = (),
    on_disk: tuple[str, ...] = (),
    readers: Mapping[str, Any] | None = None,
    sandbox: bool = False,
) -> list[str]:
    """What is said about files of a stack that runs all of them and knows the secrets `known`."""
    run = [secrets.workspace_of(each) for each in documents]
    config = {"secrets": list(known), "workspaces": run, "secretReaders": dict(readers or {}), "sandbox": sandbox}
    found = secrets.check(Document("Pulumi.home.yaml", config), documents, on_disk, "home")
    return [str(mistake) for mistake in found]


FOREIGN = ["entra", "perso-key", "teamkey", "team", "team-x-key", "x-team-key"]


@pytest.mark.parametrize("secret", FOREIGN)
@pytest.mark.parametrize("known", [True, False])
def test_rule_49_a_workspace_reads_no_secret_of_others(secret: str, known: bool) -> None:
    files = document("team", secret), document("team-x"), document("perso")
    assert len(told(*files, known=(secret,) if known else ())) == 1


@pytest.mark.parametrize("secret", FOREIGN)
def test_rule_49_a_refusal_does_not_say_whether_there_is_such_a_secret(secret: str) -> None:
    files = document("team", secret), document("team-x"), document("perso")
    assert told(*files, known=(secret,)) == told(*files)


@pytest.mark.parametrize("secret", ["team-key", "team-x", "team-xy-key", "team-a-b-c"])
def test_rule_49_a_workspace_reads_the_secrets_that_start_with_its_name(secret: str) -> None:
    assert told(document("team", secret), document("team-x"), known=(secret,)) == []


def test_rule_49_the_longest_name_owns_also_where_that_workspace_runs_in_another_stack() -> None:
    assert told(document("team-x", "team-x-key"), document("team"), known=("team-x-key",)) == []
    [refused] = told(document("team", "team-x-key"), on_disk=("team-x",), known=("team-x-key",))
    assert "'team-x-key' is not this workspace's; its own start with team-, but team-x-... are those of" in refused


def test_rule_49_the_fix_that_the_message_names_works() -> None:
    file = document("team", "smtp-password")
    [refused] = told(file, known=("smtp-password",))
    assert refused.endswith("warren:secretReaders: { smtp-password: [team] }")
    assert told(file, known=("smtp-password",), readers={"smtp-password": ["team"]}) == []


def test_rule_49_a_shared_secret_is_read_by_its_owner_too_and_by_nobody_else() -> None:
    files = document("team", "team-key"), document("perso", "team-key"), document("mcd", "team-key")
    [refused] = told(*files, known=("team-key",), readers={"team-key": ["perso"]})
    assert refused.startswith("workspaces/mcd.yaml")


def test_rule_49_the_preview_says_who_reads_what() -> None:
    files = [document("team", "team-key", "smtp"), document("perso", "smtp")]
    readers = {"old": (), **secrets.used_by(Document("Pulumi.home.yaml", {}), files)}
    assert report.secret_table(readers) == [
        {"secret": "old", "workspaces": "none"},
        {"secret": "smtp", "workspaces": "perso, team"},
        {"secret": "team-key", "workspaces": "team"},
    ]


def test_a_secret_is_asked_for_once_by_the_command_that_works_where_the_stack_lives() -> None:
    files = document("team", "team-a", "team-a"), document("perso", "team-a")
    shared = {"team-a": ["perso"]}
    [plain] = told(*files, readers=shared)
    typed = "pulumi config set --secret --path 'secrets.team-a' --stack home"
    assert plain.endswith(f"run: make secret NAME=team-a STACK=home (or {typed})")
    [sandbox] = told(*files, readers=shared, sandbox=True)
    assert sandbox.endswith("run: make secret NAME=team-a STACK=home"), "a plain pulumi has no such stack"


def test_rule_49_a_fragment_reads_nothing_and_what_repeats_it_does() -> None:
    text = "fragments: { all: &all { A: { secret: perso-key } } }\napps: { web: { env: *all } }\n"
    assert secrets.used_by(Document("Pulumi.home.yaml", {}), [parse_yaml(text, "workspaces/team.yaml")]) == {
        "perso-key": ("team",)
    }
    [refused] = told(parse_yaml(text, "workspaces/team.yaml"))
    assert refused.startswith("workspaces/team.yaml:2: apps.web.env.A: 'perso-key' is not this workspace's")
    assert told(parse_yaml(text.replace("*all", "{}"), "workspaces/team.yaml")) == []


def _with_registry(secret: str, *used: str, readers: Mapping[str, Any] | None = None) -> tuple[Document, Document]:
    registry = {"username": "robot", "password": {"secret": secret}}
    config = {"secrets": [secret], "workspaces": ["team"], "secretReaders": dict(readers or {})}
    stack = Document("Pulumi.home.yaml", {**config, "registries": {"ghcr.io/owner": registry}})
    return stack, Document("workspaces/team.yaml", {"apps": {}, "registries": list(used)})


def test_rule_49_whoever_uses_a_registry_reads_its_password() -> None:
    for secret, readers, refused in (
        ("ghcr-pull", {}, True),
        ("perso-ghcr", {}, True),
        ("ghcr-pull", {"ghcr-pull": ["team"]}, False),
        ("team-ghcr", {}, False),
    ):
        stack, file = _with_registry(secret, "ghcr.io/owner", readers=readers)
        found = [str(mistake) for mistake in secrets.check(stack, [file], ["perso"], "home")]
        assert len(found) == refused
        assert all("registries[0]: " in each and "is not this workspace's" in each for each in found)
        assert secrets.used_by(stack, [file]) == {secret: ("team",)}


def test_nobody_reads_the_password_of_a_registry_by_being_in_the_same_stack() -> None:
    stack, file = _with_registry("ghcr-pull", "ghcr.io")
    assert secrets.check(stack, [file], [], "home") == []
    assert secrets.used_by(stack, [file]) == {}


def test_the_password_of_a_registry_has_to_be_there() -> None:
    stack, file = _with_registry("ghcr-pull")
    unset = Document(stack.file, {**stack.data, "secrets": []})
    [missing] = secrets.check(unset, [file], [], "home")
    assert str(missing).startswith("Pulumi.home.yaml: registries.ghcr.io/owner.password: the stack has no secret")
