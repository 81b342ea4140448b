"""The real programs that tests run: where they are, and one process of them at a time.

Owns: looking a program up, starting it with its output in a file, and ending it.  Building is `scripts.parts`.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest

from scripts.parts import BUILT

FEWER_COLLECTIONS = {"GOGC": "300"}
"""The environment of Kubernetes' own programs: several of each run at once, and memory is less scarce than time."""


def program(module: str, name: str | None = None) -> Path:
    """The built program of a module in tools/; fails the test run where it is missing, and says what to type."""
    path = BUILT / module / (name or module)
    if not path.is_file():
        pytest.exit(f"{path.name} is not built: run `make parts`", returncode=2)
    return path


class Process:
    """A program in the background, its output in a file.

    `within` is what it is run by, for a program that becomes the other one (`nsenter`).

    Raises:
        OSError: it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        environment: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> None:
        self.log = log
        self.name = Path(command[0]).name
        self._environment = {"PATH": os.environ["PATH"]} if environment is None else dict(environment)
        self._command = list(map(str, [*within, *command]))
        self._popen = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            # A group of its own, so that an interrupted test run ends it by `stop` and not by the terminal's signal.
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._popen.poll() is None

    def said(self) -> str:
        """Everything it has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def memory(self, what: Literal["VmRSS", "RssAnon"] = "VmRSS") -> int:
        """Its resident memory in bytes; `RssAnon` is that without files, which processes of one program share."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        [line] = [line for line in status.splitlines() if line.startswith(f"{what}:")]
        return int(line.split()[1]) * 1024

    def start_again(self) -> None:
        """Start it as it was started before; it has ended."""
        assert not self.running, f"{self.name} still runs"
        self._popen = self._started()

    def terminate(self) -> None:
        """Ask it to end, and do not wait."""
        if self.running:
            self._popen.send_signal(signal.SIGTERM)

    def stop(self, *, gracefully: bool = True, seconds: float = 10) -> None:
        """End it; kill it when it does not leave in time."""
        if self.running:
            self._popen.send_signal(signal.SIGTERM if gracefully else signal.SIGKILL)
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
