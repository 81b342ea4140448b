"""What the engine's event log says of a preview: what happens to which resource, and what the program said.

Reads it in one pass and keeps no property of any resource; secrets are not in the log anyway.  Events are as in Pulumi
3.259 (sdk/go/common/apitype/events.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

STACK = "pulumi:pulumi:Stack"
WORKSPACE = "warren:components:Workspace"
_COLOR = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")
_PLAIN = {"create": "create", "import": "create", "update": "update", "delete": "delete"}


@dataclass(frozen=True)
class Resource:
    """A resource and what is to happen to it."""

    urn: str
    type: str
    parent: str
    """The parent's URN; empty for the stack."""
    op: str
    """create, update, replace, delete or same."""

    @property
    def name(self) -> str:
        """The resource's name within its type."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Log:
    """A preview."""

    resources: Mapping[str, Resource]
    """By URN, in the engine's order."""
    said: tuple[str, ...]
    """What the program said to stay: its warnings and its tables."""
    written: Mapping[str, tuple[str | None, str | None]]
    """By the URN of a workspace: the mark of what is written for it, at the last `up` and now."""


def read(events: Iterable[Mapping[str, Any]]) -> Log:
    """Read a log, event by event."""
    operations: dict[str, list[str]] = {}
    places: dict[str, tuple[str, str]] = {}
    said: list[str] = []
    written: dict[str, tuple[str | None, str | None]] = {}
    for event in events:
        if step := event.get("resourcePreEvent"):
            data = step["metadata"]
            state = data.get("new") or data.get("old") or {}
            operations.setdefault(data["urn"], []).append(data["op"])
            places.setdefault(data["urn"], (data["type"], state.get("parent", "")))
        elif (step := event.get("resOutputsEvent")) and step["metadata"]["type"] == WORKSPACE:
            data = step["metadata"]
            # The first of two such events is of the state as it was; the program's own is the second.
            written[data["urn"]] = (_mark(data.get("old")), _mark(data.get("new")))
        elif diagnostic := event.get("diagnosticEvent"):
            said += _kept(diagnostic)
    resources = {urn: Resource(urn, *places[urn], _operation(ops)) for urn, ops in operations.items()}
    return Log(resources, tuple(said), written)


def _operation(ops: list[str]) -> str:
    # A replacement is three events of one resource, in either order, or a create beside what is left of an older one.
    if any("replace" in op for op in ops) or {"create", "delete"} <= set(ops):
        return "replace"
    return next((_PLAIN[op] for op in ops if op in _PLAIN), "same")


def _mark(state: Mapping[str, Any] | None) -> str | None:
    mark = ((state or {}).get("outputs") or {}).get("written")
    return mark if isinstance(mark, str) else None


def _kept(diagnostic: Mapping[str, Any]) -> Iterator[str]:
    of_the_stack = f"::{STACK}::" in diagnostic.get("urn", f"::{STACK}::")
    if not diagnostic.get("ephemeral") and diagnostic["severity"] in ("info", "warning") and of_the_stack:
        yield _COLOR.sub("", diagnostic.get("prefix", "") + diagnostic["message"]).rstrip()
