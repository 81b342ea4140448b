"""Every example of docs/apps previews, all of them in one stack."""

from __future__ import annotations

from pathlib import Path

from scripts import examples
from tests.real import stacks


def test_all_examples_preview_in_one_stack(tmp_path: Path) -> None:
    result = stacks.make(tmp_path / "shelf", stacks.SHELF, "traefik").preview()
    assert result.ok, result.output
    made = {step.name for step in result.steps if step.type == "warren:components:Workspace" and step.op == "create"}
    assert made == set(examples.names())
    assert "warning" not in result.output.lower()
