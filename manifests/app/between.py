"""The ways between workspaces that both files say, each from one app to one port of another one's app.

Owns which there are and the rules that open them. That both sides agree is `config.checks.between`'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from config.checks.between import used_port
from config.routes import ports_of
from config.workspace import Workspace
from manifests import names, walls

Manifest = dict[str, Any]


@dataclass(frozen=True, order=True)
class Way:
    """One app's way to a port of an app of another workspace."""

    owner: str
    """The workspace that offers the port."""
    offered: str
    """The app that listens there."""
    port: str
    """The port's name."""
    number: int
    """What its containers listen on, which is what policies see."""
    user: str
    """The workspace that uses it."""
    app: str
    """The app that connects."""
    protocol: Literal["TCP", "UDP"] = "TCP"
    """How the port is spoken to."""

    def goes_out(self) -> Manifest:
        """The rule for the wall of the app that connects."""
        there = walls.pods(names.selector(self.offered, app=True), self.owner)
        return {"to": [there], "ports": walls.ports(self.number, protocol=self.protocol)}

    def comes_in(self) -> Manifest:
        """The rule for the wall of the app that listens."""
        here = walls.pods(names.selector(self.app, app=True), self.user)
        return {"from": [here], "ports": walls.ports(self.number, protocol=self.protocol)}


def ways(workspaces: Iterable[Workspace]) -> tuple[Way, ...]:
    """Every way between workspaces, sorted: what one app uses and the other one's port is offered to."""
    known = {workspace.name: workspace for workspace in workspaces}
    return tuple(sorted(way for workspace in known.values() for way in _of(known, workspace)))


def _of(known: dict[str, Workspace], user: Workspace) -> list[Way]:
    found = []
    for name, app in user.apps.items():
        for use in app.uses:
            owner, _, offered = use.app.partition("/")
            other = known[owner].apps[offered]
            port = used_port(use, other)
            assert port is not None, "checked before"
            there = ports_of(other)[port]
            found.append(Way(owner, offered, port, there.number, user.name, name, there.protocol))
    return found


def concerning(ways: Iterable[Way], workspace: str) -> tuple[Way, ...]:
    """Those that begin or end in a workspace."""
    return tuple(way for way in ways if workspace in (way.owner, way.user))


def rules(ways: Iterable[Way], workspace: str, app: str) -> tuple[list[Manifest], list[Manifest]]:
    """What an app's wall lets in and lets out for them."""
    ways = tuple(ways)
    comes_in = [way.comes_in() for way in ways if (way.owner, way.offered) == (workspace, app)]
    goes_out = [way.goes_out() for way in ways if (way.user, way.app) == (workspace, app)]
    return comes_in, goes_out
