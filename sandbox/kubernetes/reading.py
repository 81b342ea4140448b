"""Reading an object that fits its schema but may hold values that are not known yet.

Owns: access that treats unknown and null alike as absent, and the list that problems are collected in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sandbox.kubernetes.schema import Problem

Check = Callable[[str], str | None]


class Findings:
    """Problems found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, path: str, reason: str) -> None:
        """Report one problem."""
        self.problems.append(Problem(path, reason))

    def text(self, value: dict[str, Any], key: str, path: str, check: Check) -> None:
        """Check one string field, when it is there."""
        item = value.get(key)
        if isinstance(item, str) and (problem := check(item)):
            self.add(f"{path}.{key}", problem)

    def value(self, value: dict[str, Any], key: str, path: str, check: Callable[[object], str | None]) -> None:
        """Check one field of any known type, when it is there."""
        item = value.get(key)
        if isinstance(item, str | int) and (problem := check(item)):
            self.add(f"{path}.{key}", problem)

    def least(self, value: dict[str, Any], path: str, least: int, *keys: str) -> None:
        """Check that numbers are at least ``least``."""
        for key in keys:
            number = value.get(key)
            if isinstance(number, int) and number < least:
                self.add(f"{path}.{key}", f"must be at least {least}")

    def one_of(self, value: dict[str, Any], path: str, what: str, keys: frozenset[str]) -> None:
        """Check that exactly one of the fields is there."""
        there = sorted(keys & value.keys())
        if not there:
            self.add(path, f"needs {what}")
        elif len(there) > 1:
            self.add(path, f"may have only one {what.removeprefix('a ')}, not {' and '.join(there)}")


def obj(value: Any, *keys: str) -> dict[str, Any]:
    """Return the object at a path, empty when it is absent or not known."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: dict[str, Any], key: str) -> list[Any]:
    """Return a list field, empty when it is absent or not known."""
    item = value.get(key)
    return item if isinstance(item, list) else []


def objects(value: dict[str, Any], key: str, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give path and value of every known object in a list field."""
    for index, item in enumerate(items(value, key)):
        if isinstance(item, dict):
            yield f"{path}.{key}[{index}]", item


def strings(value: dict[str, Any], key: str) -> Iterator[tuple[int, str]]:
    """Give index and value of every known string in a list field."""
    for index, item in enumerate(items(value, key)):
        if isinstance(item, str):
            yield index, item


def is_known(value: dict[str, Any], key: str) -> bool:
    """Say whether a list or object field can be relied on to be complete: it is absent, or there and known."""
    return value.get(key) is None or isinstance(value[key], dict | list)
