"""The recording monitor for component tests: `def test_x(record): seen = record(program)`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from . import recording


@pytest.fixture
def record() -> Callable[..., recording.Recording]:
    """`record(program)` -> `Recording`; see tests/components/recording.py."""
    return recording.record
