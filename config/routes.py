"""The route table: every host and path that the internet can reach, where it leads, and who may pass.

Owns the table and its order. Collisions are refused in `check`; how a controller is told is `annotations`' business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from config.app import App
from config.ports import AppPort
from config.route_rule import RouteRule
from config.signin import Narrower
from config.stack import Stack
from config.workspace import Workspace

STATIC_PORT = 80
"""Where a static folder is served, as that of an app that says `port: 80`."""


@dataclass(frozen=True, order=True)
class Route:
    """One row of the route table."""

    host: str
    path: str
    workspace: str
    app: str
    port: str
    """The name of the Service port."""
    number: int
    """The Service port itself."""
    auth: Literal["none", "page", "api"]
    rule: RouteRule
    allow: Narrower | None = None
    """Whom of the workspace's people it lets in; all of them where it says nothing."""
    clients: tuple[tuple[str, str], ...] = ()
    """The programs that come in with a password: name and secret of each."""

    @property
    def url(self) -> str:
        """The address, always https: Cloudflare's edge ends TLS."""
        return f"https://{self.host}{self.path}"


def app_ports(app: App) -> dict[str, int]:
    """The Service ports of an app by name: `ports`, or the single `port` as `http`."""
    return {name: port.number for name, port in ports_of(app).items()}


def ports_of(app: App) -> dict[str, AppPort]:
    """The same ports with all that is said of them."""
    if app.static is not None:
        return {"http": AppPort(number=STATIC_PORT)}
    return dict(app.ports) if app.ports else {"http": app.port} if app.port is not None else {}


def key_of(app: App, port: str) -> tuple[str, ...]:
    """Where an app's file says that port, below the app."""
    return ("ports", port) if app.ports else ("port",)


def tcp_ports(app: App) -> dict[str, int]:
    """Those of `app_ports` that requests and health checks can come to."""
    return {name: port.number for name, port in ports_of(app).items() if port.protocol == "TCP"}


def sibling_ports(app: App) -> set[str]:
    """The names of the ports that the workspace's other apps reach: those without a route, and those that say so."""
    routed = routed_ports(app)
    return {name for name, port in ports_of(app).items() if name not in routed or port.siblings}


def routed_ports(app: App) -> set[str]:
    """The names of the ports that a route leads to."""
    return {route_port(app, rule) for rule in app.routes if rule.redirect is None}


def route_port(app: App, rule: RouteRule) -> str:
    """The name of the port a route leads to: the one it says, or the app's only or first one."""
    return rule.port if rule.port is not None else main_port(app)


def main_port(app: App) -> str:
    """The name of the port that is meant where nobody says which: `http`, or the app's only or first one."""
    known = tcp_ports(app) or app_ports(app)
    return "http" if "http" in known else min(known)


def hostname(label: str, domain: str) -> str:
    """The full host name of a workspace's or app's `host`."""
    return domain if label == "@" else f"{label}.{domain}"


def own_host(stack: Stack, workspace: Workspace) -> str:
    """The workspace's own host, which is Dex's.

    Raises:
        ValueError: it has none. The model refuses that where anything is served or people sign in.
    """
    if workspace.host is None:
        raise ValueError(f"{workspace.name} has no host")
    return hostname(workspace.host, stack.domain)


def host_of(stack: Stack, workspace: Workspace, app: App, rule: RouteRule) -> str:
    """The host a route is served on: its own, its app's, or the workspace's."""
    label = app.host if rule.host is None else rule.host
    return own_host(stack, workspace) if label is None else hostname(label, stack.domain)


def routes_of(stack: Stack, workspace: Workspace) -> tuple[Route, ...]:
    """The rows of one workspace, sorted by host and path."""
    rows = [
        Route(
            host=host_of(stack, workspace, app, rule),
            path=rule.path,
            workspace=workspace.name,
            app=name,
            port=route_port(app, rule),
            number=app_ports(app)[route_port(app, rule)],
            auth="none" if workspace.auth == "none" or rule.public or rule.redirect else rule.auth,
            rule=rule,
            allow=None if workspace.auth == "none" or rule.public or rule.redirect else rule.allow or app.allow,
            clients=tuple((client, workspace.clients[client].secret) for client in rule.clients),
        )
        for name, app in workspace.apps.items()
        for rule in app.routes
    ]
    return tuple(sorted(rows, key=lambda row: (row.host, row.path)))


def route_table(stack: Stack, workspaces: Iterable[Workspace]) -> tuple[Route, ...]:
    """All rows, sorted by host and path."""
    return tuple(sorted((row for w in workspaces for row in routes_of(stack, w)), key=lambda row: (row.host, row.path)))


def hosts_of(stack: Stack, workspace: Workspace) -> tuple[str, ...]:
    """Every host a workspace owns, sorted: its own, and those of its apps and their routes."""
    apps = workspace.apps.values()
    labels = {workspace.host, *(app.host for app in apps), *(rule.host for app in apps for rule in app.routes)}
    return tuple(sorted(hostname(label, stack.domain) for label in labels if label is not None))


def protected_hosts(stack: Stack, workspace: Workspace) -> tuple[str, ...]:
    """The hosts that need sign-in: those with a route behind it, and always the one that Dex lives on."""
    if workspace.auth == "none":
        return ()
    # Without the rows, whose ports may be wrong still: how many pods there are is said together with that.
    apps = workspace.apps.values()
    found = {
        host_of(stack, workspace, app, rule)
        for app in apps
        for rule in app.routes
        if not (rule.public or rule.redirect)
    }
    return tuple(sorted(found | {own_host(stack, workspace)}))


@dataclass(frozen=True)
class SignIn:
    """Where the people of one workspace sign in."""

    workspace: str
    host: str
    """Dex's."""
    hosts: tuple[str, ...]
    """Those with an OAuth2-Proxy, sorted; Dex's is one of them."""


def sign_ins(stack: Stack, workspaces: Iterable[Workspace]) -> tuple[SignIn, ...]:
    """One for each workspace that signs people in."""
    return tuple(
        SignIn(workspace.name, own_host(stack, workspace), protected_hosts(stack, workspace))
        for workspace in workspaces
        if workspace.auth != "none"
    )
