"""What all tests share: how properties are judged, and that nothing a person writes is read.

Properties are judged by what they find, not by how fast a machine finds it.  CI runs several Pythons' tests, two at a
time; on a busy machine Hypothesis' own clocks failed tests that had nothing wrong with them.  How long things may take
is tested where it matters, in tests/config/test_speed.py.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from hypothesis import HealthCheck, settings

from scripts.project import WARREN

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

_PERSONAL = re.compile(
    # The schemas beside the workspaces are Warren's own.
    rf"{re.escape(str(WARREN))}/(Pulumi\.[^/]+\.ya?ml|workspaces/(?!(stack-)?schema\.json$).*)"
).fullmatch


def _leave_what_a_person_writes(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100 - for every file that anything opens
        if _PERSONAL(path):
            raise AssertionError(f"{path} may be a person's: tests read tests/reference")


# What runs in processes of its own runs in copies (`tests/engine/harness.py`).
sys.addaudithook(_leave_what_a_person_writes)
