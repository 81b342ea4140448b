"""Groups of tests side by side, each in namespaces of its own: no network, mounts or processes but their own.

Owns: which groups are meant, the way in, and that everything ends with this process.  Does not own: what each group
needs of the machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from scripts import side_by_side
from scripts.side_by_side import Command

SPARE = 1536
"""MiB that are left to whatever else a machine does meanwhile; CI runs other tests."""


def chosen(groups: Iterable[str], words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the groups that a command line names, by default all, and the other words, which are for pytest."""
    known = list(groups)
    names = [each for each in known if each in words] or known
    # Side by side they would write into each other's notes of what failed.
    notes = ["-p", "no:cacheprovider"] if len(names) > 1 else []
    return names, [*notes, *(word for word in words if word not in known)]


def bound(*command: str) -> list[str]:
    """A command that is killed when whoever starts it ends."""
    return ["setpriv", "--pdeathsig", "KILL", "--", *command]


def alone(*command: str) -> list[str]:
    """The same in namespaces of its own, in which everything ends with it."""
    who = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return bound("unshare", *who, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", *command)


def run(groups: Sequence[Command], *, mebibytes: int, inotify: int = 1) -> int:
    """Run the groups; return the first result of one that failed, and pytest's own where none has tests.

    They wait more than they work, so memory decides how many run at once: each takes about so many MiB. Each also takes
    so many inotify instances, which are root's together in whatever namespace: kubelet ends where there is none left.
    """
    at_once, watching = max(1, (_available() - SPARE) // mebibytes), max(1, _inotify() // inotify)
    if watching < min(at_once, len(groups)):
        print(f"{watching} groups at once: for more, sysctl -w fs.inotify.max_user_instances=1024", flush=True)
        at_once = watching
    results = list(side_by_side.run(groups, at_once=at_once).values())
    # One group may have no test of a name; all of them together must.
    with_tests = [result for result in results if result != pytest.ExitCode.NO_TESTS_COLLECTED]
    return next((result for result in with_tests if result), 0 if with_tests else results[0])


def _inotify() -> int:
    return int(Path("/proc/sys/fs/inotify/max_user_instances").read_text("utf-8"))


def _available() -> int:
    """The MiB of memory that nobody needs."""
    [line] = [line for line in Path("/proc/meminfo").read_text("utf-8").splitlines() if "MemAvailable" in line]
    return int(line.split()[1]) // 1024
