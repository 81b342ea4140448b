"""One command: its wall time, and the peak memory and processor time of everything it starts.

Memory is the largest sum, over samples a fifth of a second apart, of the resident memory of the process and all its
descendants: the engine, the language host, the program and the provider plugins. A page that two processes share
counts twice. It needs Linux's /proc, and is 0 elsewhere. Processor time is what the operating system reports for the
process and the descendants that were waited for.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY_SECONDS = 0.2
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(frozen=True)
class Cost:
    """What one command took."""

    seconds: float
    peak_mib: float
    cpu_seconds: float
    output: str
    code: int


def run(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> Cost:
    """Runs `command` to its end and says what it cost. Both outputs are kept, as one text."""
    log = directory / "output.log"
    peak = 0
    with log.open("wb") as out:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        finished = threading.Event()

        def sample() -> None:
            nonlocal peak
            while not finished.wait(_EVERY_SECONDS):
                peak = max(peak, _resident_kib(process.pid))

        sampler = threading.Thread(target=sample)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        finished.set()
        sampler.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        seconds, peak / 1024, usage.ru_utime + usage.ru_stime, log.read_text(errors="replace"), process.returncode
    )


def _resident_kib(root: int) -> int:
    children: dict[int, list[int]] = {}
    resident: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in brackets may hold anything, so fields count from its end: state, parent, ..., resident pages.
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        process = int(stat.parent.name)
        children.setdefault(int(fields[1]), []).append(process)
        resident[process] = int(fields[21]) * _PAGE_KIB
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        total += resident.get(process, 0)
        waiting += children.get(process, [])
    return total
