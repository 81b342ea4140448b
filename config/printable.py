"""Somebody else's text, for a terminal or a log. Standard library only: what runs before an installation uses it."""

from __future__ import annotations


def printable(text: str, keep: str = "") -> str:
    """The text, with the characters that a terminal or a log would obey written out.

    Keys, tags, changelogs, and the names of files and of what links lead to are anybody's.

    Args:
        text: The text.
        keep: Which of those characters may stay.
    """
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)
