"""What README and the pages say of the engine's output and of resource names, against the real engine in a sandbox."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts import workspace
from tests.docs.test_docs import PAGES, README, ROOT, blocks
from tests.engine.harness import Result, make_platform

STORE = """\
name: store
host: store
quota: { cpu: 500m, memory: 512Mi }
auth: none
apps:
  db:
    image: docker.io/library/redis:8.2.1-alpine
    port: 6379
    volumes:
      data: { mount: /data, size: 1Gi }
      share: { mount: /share, size: 1Gi, nfs: { server: 10.0.0.7, path: /s } }
"""


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A preview of the reference stack, with README's `notes` and a workspace with data."""
    project = make_platform(tmp_path_factory.mktemp("docs") / "platform", "sandbox")
    [notes] = [text for _, text in blocks(ROOT / "README.md", "yaml") if "name: notes" in text]
    for name, text in (("notes", notes), ("store", STORE)):
        (project.root / "workspaces" / f"{name}.yaml").write_text(text, "utf-8")
    stack_file = project.root / "Pulumi.sandbox.yaml"
    listed = stack_file.read_text("utf-8")
    assert "[public, mcd, perso]" in listed
    more = "[public, mcd, perso, notes, store]\n  warren:openings: { networks: [10.0.0.7/32] }"
    stack_file.write_text(listed.replace("[public, mcd, perso]", more), "utf-8")
    result = project.preview()
    assert result.ok, result.output
    return result


def test_readme_shows_resources_that_exist(preview: Result) -> None:
    made = {(step.type.rpartition(":")[2], step.name) for step in preview.steps}
    shown = re.findall(r"^ [+~] .*?[\w./]+:[\w./]+:(\w+) +(\S+) +(?:create|update)", README, re.MULTILINE)
    assert len(shown) > 25
    assert set(shown) - made == set()


def test_readme_counts_as_the_engine_does(preview: Result) -> None:
    reference, notes = (int(count) for count in re.findall(r"^    \+ (\d+) to create$", README, re.MULTILINE))
    made = [step.name for step in preview.steps if "store" not in step.name]
    assert len([name for name in made if "notes" not in name]) == reference
    assert len([name for name in made if "notes" in name]) == notes


def test_readme_shows_the_file_that_make_workspace_writes() -> None:
    [notes] = [text for _, text in blocks(ROOT / "README.md", "yaml") if "name: notes" in text]
    head, _, body = workspace.text_of("notes", ROOT).partition("\n")
    bare = re.sub(r" *#.*\n", "\n", body)
    assert notes.splitlines() == [head, *(line for line in bare.splitlines() if line)]


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_resource_that_is_to_be_replaced_exists(page: Path, preview: Result) -> None:
    named = set(re.findall(r"--replace '\*\*::([^']+)'", page.read_text("utf-8")))
    assert named - {step.name for step in preview.steps} == set()


def test_the_way_to_lift_protection_finds_the_namespace_the_volumes_and_nothing_else(preview: Result) -> None:
    [pattern] = set(re.findall(r"grep -oE '(urn:[^']+)'", (ROOT / "docs" / "operations.md").read_text("utf-8")))
    found = {step.name for step in preview.steps if re.fullmatch(pattern.replace("notes", "store"), step.urn)}
    assert found == {"store-namespace", "store.db.data-claim", "store.db.share-claim", "store.db.share-volume"}
