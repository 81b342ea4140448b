"""A preview's resources as the tree that Pulumi draws in a terminal, for where there is none (a pipe, a CI log).

There Pulumi prints rows in the order in which they happen to finish.
"""

from __future__ import annotations

from collections.abc import Iterable

from scripts.event_log import Resource

SIGNS = {"create": "+", "update": "~", "replace": "+-", "delete": "-"}


def draw(resources: Iterable[Resource]) -> list[str]:
    """Return the tree: children below parents, each with what will happen."""
    nodes = {each.urn: each for each in resources}
    children: dict[str, list[Resource]] = {}
    for each in nodes.values():
        children.setdefault(each.parent if each.parent in nodes else "", []).append(each)
    return _branches(children.get("", []), "", children)


def _branches(siblings: list[Resource], indent: str, children: dict[str, list[Resource]]) -> list[str]:
    drawn = []
    # Components first, then by type and name: the same program always draws the same tree.
    ordered = sorted(siblings, key=lambda each: (each.urn not in children, each.type, each.urn))
    for number, each in enumerate(ordered):
        last = number == len(ordered) - 1
        label = f"{_shown(each.type)}  {each.name}" + ("" if each.op == "same" else f"  {each.op}")
        drawn.append(f"{SIGNS.get(each.op, ' '):<3}{indent}{'└─ ' if last else '├─ '}{label}")
        drawn += _branches(children.get(each.urn, []), indent + ("   " if last else "│  "), children)
    return drawn


def _shown(kind: str) -> str:
    """A type as the engine shows it: without the file of its module, which bridged providers name like the type."""
    module, slash, rest = kind.partition("/")
    file, colon, name = rest.partition(":")
    return f"{module}:{name}" if slash and colon and file == f"{name[:1].lower()}{name[1:]}" else kind
