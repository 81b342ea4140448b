"""The end of a preview, as text.

Owns: drawing the tree that Pulumi draws in a terminal, for where there is none (a pipe, a CI log): there it prints rows
in the order in which they happen to finish.  And repeating below it what the program said, the URL table above all.
Does not own: the preview itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

_SIGNS = {
    "create": "+",
    "update": "~",
    "delete": "-",
    "replace": "+-",
    "create-replacement": "++",
    "delete-replaced": "--",
}
_COLOR = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")


def draw(lines: Iterable[str]) -> list[str]:
    """Return the tree of an event log, one JSON event a line: children below parents, each with what will happen."""
    nodes: dict[str, tuple[str, str, str]] = {}
    for line in lines:
        event = json.loads(line).get("resourcePreEvent")
        if event is not None:
            data = event["metadata"]
            state: dict[str, Any] = data.get("new") or data.get("old") or {}
            # A replacement is three events of one URN; the first says what it is.
            nodes.setdefault(data["urn"], (state.get("parent", ""), data["op"], data["type"]))
    children: dict[str, list[str]] = {}
    for urn, (parent, _, _) in nodes.items():
        children.setdefault(parent if parent in nodes else "", []).append(urn)
    return _branches(children.get("", []), "", nodes, children)


def told(lines: Iterable[str]) -> list[str]:
    """Return what the program said to stay, of an event log: its warnings and the URL table."""
    events = (json.loads(line).get("diagnosticEvent") for line in lines)
    kept = (event for event in events if event is not None and not event.get("ephemeral"))
    return [
        _COLOR.sub("", event.get("prefix", "") + event["message"]).rstrip()
        for event in kept
        if event["severity"] in ("info", "warning")
        and "::pulumi:pulumi:Stack::" in event.get("urn", "::pulumi:pulumi:Stack::")
    ]


def _branches(
    urns: list[str], indent: str, nodes: dict[str, tuple[str, str, str]], children: dict[str, list[str]]
) -> list[str]:
    drawn = []
    # Components first, then by type and name: the same program always draws the same tree.
    ordered = sorted(urns, key=lambda urn: (urn not in children, nodes[urn][2], urn))
    for number, urn in enumerate(ordered):
        last = number == len(ordered) - 1
        _, op, kind = nodes[urn]
        label = f"{kind}  {urn.rpartition('::')[2]}" + ("" if op == "same" else f"  {op}")
        drawn.append(f"{_SIGNS.get(op, ' '):<3}{indent}{'└─ ' if last else '├─ '}{label}")
        drawn += _branches(children.get(urn, []), indent + ("   " if last else "│  "), nodes, children)
    return drawn
