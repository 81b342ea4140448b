"""What a check found, and how it is told: as a line for people, as JSON for machines, as an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["ok", "warn", "fail", "skip"]
Group = Literal[
    "routes", "sign-in", "headers", "cookies", "certificates", "clocks", "nodes", "pods", "walls", "versions",
    "cloudflare",
]  # fmt: skip

_WORDS: dict[Status, str] = {"ok": "ok", "warn": "warn", "fail": "FAIL", "skip": "skip"}
_LONGEST = 160
"""What others answered is cut here."""


@dataclass(frozen=True)
class Verdict:
    """What an answer means."""

    status: Status
    reason: str
    fix: str = ""
    """What to do about it: a command, or the place to look at."""


@dataclass(frozen=True)
class Result:
    """One check, done."""

    group: Group
    name: str
    status: Status
    reason: str
    fix: str = ""


def ok(reason: str) -> Verdict:
    """All is as the stack's files say."""
    return Verdict("ok", reason)


def warn(reason: str, fix: str) -> Verdict:
    """Something to know, which is not broken."""
    return Verdict("warn", reason, fix)


def fail(reason: str, fix: str) -> Verdict:
    """Something is not as the stack's files say."""
    return Verdict("fail", reason, fix)


def skip(reason: str, fix: str) -> Verdict:
    """Not checked. `fix` says how it would be."""
    return Verdict("skip", reason, fix)


def result(group: Group, name: str, verdict: Verdict) -> Result:
    """A verdict with its name."""
    return Result(group, name, verdict.status, verdict.reason, verdict.fix)


def shown(text: str) -> str:
    """Text of somebody else's as it may stand in a terminal: one line, printable, and not long."""
    clean = "".join(char if char.isascii() and char.isprintable() else "?" for char in text)
    return clean if len(clean) <= _LONGEST else f"{clean[:_LONGEST]}..."


def line(found: Result) -> str:
    """A result for people."""
    between = " " if found.status == "ok" else ": "
    fix = f"; fix: {found.fix}" if found.fix else ""
    return f"{_WORDS[found.status]:<4}  {found.group:<12}  {found.name}{between}{found.reason}{fix}"


def summary(results: Sequence[Result], seconds: float) -> str:
    """The last line."""
    counts = {status: sum(each.status == status for each in results) for status in _WORDS}
    told = f"{counts['ok']} ok, {counts['warn']} warnings, {counts['fail']} failed, {counts['skip']} not checked"
    return f"{told}, in {seconds:.1f} s"


def document(results: Sequence[Result], seconds: float) -> dict[str, Any]:
    """All results for machines."""
    return {
        "ok": exit_code(results) == 0,
        "seconds": round(seconds, 1),
        "checks": [asdict(each) for each in results],
    }


def exit_code(results: Sequence[Result]) -> int:
    """1 when something failed. Warnings and what was not checked do not count."""
    return 1 if any(each.status == "fail" for each in results) else 0
