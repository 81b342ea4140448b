"""The table of mistakes.txt: every kind of mistake that one edit can make, and the message that a person gets for it.

The edits are written by hand. The messages are the program's: `python -m tests.config.mistakes` writes them again, and
whoever reads the change judges whether they are what a person needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.config import files

TABLE = Path(__file__).with_name("mistakes.txt")


@dataclass(frozen=True)
class Case:
    """One block of the table."""

    title: str
    file: str
    old: str
    new: str
    message: str

    def told(self, root: Path) -> Sequence[str]:
        """What a project with this mistake in it is refused for, in an empty folder."""
        return files.mistakes(root, files.edited(self.file, (self.old, self.new)))


def case(block: str) -> Case:
    """The case that a block says.

    Raises:
        ValueError: it has no title.
    """
    title, file, *lines = block.strip("\n").split("\n")
    if not title.startswith("# "):
        raise ValueError(f"{title!r} is no title")
    old, new, message = ("\n".join(line[2:] for line in lines if line[0] == mark) for mark in "-+>")
    return Case(title[2:], file if file.startswith("Pulumi") else f"workspaces/{file}", old, new, message)


def blocks() -> list[str]:
    """The words above the table, then its blocks."""
    return TABLE.read_text("utf-8").split("\n\n")


def cases() -> list[Case]:
    """The table."""
    return [case(block) for block in blocks()[1:]]


def written() -> str:
    """The table with the messages that the program has today.

    Raises:
        ValueError: a mistake is not told once.
    """
    head, *table = blocks()
    made = [head]
    for block in table:
        each = case(block)
        with TemporaryDirectory() as folder:
            found = each.told(Path(folder))
        if len(found) != 1:
            raise ValueError(f"{each.title} is told {len(found)} times: {found}")
        message = "\n".join(f"> {line}" for line in found[0].removeprefix(f"{each.file}:").split("\n"))
        made.append("\n".join([*(line for line in block.strip("\n").split("\n") if line[0] != ">"), message]))
    return "\n\n".join(made) + "\n"


if __name__ == "__main__":
    TABLE.write_text(written(), "utf-8")
