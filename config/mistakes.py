"""What a person has to mend, with file and line; and the documents that know the line of everything in them.

Owns what a mistake is and how a place is written. Does not own who finds mistakes (`load`, `checks`) nor how a refused
value is worded (`files.refusals`): all of those rest on this, and this on none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from config.printable import printable

if TYPE_CHECKING:
    from pydantic import BaseModel

KeyPath = tuple[str | int, ...]
Model = TypeVar("Model", bound="BaseModel")


@dataclass(frozen=True, order=True)
class Mistake:
    """One thing a person has to mend: `file:line: where: what`."""

    file: str
    line: int
    where: str
    what: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        what = printable(self.what, keep="\n")  # some have a table
        return f"{printable(f'{place}: {self.where}' if self.where else place)}: {what}"


class Mistakes(Exception):
    """All the mistakes found in one reading, sorted by file and line."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(set(mistakes))
        count = len(self.mistakes)
        noun = "mistake" if count == 1 else "mistakes"
        super().__init__("\n".join([f"{count} {noun}, nothing was changed:", *(f"  {m}" for m in self.mistakes)]))


@dataclass(frozen=True)
class Document:
    """A YAML file as plain data, with the line of every key and list item."""

    file: str
    data: Any
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def line(self, path: KeyPath) -> int:
        """The line of `path`, or of its nearest parent that is written down; 0 when the file has none."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)

    def mapping(self, path: KeyPath) -> bool:
        """Whether a mapping was written at `path`, where a short form would do as well."""
        data = self.data
        for part in path:
            data = data[part]
        return isinstance(data, dict)

    def mistake(self, path: KeyPath, what: str) -> Mistake:
        """A mistake at `path` in this document."""
        return Mistake(self.file, self.line(path), dotted(path), what)


@dataclass(frozen=True)
class Loaded(Generic[Model]):
    """A checked model, and where each part of it was written."""

    model: Model
    document: Document

    def mistake(self, path: KeyPath, what: str) -> Mistake:
        """A mistake at `path`."""
        return self.document.mistake(path, what)


def dotted(path: KeyPath) -> str:
    """A path as people write it: `apps.web.routes[0].path`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(name: Any, allowed: Iterable[str]) -> str:
    """The hint for a name that is almost one of those allowed; empty when none is near."""
    import difflib  # a good file never needs it

    by_fold = {text.lower(): text for text in allowed}
    match = difflib.get_close_matches(str(name).lower(), by_fold, n=1, cutoff=0.6)
    return f", did you mean {printable(by_fold[match[0]])}?" if match else ""
