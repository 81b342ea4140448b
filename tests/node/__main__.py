"""Run the tests on real nodes: ``python -m tests.node [GROUP ...] [pytest arguments]``, by default every group.

A group is a folder beside this file, whose tests share a cluster.  Groups run at the same time: most of their time is
waiting.  Owns: a folder a group.  Does not own: the namespaces (`tests.real.namespaces`), and leaving nothing behind
(`machine`).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from scripts.side_by_side import Command
from tests.node import machine
from tests.real import namespaces

MEBIBYTES = 1920
"""What one group takes: a control plane, two or three nodes, and their pods."""
INOTIFY = 30
"""And how many inotify instances: six a kubelet, two a containerd, and what controllers have."""
_HERE = Path(__file__).parent
_LONG = ("program", "everything", "outages", "server", "faults")
"""Groups that take longest begin first, the longest at the head."""
GROUPS = tuple(
    sorted(
        (path.parent.name for path in _HERE.glob("*/conftest.py")),
        key=lambda name: (_LONG.index(name) if name in _LONG else len(_LONG), name),
    )
)
OUTSIDE = ("runs",)
"""Groups that start runs, and look at the machine before and after."""


def group(name: str, arguments: list[str]) -> Command:
    """What runs the tests of one folder, in a folder and control groups of their own."""
    folder = Path(tempfile.gettempdir()) / f"{machine.run_name()}-{name}"
    folder.mkdir(mode=0o700)
    within = namespaces.bound if name in OUTSIDE else namespaces.alone
    command = within(sys.executable, "-m", "pytest", str(_HERE / name), *arguments)
    place = os.environ.get(machine.PLACE, str(GROUPS.index(name)))
    told = {machine.FOLDER: str(folder), machine.COMMON: str(_common()), machine.PLACE: place}
    return Command(name, command, os.environ | told)


def _common() -> Path:
    """The folder of what groups have in common: that of the run that has started this one, or this one's."""
    folder = Path(os.environ.get(machine.COMMON, Path(tempfile.gettempdir()) / f"{machine.run_name()}-common"))
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def main() -> int:
    """Run pytest in the namespaces; return the first result of a group that failed, and pytest's where none has tests.

    Raises:
        SystemExit: this machine cannot run real nodes; the message says what it lacks.
    """
    if lacking := machine.missing():
        raise SystemExit("\n".join(["real nodes cannot run here:", *(f"- {each}" for each in lacking)]))
    chosen, arguments = namespaces.chosen(GROUPS, sys.argv[1:])
    with machine.leaving_nothing():
        return namespaces.run([group(name, arguments) for name in chosen], mebibytes=MEBIBYTES, inotify=INOTIFY)


if __name__ == "__main__":
    sys.exit(main())
