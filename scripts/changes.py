"""What a preview changes, by workspace, and what of it a person should look at before `up`.

Owns: whose a change is, and which change is not what the files say.  Does not own: what happens to a resource
(`scripts.event_log`).  Only names are told, and no value of anything: more people read a pull request than a log.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from config.columns import text_table
from scripts.event_log import STACK, WORKSPACE, Log, Resource
from scripts.tree import SIGNS

_COMPONENT = "warren:components:"
_PLATFORM = " (platform)"
_LONGEST = 6
"""How many things a row or a remark names."""
_OPERATIONS = ("create", "update", "replace", "delete")
_FIRST = ("delete", "replace", "update", "create")
"""The operations, those that nobody should overlook first."""
_HOLDS = ("Namespace", "PersistentVolumeClaim")
"""What takes along what is in it."""
_FOLLOWS = ("DnsRecord", "ZeroTrustTunnelCloudflaredConfig", "ConfigMap")
"""What of the platform changes with the hosts and routes of a workspace; nothing restarts by it."""
_ELSEWHERE = "a secret, the stack file, another version of Warren, or an `up` that did not finish"


@dataclass(frozen=True)
class Share:
    """What changes in one workspace, or in one part of the platform."""

    top: Resource | None
    """The component that all of it is in; None for what is in none."""
    things: tuple[tuple[str, Resource], ...]
    """Every resource that changes, after the name of the app or the like that it is part of, or nothing."""

    @property
    def is_workspace(self) -> bool:
        """Whether it is a workspace's."""
        return self.top is not None and self.top.type == WORKSPACE

    @property
    def name(self) -> str:
        """The workspace's name, or the part's."""
        name = _plain(self.top.name) if self.top else "stack"
        return name if self.is_workspace else f"{name}{_PLATFORM}"

    def count(self, op: str) -> int:
        """How many resources this happens to, as the engine counts: components too."""
        return sum(each.op == op for _, each in self.things)

    @property
    def what(self) -> str:
        """What changes, in a few words."""
        if self.top is not None and self.top.op in ("create", "delete"):
            return "new" if self.top.op == "create" else "removed"
        return _told(self.things)


def shares(log: Log) -> list[Share]:
    """Return what changes, by workspace and then by part of the platform; nothing for where nothing does."""
    found: dict[str, list[tuple[str, Resource]]] = {}
    tops: dict[str, Resource | None] = {}
    for each in log.resources.values():
        if each.op != "same":
            top, inner = _place(log.resources, each)
            tops[top.urn if top else ""] = top
            found.setdefault(top.urn if top else "", []).append((inner, each))
    every = [Share(tops[urn], tuple(things)) for urn, things in found.items()]
    return sorted(every, key=lambda share: (not share.is_workspace, share.top is None, share.name))


def remarks(log: Log) -> list[str]:
    """Return what a person should look at, a sentence each."""
    changed, written = shares(log), _written(log)
    said = []
    holders = [each for share in changed for _, each in share.things if _kind(each) in _HOLDS]
    if lost := [f"{_plain(each.name)} ({each.op})" for each in holders if each.op in ("delete", "replace")]:
        said.append(f"Warning: what is in these goes with them: {_few(lost)}.")
    if written is None:
        return said
    others = [share for share in changed if share.is_workspace and share.top and share.top.urn not in written]
    if others and not written:
        said.append(f"No workspace's file has changed since the last `up`: the cause is {_ELSEWHERE}.")
    elif others:
        named = _few([f"{share.name} ({share.what})" for share in others])
        said.append(f"Warning: these change, and their files do not: {named}. The cause is {_ELSEWHERE}.")
    if written and (shared := list(_shared(changed))):
        said.append(f"Warning: all workspaces depend on what changes here: {_few(shared)}.")
    return said


def text(log: Log) -> str:
    """Return the table and the remarks for a terminal or a log."""
    rows = _rows(log)
    if not rows:
        return "Nothing changes."
    return "\n".join(["What changes", text_table(rows), *remarks(log)])


def markdown(log: Log, stack: str) -> str:
    """Return the same for a pull request."""
    rows = _rows(log)
    head = [f"### What changes on `{_plain(stack)}`", ""]
    if not rows:
        return "\n".join([*head, "Nothing changes.", ""])
    lines = [list(rows[0]), ["---"] * len(rows[0]), *((row | {"what": f"`{row['what']}`"}).values() for row in rows)]
    table = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([*head, *table, "", *(f"- {remark}" for remark in remarks(log)), ""])


def _rows(log: Log) -> list[dict[str, str]]:
    return [
        {"workspace": share.name, **{op: str(share.count(op) or "") for op in _OPERATIONS}, "what": share.what}
        for share in shares(log)
    ]


def _place(resources: Mapping[str, Resource], one: Resource) -> tuple[Resource | None, str]:
    """The outermost component that a resource is in, and the name of the innermost without the outer's."""
    inside: list[Resource] = []
    at: Resource | None = one
    while at is not None and at.type != STACK:
        if at.type.startswith(_COMPONENT):
            inside.append(at)
        at = resources.get(at.parent)
    if not inside:
        return None, ""
    inner, top = inside[0], inside[-1]
    return top, "" if inner is top else _plain(inner.name.removeprefix(top.name).lstrip(".-"))


def _told(things: Iterable[tuple[str, Resource]]) -> str:
    things = list(things)
    whole = {inner for inner, each in things if inner and _is_component(each) and each.op in ("create", "delete")}
    counted: Counter[tuple[int, str]] = Counter()
    for inner, each in things:
        thing = f"{SIGNS[each.op]}{inner}" if inner in whole else f"{inner} {SIGNS[each.op]}{_kind(each)}".lstrip()
        if inner not in whole or _is_component(each):
            counted[_FIRST.index(each.op), thing] += 1
    return _few([thing if count == 1 else f"{thing} x{count}" for (_, thing), count in sorted(counted.items())])


def _shared(changed: Iterable[Share]) -> Iterator[str]:
    for share in changed:
        # A part that goes as a whole, as Dex's with the last sign-in, is no longer anybody's.
        whole = share.top is not None and share.top.op == "delete"
        rest = [(inner, each) for inner, each in share.things if not _follows(each)]
        if rest and not whole and not share.is_workspace:
            yield f"{share.name.removesuffix(_PLATFORM)} ({_told(rest)})"


def _follows(each: Resource) -> bool:
    return each.op == "create" or (_kind(each) in _FOLLOWS and each.op != "replace")


def _written(log: Log) -> set[str] | None:
    """The workspaces for which something else is written than at the last `up`; None where nobody wrote that down."""
    differ = set()
    for each in log.resources.values():
        if each.type == WORKSPACE:
            before, now = log.written.get(each.urn, (None, None))
            if each.op == "same" and before is None:
                return None
            if each.op != "same" or before != now:
                differ.add(each.urn)
    return differ


def _is_component(each: Resource) -> bool:
    return each.type.startswith(_COMPONENT)


def _kind(each: Resource) -> str:
    return "Provider" if each.type.startswith("pulumi:providers:") else _plain(each.type.rpartition(":")[2])


def _few(things: Sequence[str]) -> str:
    more = len(things) - _LONGEST
    return ", ".join([*things[:_LONGEST], *([f"and {more} more"] if more > 0 else [])])


def _plain(name: str) -> str:
    # The checks let no other character into a name.  What they would miss could end a table, or call somebody.
    return re.sub(r"[^A-Za-z0-9.-]", "?", name)[:100]
