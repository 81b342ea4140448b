"""Every kind of mistake in mistakes.txt is told once, with its line, its cause and the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.mistakes import Case, cases

CASES = cases()


@pytest.mark.parametrize("case", [pytest.param(case, id=case.title) for case in CASES])
def test_a_mistake_is_told_once_with_its_line_its_cause_and_the_fix(case: Case, tmp_path: Path) -> None:
    assert case.told(tmp_path) == [f"{case.file}:{case.message}"], (
        "if a person should read this instead: make generate, and have the change of tests/config/mistakes.txt reviewed"
    )


def test_the_table_has_more_than_sixty_kinds_and_none_twice() -> None:
    assert len({case.title for case in CASES}) == len(CASES) > 60
