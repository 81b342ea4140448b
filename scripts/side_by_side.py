"""Run commands at the same time, and print what each said in one piece when it is over.

Owns: how many run at once, their output, their time, and ending them.  It runs before anything is installed: standard
library only.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO


@dataclass(frozen=True)
class Command:
    """A command with a name that people know it by."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


class _Running:
    def __init__(self, command: Command, *, quiet: bool) -> None:
        self.name, self._began = command.name, time.monotonic()
        # Closed by `end`.
        self._said: IO[bytes] | None = tempfile.TemporaryFile() if quiet else None  # noqa: SIM115
        self._process = subprocess.Popen(
            list(command.arguments),
            env=dict(command.environment),
            stdout=self._said,
            stderr=subprocess.STDOUT if quiet else None,
        )

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def code(self) -> int | None:
        return self._process.poll()

    def end(self) -> int:
        """Kill it where it goes on, print what it said, and return its code."""
        if self._process.poll() is None:
            self._process.kill()
        code, took = self._process.wait(), self.seconds
        if self._said is not None:
            with self._said:
                self._said.seek(0)
                print(f"\n-- {self.name}", flush=True)
                shutil.copyfileobj(self._said, sys.stdout.buffer)
        print(f"-- {self.name}: {'passed' if code == 0 else f'ended with {code}'}, {took:.0f} s", flush=True)
        return code


def run(commands: Sequence[Command], *, at_once: int, seconds: float = float("inf")) -> dict[str, int]:
    """Run commands to their end and return name to exit code; -9 for what was not over in time.

    One command alone prints as it goes.  Whatever ends this process ends them, except where it is killed.

    Args:
        commands: What to run; those that take longest come first.
        at_once: How many run at the same time.
        seconds: How long each may take.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # What a shell runs in the background ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    waiting, running, codes = list(commands), list[_Running](), dict[str, int]()
    try:
        while waiting or running:
            if waiting and len(running) < at_once:
                running.append(_Running(waiting.pop(0), quiet=len(commands) > 1))
            time.sleep(0.1)
            for each in [each for each in running if each.code() is not None or each.seconds > seconds]:
                running.remove(each)
                codes[each.name] = each.end()
    finally:
        for each in running:
            each.end()
    return codes
