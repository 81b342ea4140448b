"""What is wrong with a text that is no YAML, and how to mend it, by line; never the values in it.

YAML's own errors name the place where the parser gave up, which is often a line below the slip, and say what the parser
wanted, not what the writer should do. Loaded only when there is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
_NO_SPACE = re.compile(r"^\s*(?:- +)?[\w./-]+:[^\s:/]")
"""`port:8000`, but not `http://...`."""
_LOOK = "does not fit what is above it; look at both"
_KEY = re.compile(r"^\s*(?:- +)?[^\s:#]+:(\s|$)")


def explain(text: str, error: Any) -> tuple[int, str]:
    """The line to mend (0 when there is none), and what is wrong with it, to follow "this line".

    Args:
        text: The whole file.
        error: The yaml.YAMLError of either parser, libyaml's or the pure one; their words differ.
    """
    if conflict := _CONFLICT.search(text):
        return _line_at(text, conflict.start()), "is half merged; choose one side and delete the marks"
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        found = _CONTROL.search(text)
        return (_line_at(text, found.start()) if found else 0), "has a control character; delete it"
    number, words = _Place(text.splitlines() or [""], mark, error).words()
    return number + 1, words


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


class _Place:
    """Where the parser gave up, and what is around it. Lines count from 0."""

    def __init__(self, lines: list[str], mark: Any, error: Any) -> None:
        self.lines = lines
        self.line = min(int(mark.line), len(lines) - 1)
        self.column = int(mark.column)
        start = getattr(error, "context_mark", None)
        self.start = self.line if start is None else min(int(start.line), len(lines) - 1)
        self.context = str(getattr(error, "context", None) or "")
        self.problem = str(getattr(error, "problem", None) or "")
        self.text = lines[self.line]
        self.mark = self.text[self.column : self.column + 1]

    def words(self) -> tuple[int, str]:
        if "\t" in self.text[: len(self.text) - len(self.text.lstrip())]:
            return self.line, "is indented with a tab; use spaces"
        if self.mark == "\t":
            return self.line, "has a tab where a space belongs"
        for said, part, words in _WORDS:
            if part in (self.problem if said == "problem" else self.context):
                return words(self)
        return self.line, _LOOK

    def _quoted(self) -> tuple[int, str]:
        if "escape" in self.problem:
            return self.line, r"has a \ in double quotes, which begins an escape; use single quotes"
        return self.start, "has a quote that never ends; close it"

    def _bad_start(self) -> tuple[int, str]:
        return self.line, f"has a value that begins with {self.mark}; put quotes around it"

    def _alias(self) -> tuple[int, str]:
        return self.line, "has a value that begins with * or &, which is YAML's own; put quotes around it"

    def _block_text(self) -> tuple[int, str]:
        return self.line, "has text behind | or >; the text begins on the next line, indented"

    def _key(self) -> tuple[int, str]:
        return self.start, self._no_colon(self.start)

    def _flow(self) -> tuple[int, str]:
        # Where a value was to begin, the parser does not say in what.
        listed = "sequence" in self.context or ("node" in self.context and self.text.rfind("[") > self.text.rfind("{"))
        opening, closing = ("[", "]") if listed else ("{", "}")
        if "${" in self.text or "{{" in self.text:
            return self.line, "has a { in a value; put quotes around it"
        if self.start == self.line:
            return self.line, f"misses a comma, or the {closing} that closes its {opening}"
        where = f"is never closed, or misses a comma before line {self.line + 1}"
        return self.start, f"has a {opening} that {where}; close it with {closing}"

    def _no_colon(self, line: int) -> str:
        if _NO_SPACE.match(self.lines[line]):
            return "misses a space after the colon; write key: value"
        return "is neither key: value nor a list's - item; add what is missing"

    def _second_colon(self) -> tuple[int, str]:
        above = self._above()
        if re.search(r":\s", self.text[: self.column]):
            return self.line, "has two colons; put quotes around the value, or begin a new line for the second key"
        if above is None:
            return self.line, _LOOK
        if _KEY.match(self.lines[above]):
            return self.line, f"is indented deeper than line {above + 1}, which has its value already; line them up"
        return above, self._no_colon(above)

    def _block(self) -> tuple[int, str]:
        quoted = next((i for i in range(self.start, self.line + 1) if _odd_quotes(self.lines[i])), None)
        if self.mark in ("}", "]"):
            return self.line, f"has a {self.mark} too many"
        if quoted is not None:
            return quoted, "has a quote that never ends; close it"
        if self.text[: self.column].strip():
            return self.line, "goes on after a value that has ended; put quotes around all of it"
        around = sorted({_indent(line) for line in self.lines[: self.line] if line.strip()})
        if not around:
            return self.line, _LOOK
        if self.column in around:
            what = "is a list's item among keys" if self.mark == "-" else "is a key among a list's items"
            return self.line, f"{what}; line it up with what it belongs to"
        near = " or ".join(str(each) for each in around if abs(each - self.column) <= 2) or str(around[0])
        return self.line, f"is indented by {self.column}, and what is around it by {near}; line it up"

    def _above(self) -> int | None:
        wanted = (i for i in range(self.line - 1, -1, -1) if self.lines[i].strip() and self.lines[i].strip()[0] != "#")
        return next(wanted, None)


_WORDS: tuple[tuple[str, str, Callable[[_Place], tuple[int, str]]], ...] = (
    ("context", "quoted scalar", _Place._quoted),
    ("problem", "cannot start any token", _Place._bad_start),
    ("context", "alias", _Place._alias),
    ("context", "anchor", _Place._alias),
    ("context", "block scalar", _Place._block_text),
    ("context", "flow", _Place._flow),
    ("context", "simple key", _Place._key),
    ("problem", "mapping values", _Place._second_colon),
    ("context", "block mapping", _Place._block),
    ("context", "block collection", _Place._block),
    ("context", "block sequence", _Place._block),
)
"""What the parser says, in its context or of the problem, and our words for it: the first that fits."""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _odd_quotes(line: str) -> bool:
    bare = re.sub(r"\\.|'[^']*'|(^|\s)#.*", "", line)
    return bare.count('"') % 2 == 1 or re.search(r"(^|[\s\[{,])'", bare) is not None
