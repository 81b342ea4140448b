"""What people have running, previewed with the tree of today: nothing changes that nobody decided.

Resource names, parents and type tokens are a compatibility surface, and so is everything that is in a manifest. Does
not prove that a provider of another version reads its old state; the stand-ins are of today.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml

from scripts.project import WARREN
from tests.engine import states
from tests.engine.harness import Result, Step
from tests.engine.states import Allowed, Archive, allowed, archives, restore, unexplained

every_state = pytest.mark.parametrize("archive", archives(), ids=lambda archive: f"{archive.version}-{archive.name}")
every_release = pytest.mark.parametrize("version", sorted({archive.version for archive in archives()}))

Previewed = Callable[[Archive], Result]


@pytest.fixture(scope="module")
def previewed(tmp_path_factory: pytest.TempPathFactory) -> Previewed:
    """Preview a release's state with the tree of today, once."""

    @cache
    def preview(archive: Archive) -> Result:
        return restore(archive, tmp_path_factory.mktemp(archive.name) / "platform").preview()

    return preview


@every_state
def test_a_release_becomes_the_tree_of_today_without_a_change_that_nobody_decided(
    archive: Archive, previewed: Previewed
) -> None:
    result = previewed(archive)
    assert result.ok, result.output
    assert {step.op for step in result.steps} >= {"same"}, "the state was not there"
    found = unexplained(result.steps, allowed(archive.version))
    entries = archive.file.with_name("changes.yaml").relative_to(WARREN)
    assert not found, "\n".join([f"{len(found)} changes that {entries} does not allow:", *found])


@every_release
def test_a_release_allows_nothing_that_no_state_needs(version: str, previewed: Previewed) -> None:
    steps = [step for archive in archives() if archive.version == version for step in previewed(archive).steps]
    idle = [entry for entry in allowed(version) if not any(entry.covers(step) for step in steps)]
    assert idle == []


def test_there_is_a_state_of_every_stack_of_every_release() -> None:
    versions = {archive.version for archive in archives()}
    assert "before-0.1.0" in versions
    assert set(archives()) == {Archive(version, name) for version in versions for name in states.MADE}


def _step(op: str, urn: str = "urn:pulumi:home::warren::kubernetes:apps/v1:Deployment::open.api-deployment") -> Step:
    return Step(op, urn.split("::")[2], urn.rpartition("::")[2], urn, {"detailedDiff": {"spec": {}}})


DEPLOYMENTS = "urn:pulumi:*::warren::*:Deployment::*"


@pytest.mark.parametrize(
    "op", ["create", "update", "replace", "create-replacement", "delete-replaced", "delete", "read"]
)
def test_an_entry_allows_its_own_kind_of_change_only(op: str) -> None:
    kinds = {kind for kind in ("create", "update", "replace", "delete") if not unexplained([_step(op)], [_entry(kind)])}
    assert kinds == {"create-replacement": {"replace"}, "delete-replaced": {"replace"}, "read": set()}.get(op, {op})


def _entry(kind: str, urn: str = DEPLOYMENTS) -> Allowed:
    return Allowed(kind, urn, "a test")


def test_a_change_outside_the_pattern_is_told_with_what_changes() -> None:
    service = _step("update", "urn:pulumi:home::warren::kubernetes:core/v1:Service::open.api-service")
    assert unexplained([_step("same"), _step("update"), service], [_entry("update")]) == [f"update {service.urn}: spec"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"urn": DEPLOYMENTS, "why": " "}, "say why"),
        ({"urn": DEPLOYMENTS}, "say why"),
        ({"urn": "*", "why": "all of it"}, "name the type"),
        ({"urn": "urn:pulumi:*::warren::*::*", "why": "all of it"}, "name the type"),
    ],
)
def test_an_entry_says_why_and_which_type(
    entry: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "FOLDER", tmp_path)
    (tmp_path / "9.9.9").mkdir()
    written = yaml.safe_load(states.CHANGES) | {"delete": [entry]}
    (tmp_path / "9.9.9" / "changes.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        allowed("9.9.9")
