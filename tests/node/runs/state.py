"""What a run of real nodes could leave on a machine, and a run that is started to be ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scripts.project import WARREN
from tests.node import machine
from tests.real import namespaces
from tests.real.control_plane import wait

_BUSY = re.compile(
    "/proc/sys/(fs/(dentry-state|file-nr|inode-(nr|state)|aio-nr|quota/.*)|kernel/(ns_last_pid|pty/nr|random/.*)"
    "|net/netfilter/nf_conntrack_(count|.*buckets))"
)
"""What the kernel counts there; everything else is a setting."""
_PLACES = ("/etc/cni", "/opt/cni", "/run", "/run/netns", "/var/lib", "/var/lib/cni", "/var/log")
_RULES = ("iptables-save", "ip6tables-save", "nft list ruleset", "ip -oneline link", "ip route show table all")


def state() -> dict[str, object]:
    """The machine's settings, rules, mounts and places; not its processes, and nothing of other runs."""
    return {
        **{str(path): _text(path) for path in Path("/proc/sys").rglob("*") if not _BUSY.fullmatch(str(path))},
        **{rules: _said(rules.split()) for rules in _RULES},
        **{place: sorted(each.name for each in Path(place).iterdir()) for place in _PLACES if Path(place).is_dir()},
        # The node tests' networks are nobody else's here.
        "conntrack": re.findall(r".*=10\.4[23]\..*", _said(["conntrack", "-L"])),
        "mounts": _text(Path("/proc/self/mountinfo")),
    }


def _text(path: Path) -> str:
    with suppress(OSError):  # folders, and what can only be written
        return path.read_text(encoding="utf-8", errors="replace")
    return ""


def _said(command: list[str]) -> str:
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return "\n".join(line for line in said.splitlines() if not line.startswith("#"))


class Run:
    """A run that goes on until it is ended."""

    def __init__(self, log: Path, module: str, *arguments: str, **environment: str) -> None:
        self._log = log
        command = namespaces.bound(sys.executable, "-m", module, *arguments)
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=WARREN,
                env=os.environ | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                # As a terminal has it: Ctrl-C is for everything in the foreground.
                start_new_session=True,
            )

    @property
    def name(self) -> str:
        """How everything of it begins."""
        return f"{machine.PREFIX}{self.process.pid}"

    def said(self) -> str:
        """What it has printed."""
        return self._log.read_text(encoding="utf-8")

    def await_line(self, text: str, seconds: float = 180) -> None:
        """Wait until it has said something.

        Raises:
            AssertionError: it ended before, or did not say it in time.
        """
        self._await(f"{text!r} in {self._log}", lambda: text in self.said(), seconds)

    def await_file(self, pattern: str, seconds: float = 300) -> None:
        """Wait until there is a file in the folder of a run."""
        folder = Path(tempfile.gettempdir())
        self._await(pattern, lambda: any(folder.glob(f"{self.name}-{pattern}")), seconds)

    def _await(self, what: str, there: Callable[[], bool], seconds: float) -> None:
        def asked() -> bool:
            assert self.process.poll() is None, self.said()
            return there()

        wait(what, asked, seconds)

    def end(self, number: signal.Signals) -> int:
        """Send a signal to it, and Ctrl-C to its whole group; return the exit code."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        return self.process.wait(30)

    def left(self) -> list[str]:
        """Its processes, files and control groups."""
        mine = re.compile(rf"\b{self.name}\b".encode())
        found = [str(path) for parent in machine.places() for path in parent.glob(f"{self.name}-*")]
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if any(mine.search((process / part).read_bytes()) for part in ("environ", "cmdline", "cgroup")):
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        return found


@contextmanager
def started(log: Path, module: str, *arguments: str, **environment: str) -> Iterator[Run]:
    """A run that is ended here at the latest; then nothing of it is left, and the machine is as before."""
    before = state()
    run = Run(log, module, *arguments, **environment)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait()
    wait(f"nothing left of {run.name}", lambda: not run.left(), 30)
    after = state()
    changed = [f"{key}: {value}\nnow: {after[key]}" for key, value in before.items() if after[key] != value]
    assert not changed, "\n".join(changed)
