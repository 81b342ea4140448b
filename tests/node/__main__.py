"""Run the tests on real nodes: ``python -m tests.node [GROUP ...] [pytest arguments]``, by default every group.

A group is a folder beside this file, whose tests share a cluster.  Groups run at the same time: most of their time is
waiting.  Owns: one process tree a group, in namespaces of its own, which ends with this process however that ends, and
removing what no namespace holds.  A run that was killed leaves empty control groups and folders; the next one removes
them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.node import machine

_HERE = Path(__file__).parent
GROUPS = tuple(sorted(path.parent.name for path in _HERE.glob("*/conftest.py")))


class Group:
    """The tests of one folder, running."""

    def __init__(self, name: str, arguments: list[str], *, quiet: bool) -> None:
        """Start them; what they print goes to a file where other groups print, too."""
        folder = Path(tempfile.gettempdir()) / f"{machine.run_name()}-{name}"
        folder.mkdir(mode=0o755)
        self.name, self._began = name, time.monotonic()
        self._log = folder / "tests.log" if quiet else None
        cache = ["-p", "no:cacheprovider"] if quiet else []
        tests = [sys.executable, "-m", "pytest", str(_HERE / name), *cache, *arguments]
        # The first kills the second when this process ends, and the second everything in the namespaces.
        namespaces = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
        command = ["setpriv", "--pdeathsig", "KILL", "--", *namespaces, *tests]
        environment = os.environ | {machine.FOLDER: str(folder)}
        if self._log is None:
            self.process = subprocess.Popen(command, env=environment)
        else:
            with self._log.open("w", encoding="utf-8") as log:
                self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def tell(self) -> None:
        """Print what it printed, when it is over."""
        if self._log is not None:
            took = time.monotonic() - self._began
            print(f"\n-- {self.name}, {took:.0f} s\n{self._log.read_text(encoding='utf-8')}", flush=True)


def main() -> int:
    """Run pytest in the namespaces; return the first result of a group that failed, and pytest's where none has tests.

    Raises:
        SystemExit: this machine cannot run real nodes; the message says what it lacks.
    """
    if lacking := machine.missing():
        raise SystemExit("\n".join(["real nodes cannot run here:", *(f"- {each}" for each in lacking)]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine.tidy()
    chosen = [each for each in GROUPS if each in sys.argv[1:]] or list(GROUPS)
    arguments = [each for each in sys.argv[1:] if each not in GROUPS]
    waiting, running, results = list(chosen), list[Group](), list[int]()
    try:
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                running.append(Group(waiting.pop(0), arguments, quiet=len(chosen) > 1))
            time.sleep(0.1)
            for each in [each for each in running if each.process.poll() is not None]:
                running.remove(each)
                results.append(each.process.returncode)
                each.tell()
    finally:
        for each in running:
            each.process.kill()
            each.process.wait()
        if left := machine.tidy():
            print(f"left behind: {', '.join(map(str, left))}", file=sys.stderr)
    # One group may have no test of a name; all of them together must.
    with_tests = [result for result in results if result != pytest.ExitCode.NO_TESTS_COLLECTED]
    return next((result for result in with_tests if result), 0 if with_tests else results[0])


if __name__ == "__main__":
    sys.exit(main())
