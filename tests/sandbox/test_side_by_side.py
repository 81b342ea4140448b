"""Commands that run at the same time: what each says stays in one piece, and none outlives what started it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.project import WARREN
from scripts.side_by_side import Command, run

MEETING = """
import pathlib, sys, time
own, other = map(pathlib.Path, sys.argv[1:])
print(own.name, "begins", flush=True)
own.touch()
deadline = time.monotonic() + 30
while not other.exists() and time.monotonic() < deadline:
    time.sleep(0.01)
print(own.name, "ends")
sys.exit(not other.exists())
"""
"""Ends well when the other one is there at the same time."""


def python(name: str, program: str, *arguments: object) -> Command:
    return Command(name, [sys.executable, "-c", program, *map(str, arguments)])


@pytest.fixture(autouse=True)
def _own_signals() -> object:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_they_run_at_the_same_time_and_each_tells_its_own_in_one_piece(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    assert run([python("a", MEETING, a, b), python("b", MEETING, b, a)], at_once=2) == {"a": 0, "b": 0}
    said = capfdbinary.readouterr().out.decode()
    for name in "ab":
        assert f"-- {name}\n{name} begins\n{name} ends\n-- {name}: passed, " in said


def test_no_more_than_wanted_run_at_once(tmp_path: Path) -> None:
    alone = "import pathlib, sys, time; p = pathlib.Path(sys.argv[1]); p.mkdir(); time.sleep(0.2); p.rmdir()"
    codes = run([python(str(number), alone, tmp_path / "one") for number in range(3)], at_once=1)
    assert codes == {"0": 0, "1": 0, "2": 0}


def test_one_that_fails_ends_no_other_and_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    codes = run([python("bad", "raise SystemExit(3)"), python("good", "pass")], at_once=2)
    assert codes == {"bad": 3, "good": 0}
    said = capfd.readouterr().out
    assert "-- bad: ended with 3, " in said
    assert "-- good: passed, " in said


def test_one_that_takes_too_long_is_killed_and_what_it_said_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    slow = python("slow", "import time; print('begun', flush=True); time.sleep(600)")
    assert run([slow, python("quick", "pass")], at_once=2, seconds=3) == {"quick": 0, "slow": -9}
    assert "-- slow\nbegun\n-- slow: ended with -9, " in capfd.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_ends_it_ends_all_and_still_reads_what_they_said(number: signal.Signals, tmp_path: Path) -> None:
    ids = tmp_path / "ids"
    program = f"""
import sys
from scripts.side_by_side import Command, run
here = (
    "import os, sys, time; print('here', flush=True); "
    "open(sys.argv[1], 'a').write(f'{{os.getpid()}} '); time.sleep(600)"
)
run([Command(name, [sys.executable, "-c", here, {str(ids)!r}]) for name in "ab"], at_once=2)
"""
    outer = subprocess.Popen(
        [sys.executable, "-c", program], cwd=WARREN, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    until(lambda: ids.exists() and len(ids.read_text().split()) == 2)
    outer.send_signal(number)
    said, _ = outer.communicate(timeout=30)
    assert outer.returncode != 0
    assert said.count(b"here") == 2
    until(lambda: not any(Path(f"/proc/{each}").exists() for each in ids.read_text().split()))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
