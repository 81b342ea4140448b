"""Fixtures of the engine tests: projects on which the real engine runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.stack import ENGINE_FILE
from tests.engine.harness import Project, make_platform, make_tiny


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is here."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session", autouse=True)
def _engine_is_set_up() -> None:
    if not ENGINE_FILE.is_file():
        pytest.fail("the Pulumi engine is not set up: run `make setup` first", pytrace=False)


@pytest.fixture
def platform(tmp_path: Path) -> Callable[..., Project]:
    """Make a copy of this repository's program with its own sandbox: ``platform()`` or ``platform(stack="home")``."""

    def make(stack: str = "sandbox") -> Project:
        return make_platform(tmp_path / "platform", stack)

    return make


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., Project]:
    """Make a project of one program: ``tiny(source)``; see ``harness.PREAMBLE`` for what the source can use."""

    def make(program: str) -> Project:
        return make_tiny(tmp_path / "tiny", program)

    return make
