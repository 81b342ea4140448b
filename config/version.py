"""Warren's version, which is said here and nowhere else, and how versions compare (https://semver.org)."""

from __future__ import annotations

import re

VERSION = "0.1.0"
"""The newest release of CHANGELOG.md; while something is unreleased there, what that is going to be."""

OLDEST = "0.1.0"
"""The oldest version whose files this Warren still reads, or refuses in words that say what to write now."""

Order = tuple[tuple[int, int, int], tuple[tuple[int, int, str], ...]]

_NUMBER = "(0|[1-9][0-9]{0,8})"
_PART = "[0-9A-Za-z-]{1,20}"
_SEMANTIC = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_PART}(?:\.{_PART}){{0,4}}))?(?:\+[0-9A-Za-z.-]{{1,60}})?"
).fullmatch


def order(version: str) -> Order:
    """What to sort a version by: a pre-release comes before its release, and what stands after a + does not count.

    Raises:
        ValueError: it is no semantic version.
    """
    found = _SEMANTIC(version)
    if found is None:
        raise ValueError(f"{version!r} is no version such as {VERSION}")
    major, minor, patch, before = found.groups()
    parts = (
        tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in before.split(".")) if before else ()
    )
    return (int(major), int(minor), int(patch)), parts or ((2, 0, ""),)
