"""What was measured, as text: the tables, and a line for each aim. Measures nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.generate import APPS

HOME = "home"
PROGRAMS = ("Warren", "typed", "raw")
"""Warren; the bare program with the typed SDKs; the bare program with plain dicts, which is the floor."""

RATIO_AIM = 1.10
HOME_AIM = 0.5
LINEAR_AIM = 1.25
PURE_AIM_SECONDS = 1.0
PURE_AIM_SIZE = "200"


@dataclass(frozen=True)
class Shares:
    """Where the time of one program goes, measured without an engine (`bench/inside.py`). Seconds."""

    imports: float
    pure: float
    load: float
    composing: float
    registration: float


@dataclass(frozen=True)
class Row:
    """One program at one size: medians of all runs."""

    size: str
    program: str
    resources: int
    seconds: float
    peak_mib: float
    cpu_seconds: float
    shares: Shares

    @property
    def apps(self) -> int:
        """Apps in a generated stack."""
        return int(self.size) * APPS


Rows = Mapping[tuple[str, str], Row]
"""By size and program."""


@dataclass(frozen=True)
class Aim:
    """One aim, and whether it was met; None when it was not measured."""

    text: str
    met: bool | None

    def __str__(self) -> str:
        return f"{'not measured' if self.met is None else 'met' if self.met else 'NOT MET':12}  {self.text}"


def previews(rows: Rows) -> str:
    """The comparison that counts: whole previews, side by side."""
    lines: list[tuple[str, ...]] = [
        (
            "stack",
            "resources",
            *(f"{p} {unit}" for p in PROGRAMS for unit in ("s", "MiB", "cpu s")),
            "Warren/typed",
            "Warren/raw",
        )
    ]
    for size in _sizes(rows):
        each = [rows[size, program] for program in PROGRAMS]
        cells = [
            cell for row in each for cell in (f"{row.seconds:.1f}", f"{row.peak_mib:.0f}", f"{row.cpu_seconds:.1f}")
        ]
        ratios = [f"{each[0].seconds / other.seconds:.2f}" for other in each[1:]]
        lines.append((_named(size), str(each[0].resources), *cells, *ratios))
    return _table(lines)


def shares(rows: Rows) -> str:
    """Where the time goes, in seconds."""
    lines: list[tuple[str, ...]] = [
        ("stack", "program", "imports", "pure", "of it load", "composing", "registration", "rest: engine", "preview")
    ]
    for row in rows.values():
        parts = row.shares
        rest = row.seconds - parts.imports - parts.pure - parts.composing - parts.registration
        values = (parts.imports, parts.pure, parts.load, parts.composing, parts.registration, rest, row.seconds)
        lines.append((_named(row.size), row.program, *(f"{value:.2f}" for value in values)))
    return _table(lines)


def growth(rows: Rows) -> str:
    """What an app more costs, between one size and the next, in milliseconds."""
    lines: list[tuple[str, ...]] = [("between", *PROGRAMS)]
    for small, large in _steps(rows):
        lines.append(
            (f"{small} and {large}", *(f"{_per_app(rows, program, small, large):.1f}" for program in PROGRAMS))
        )
    if len(lines) > 2:
        lines.append(
            ("last/first", *(f"{ratio:.2f}" if (ratio := _bend(rows, program)) else "-" for program in PROGRAMS))
        )
    return _table(lines)


def aims(rows: Rows) -> list[Aim]:
    """Every aim of the project for speed."""
    found = []
    for size in _sizes(rows):
        ratio = rows[size, "Warren"].seconds / rows[size, "typed"].seconds
        text = f"{_named(size)}: at most {RATIO_AIM:.2f} of the bare program's time; it is {ratio:.2f}"
        found.append(Aim(text, ratio <= RATIO_AIM))
    home = rows[HOME, "Warren"].seconds / rows[HOME, "typed"].seconds if (HOME, "Warren") in rows else None
    text = f"home: at most {HOME_AIM:.2f} of the bare program's time"
    found.append(Aim(text if home is None else f"{text}; it is {home:.2f}", None if home is None else home <= HOME_AIM))
    bend = _bend(rows, "Warren")
    text = f"linear: an app more costs at most {LINEAR_AIM} times as much in the last step of sizes as in the first"
    found.append(
        Aim(text if bend is None else f"{text}; it is {bend:.2f}", None if bend is None else bend <= LINEAR_AIM)
    )
    row = rows.get((PURE_AIM_SIZE, "Warren"))
    text = f"{PURE_AIM_SIZE} workspaces: the pure part takes less than {PURE_AIM_SECONDS:.0f} s"
    found.append(
        Aim(
            text if row is None else f"{text}; it is {row.shares.pure:.2f} s",
            None if row is None else row.shares.pure < PURE_AIM_SECONDS,
        )
    )
    return found


def _sizes(rows: Rows) -> list[str]:
    return list(dict.fromkeys(size for size, _ in rows))


def _named(size: str) -> str:
    return size if size == HOME else f"{size} workspaces"


def _steps(rows: Rows) -> list[tuple[str, str]]:
    generated = sorted((size for size in _sizes(rows) if size != HOME), key=int)
    return list(itertools.pairwise(generated))


def _per_app(rows: Rows, program: str, small: str, large: str) -> float:
    low, high = rows[small, program], rows[large, program]
    return (high.seconds - low.seconds) / (high.apps - low.apps) * 1000


def _bend(rows: Rows, program: str) -> float | None:
    steps = [_per_app(rows, program, *step) for step in _steps(rows)]
    return steps[-1] / steps[0] if len(steps) > 1 and steps[0] > 0 else None


def _table(lines: Iterable[Sequence[str]]) -> str:
    lines = list(lines)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
