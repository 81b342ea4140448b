"""The stacks that the bench generates are ones that Warren accepts."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from bench import generate
from manifests import platform


def load(project: Path, count: int) -> platform.Platform:
    config = generate.write(project, count)
    written = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    files = (project / "workspaces").glob("*.yaml")
    secrets = sorted(set().union(*(generate.secrets_of(yaml.safe_load(file.read_text())) for file in files)))
    return platform.load(project, "bench", written, secrets=secrets, cloudflare_token=True)


def test_generated_workspaces_are_valid_and_each_has_five_apps(tmp_path: Path) -> None:
    plan = load(tmp_path, 60)
    assert [workspace.name for workspace in plan.workspaces] == generate.names(60)
    assert {len(workspace.apps) for workspace in plan.workspaces} == {generate.APPS}


def test_half_of_the_generated_workspaces_sign_people_in(tmp_path: Path) -> None:
    plan = load(tmp_path, 10)
    assert sum(workspace.auth != "none" for workspace in plan.workspaces) == 5


def test_secrets_are_found_wherever_a_file_refers_to_them() -> None:
    data = {"a": [{"secret": "one"}], "b": {"c": {"secret": "two"}, "secret": "not-a-reference"}}
    assert generate.secrets_of(data) == {"one", "two"}
