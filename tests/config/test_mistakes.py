"""Every kind of mistake in mistakes.txt is told once, with its line, its cause and the fix."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.config.files import edited, mistakes


@dataclass(frozen=True)
class Case:
    """One block of mistakes.txt."""

    title: str
    file: str
    old: str
    new: str
    message: str


def cases() -> list[Case]:
    """The table."""
    found = []
    for block in (Path(__file__).parent / "mistakes.txt").read_text("utf-8").split("\n\n")[1:]:
        title, file, *lines = block.strip("\n").split("\n")
        parts = ["\n".join(line[2:] for line in lines if line[0] == mark) for mark in "-+>"]
        assert title.startswith("# ")
        found.append(Case(title[2:], file if file.startswith("Pulumi") else f"workspaces/{file}", *parts))
    return found


CASES = cases()


@pytest.mark.parametrize("case", [pytest.param(case, id=case.title) for case in CASES])
def test_a_mistake_is_told_once_with_its_line_its_cause_and_the_fix(case: Case, tmp_path: Path) -> None:
    assert mistakes(tmp_path, edited(case.file, (case.old, case.new))) == [f"{case.file}:{case.message}"]


def test_the_table_has_more_than_sixty_kinds_and_none_twice() -> None:
    assert len({case.title for case in CASES}) == len(CASES) > 60
