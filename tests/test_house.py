"""Who may import whom: `__main__` -> components -> manifests -> config, and what stands beside the house; and that a
part has one name in all of them.

The files are read, not run, so that an import inside a function counts like one at the top.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from sandbox.kubernetes import schema

ROOT = Path(__file__).parents[1]

ROOMS: dict[str, set[str]] = {
    "__main__": {"components", "manifests", "config"},
    "components": {"manifests", "config"},
    "manifests": {"config"},
    "config": set(),
    # Stand-ins know nothing of whom they stand in for, or they would agree with its mistakes.
    "sandbox": set(),
    # What should run is what was meant; how it was registered is none of its business.
    "smoke": {"manifests", "config"},
    # `make` says what is wrong before there is an engine, and starts everything by command otherwise.
    "scripts": {"manifests", "config"},
    # Runs the program as it is, in the sandbox, with the commands of `scripts`.
    "bench": {"sandbox", "scripts"},
}
"""Room -> what it may import beside itself."""

PACKAGES: dict[str, set[str]] = {
    "config": {"pydantic", "pydantic_core", "yaml"},
    "manifests": {"yaml"},
    "smoke": {"yaml"},
}
"""Room -> the installed packages it may import; no Pulumi, so that everything there can be asked without an engine."""

API_VERSION = re.compile(r"([a-z0-9.-]+/)?v[0-9]+((alpha|beta)[0-9]+)?").fullmatch


def files(room: str) -> list[Path]:
    return [ROOT / "__main__.py"] if room == "__main__" else sorted((ROOT / room).rglob("*.py"))


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"), str(file))


def module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(file: Path) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, with the line; `from a import b` is a.b where that is a module."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = file.relative_to(ROOT).parts[: -node.level] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                below = ROOT.joinpath(*base.split("."), alias.name)
                is_module = below.with_suffix(".py").exists() or below.is_dir()
                yield node.lineno, f"{base}.{alias.name}" if is_module else base


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in files(room)
        for line, name in imported(file)
        if (top := name.split(".")[0]) in {*ROOMS, "tests"} and top not in {room, *ROOMS[room]}
    ]
    assert wrong == []


@pytest.mark.parametrize("room", PACKAGES)
def test_a_room_asks_no_engine(room: str) -> None:
    known = {*ROOMS, *PACKAGES[room], *sys.stdlib_module_names}
    wrong = [f"{file}: {name}" for file in files(room) for _, name in imported(file) if name.split(".")[0] not in known]
    assert wrong == []


def test_no_two_modules_import_each_other() -> None:
    graph = {
        module(file): {name for _, name in imported(file) if name.split(".")[0] in ROOMS} - {module(file)}
        for room in ROOMS
        for file in files(room)
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def parts() -> list[str]:
    """The modules of `components` that define one."""
    return [
        file.stem
        for file in files("components")
        for node in parsed(file).body
        if isinstance(node, ast.ClassDef) and "pulumi.ComponentResource" in map(ast.unparse, node.bases)
    ]


def test_what_decides_for_a_component_has_its_name() -> None:
    rooms = {folder.parent.name for folder in (ROOT / "manifests").glob("*/__init__.py")}
    assert rooms == set(parts())
    assert len(rooms) > 1


@pytest.mark.parametrize("part", sorted(set(parts())))
def test_a_part_is_tested_under_its_name(part: str) -> None:
    assert (ROOT / "tests/components" / f"test_{part}.py").exists()
    assert list((ROOT / "tests/manifests").glob(f"test_{part}*.py"))


@pytest.mark.parametrize("room", ["components", "manifests"])
def test_tests_of_one_part_have_its_name(room: str) -> None:
    """Those that look into several are called by what they hold."""
    wrong = []
    for file in sorted((ROOT / "tests" / room).glob("test_*.py")):
        seen = {name.split(".")[1] for _, name in imported(file) if name.startswith(f"{room}.")} & set(parts())
        shared = {path.stem for path in (ROOT / room).iterdir()} - set(parts())
        if len(seen) == 1 and file.stem.split("_")[1] not in seen | shared:
            wrong.append(f"{file.name} tests {seen.pop()}")
    assert wrong == []


LONGEST = 350
"""Lines of a module. One that no longer fits into a head is two."""


@pytest.mark.parametrize("room", ROOMS)
def test_a_module_fits_into_a_head(room: str) -> None:
    lengths = {module(file): len(file.read_text("utf-8").splitlines()) for file in files(room)}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_every_room_and_nothing_else_has_code() -> None:
    found = {folder.parent.name for folder in ROOT.glob("*/*.py")} - {"tests", "workspaces", ".venv", ".tools"}
    assert found == set(ROOMS) - {"__main__"}


@pytest.mark.parametrize("file", files("config"), ids=module)
def test_what_a_person_writes_is_no_kubernetes_object(file: Path) -> None:
    """No kind, no apiVersion, and no mapping with the keys of an object."""
    kinds = {kind.kind for kind in schema._kinds()}
    wrong = []
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value in kinds or API_VERSION(node.value):
                wrong.append(f"{node.lineno}: {node.value}")
        elif isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            wrong += [f"{node.lineno}: {key}" for key in sorted({"apiVersion", "kind", "metadata"} & keys)]
    assert wrong == []
