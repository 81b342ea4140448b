"""Components decide nothing: what they register is decided elsewhere, and each is read on one screen."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import components

FILES = sorted(path for path in Path(str(components.__file__)).parent.glob("*.py") if path.stem != "native")
LONGEST = 110
"""Lines of a file: a screen, and a little more."""
OF_MANIFESTS = {"apiVersion", "kind", "metadata", "spec", "data", "stringData", "rules", "containers"}


def written(source: str) -> set[str]:
    """The keys of every dict that a source text writes out."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Dict)]
    return {str(key.value) for each in found for key in each.keys if isinstance(key, ast.Constant)}


def test_there_are_components_to_look_at() -> None:
    assert {"app", "ingress", "signin", "tenant", "tunnel", "workspace"} <= {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_a_component_writes_no_part_of_a_manifest(file: Path) -> None:
    assert written(file.read_text("utf-8")) & OF_MANIFESTS == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_a_component_fits_on_a_screen(file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= LONGEST


def test_a_manifest_would_be_noticed() -> None:
    assert written('x = {"kind": "Secret", **y}') & OF_MANIFESTS == {"kind"}
