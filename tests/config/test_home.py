"""The files that ship: the reference stack, the sandbox, the example and Pulumi.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from config.checks.capacity import capacity
from config.files.schema import schema_of
from config.load import read
from config.stack import Stack
from manifests import platform
from manifests.platform import Platform
from tests import REFERENCE, config_from_file

ROOT = Path(__file__).parents[2]
ENTRA = "mcd-entra-client-secret"


def shipped(stack: str, secrets: list[str] | None = None) -> Platform:
    """The platform of a stack that ships."""
    config, names = config_from_file(REFERENCE / f"Pulumi.{stack}.yaml")
    return platform.load(REFERENCE, stack, config, secrets=names if secrets is None else secrets)


TABLE = """\
| devailab.work/ and /landing | public | landing | 80 | no |
| mcd.devailab.work/ and /landing | mcd | landing | 80 | yes |
| mcd.devailab.work/helloworld | mcd | helloworld | 8000 | yes |
| mcd.devailab.work/gemini-r1 | mcd | geminirealtime | 8000 | yes |
| perso.devailab.work/ and /landing | perso | landing | 80 | no |
| perso.devailab.work/gemini-r1 | perso | geminirealtime | 8000 | no |
"""
"""The URL table of the design."""


def designed() -> set[tuple[str, str, str, int, bool]]:
    """The rows of the design's table, one a URL."""
    rows = set()
    for line in TABLE.splitlines():
        urls, workspace, app, port, auth = (cell.strip() for cell in line.strip("|").split("|"))
        first, *more = urls.split(" and ")
        host, _, path = first.partition("/")
        rows |= {(f"{host}{at}", workspace, app, int(port), auth == "yes") for at in [f"/{path}", *more]}
    return rows


@pytest.mark.parametrize(("stack", "secrets"), [("home", [ENTRA]), ("sandbox", None)])
def test_the_route_table_is_the_designs(stack: str, secrets: list[str] | None) -> None:
    plan = shipped(stack, secrets)
    assert {(r.host + r.path, r.workspace, r.app, r.number, r.auth != "none") for r in plan.routes} == designed()
    assert len(plan.routes) == 9


def test_home_is_two_nodes_and_real_and_the_sandbox_is_not() -> None:
    home, sandbox = shipped("home", [ENTRA]).stack, shipped("sandbox").stack
    assert [(node.role, node.ip) for node in home.cluster.nodes] == [
        ("control-plane", "10.0.0.50"),
        ("worker", "10.0.0.221"),
    ]
    assert (home.sandbox, home.protectData) == (False, True)
    assert (sandbox.sandbox, sandbox.protectData) == (True, False)
    assert sandbox.cluster.nodes == home.cluster.nodes
    assert (sandbox.domain, sandbox.workspaces) == (home.domain, home.workspaces)


@pytest.mark.parametrize("stack", ["home", "sandbox"])
def test_no_provider_is_made_behind_our_back(stack: str) -> None:
    config = read(REFERENCE / f"Pulumi.{stack}.yaml", stack).data["config"]
    assert config["pulumi:disable-default-providers"] == ["*"]


def test_no_stack_file_holds_a_secret_that_can_be_read() -> None:
    for path in REFERENCE.glob("Pulumi.*.yaml"):
        for value in read(path, path.name).data["config"].get("warren:secrets", {}).values():
            assert list(value) == ["secure"]


def test_the_suite_of_the_docs_is_right_and_fits_on_the_home_nodes() -> None:
    config, _ = config_from_file(REFERENCE / "Pulumi.home.yaml")
    secrets = [f"suite-{name}" for name in ("github", "secret-key", "db-password", "redis-password", "backup-key")]
    root = ROOT / "docs/examples/suite"
    plan = platform.load(root, "home", {**config, "workspaces": ["suite"]}, secrets=secrets)
    (suite,) = plan.workspaces
    assert plan.warnings == ()
    assert sorted(suite.apps) == ["backup", "postgres", "redis", "web", "worker"]
    kept = [name for app in suite.apps.values() for name, volume in app.volumes.items() if not volume.scratch]
    assert kept == ["uploads", "data"]
    assert [(route.path, route.auth) for route in plan.routes] == [("/", "page"), ("/api", "api"), ("/public", "none")]


@pytest.mark.parametrize("stack", ["home", "sandbox"])
def test_nothing_that_ships_is_warned_about(stack: str) -> None:
    assert shipped(stack, [ENTRA]).warnings == ()


def test_the_home_stack_leaves_room() -> None:
    plan = shipped("home", [ENTRA])
    has = capacity(plan.stack, plan.workspaces)
    assert has.sum.cpu < has.room.cpu / 2
    assert has.sum.memory < has.room.memory / 2


# Pulumi.yaml


def declared() -> dict[str, Any]:
    """What Pulumi.yaml declares of a stack."""
    section: dict[str, Any] = read(ROOT / "Pulumi.yaml", "Pulumi.yaml").data["config"]
    return {key: entry for key, entry in section.items() if key != "version"}  # which no stack says


def test_every_key_of_the_stack_is_declared_with_a_type_and_a_description() -> None:
    types = {"string": "string", "boolean": "boolean", "array": "array", "object": "object"}
    section = declared()
    assert set(section) == set(Stack.model_fields)
    for key, entry in section.items():
        field = schema_of(Stack)["properties"][key]
        kind = "object" if key == "secrets" else field.get("type", "object")
        assert entry["type"] == types[kind], key
        assert entry["description"].strip(), key


def test_the_defaults_of_pulumi_yaml_are_the_models() -> None:
    for key, entry in declared().items():
        field = Stack.model_fields[key]
        if field.default is PydanticUndefined:
            assert "default" not in entry, key
        elif entry["type"] == "object":
            assert entry["default"] == {}, key  # left out, so that the model's own default holds
        else:
            default = entry["default"]
            assert (tuple(default) if isinstance(default, list) else default) == field.default, key


def test_the_defaults_of_pulumi_yaml_change_nothing() -> None:
    config, _ = config_from_file(REFERENCE / "Pulumi.home.yaml")
    defaults = {key: entry["default"] for key, entry in declared().items() if "default" in entry and key != "secrets"}
    assert platform.load(REFERENCE, "home", {**defaults, **config}, secrets=[ENTRA]) == shipped("home", [ENTRA])


# What a person writes


@pytest.mark.parametrize(
    "name", ["Pulumi.home.yaml", "Pulumi.mine.yml", "workspaces/mcd.yaml", "workspaces/mcd/landing/index.html"]
)
def test_no_test_reads_what_a_person_writes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "tests")
    for path in (ROOT / name, str(ROOT / name).encode(), f"../{name}"):
        with pytest.raises(AssertionError, match="may be a person's"):
            open(path)  # noqa: PTH123, SIM115 - nothing is opened


@pytest.mark.parametrize("name", ["Pulumi.yaml", "workspaces/schema.json", "workspaces/stack-schema.json"])
def test_tests_read_what_is_warrens_own_beside_it(name: str) -> None:
    assert (ROOT / name).read_text("utf-8")
