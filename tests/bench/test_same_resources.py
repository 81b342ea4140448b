"""The bare programs that the bench compares with are fair: they register what Warren registers. Needs the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from bench.__main__ import REGISTERED, same_resources
from bench.project import Project
from bench.report import PROGRAMS

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Project]:
    return same_resources(tmp_path_factory.mktemp("bench") / "one", "1")


def opened(value: Any) -> Any:
    """Secrets in the open: the typed SDK marks the whole of a Secret's data, and Warren each value of it."""
    if isinstance(value, dict):
        return (
            opened(value["secret!"])
            if set(value) == {"secret!"}
            else {key: opened(item) for key, item in value.items()}
        )
    return [opened(item) for item in value] if isinstance(value, list) else value


def registered(project: Project) -> dict[tuple[str, str], Any]:
    entries = json.loads((project.directory / REGISTERED).read_text())
    return {
        (entry["type"], entry["name"]): (
            opened(entry["inputs"]),
            entry["custom"],
            entry["protect"],
            None if entry["parent"] is None else entries[entry["parent"]]["name"],
            sorted(entries[place]["name"] for place in entry["dependencies"]),
        )
        for entry in entries
    }


def planned(project: Project) -> set[tuple[str, str]]:
    """The types and names that a real preview would create."""
    output = project.pulumi("preview", "--json").output
    plan = json.loads(output[output.index("\n{") if not output.startswith("{") else 0 : output.rindex("}") + 1])
    urns = [step["urn"].split("::") for step in plan["steps"] if step["op"] == "create"]
    return {(urn[2].split("$")[-1], urn[3]) for urn in urns}


@pytest.mark.parametrize("program", PROGRAMS[1:])
def test_a_bare_program_registers_the_same_inputs_parents_and_dependencies(
    projects: Mapping[str, Project], program: str
) -> None:
    ours = registered(projects["Warren"])
    assert len(ours) > 50
    assert registered(projects[program]) == ours


def test_real_previews_of_warren_and_of_the_typed_program_create_the_same_resources(
    projects: Mapping[str, Project],
) -> None:
    ours = planned(projects["Warren"])
    assert ("kubernetes:core/v1:Namespace", "team-001-namespace") in ours
    assert planned(projects["typed"]) == ours
