"""The rules inside one app that no single value can break. Each function is one family.

Does not own its routes (`check_routes`), nor what apps do to each other (`check_workspace`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from config import reserved
from config.app import App
from config.checks import check_routes
from config.checks.usage import serves_on, single
from config.compute import DEFAULT_APP, STATIC, app_compute
from config.containers import Container, EnvValue, Literally
from config.fields.quantities import mebibytes
from config.mistakes import Document, KeyPath, Loaded, Mistake
from config.routes import app_ports, tcp_ports
from config.workspace import Workspace

File = Loaded[Workspace]

_SECRET_NAME = re.compile(
    r"(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(^|_)PASS|(API|PRIVATE|SECRET|ACCESS|ENCRYPTION|SIGNING|MASTER|AUTH)_?KEY(_BASE)?)$",
    re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(r"://[^/@\s:]*:(?!\$\()[^/@\s]+@")
"""An address with a password in it that is not a `$(VAR)`."""


def check(file: File, name: str, app: App) -> Iterator[Mistake]:
    """Everything that is wrong inside one app."""
    at: KeyPath = ("apps", name)
    yield from _name(file, at, name, app)
    yield from _ports(file, at, app)
    yield from check_routes.check(file, at, app)
    yield from _health(file, at, app)
    for path, container in containers(app):
        yield from in_the_open(file.document, (*at, *path, "env"), container.env)
    yield from _mounts(file, at, app)
    yield from _volumes(file, at, app)
    yield from _compute(file, at, app)
    yield from _end(file, at, app)
    yield from _user(file, at, app)


def containers(app: App) -> Iterator[tuple[KeyPath, App | Container]]:
    """Every container of an app, with where it is written below the app."""
    yield (), app
    for kind, group in (("init", app.init), ("sidecars", app.sidecars)):
        for name, container in group.items():
            yield (kind, name), container


def _name(file: File, at: KeyPath, name: str, app: App) -> Iterator[Mistake]:
    theirs = name in reserved.SIGN_IN_NAMES or name.startswith(f"{reserved.PROXY}-")
    if theirs and file.model.auth != "none":
        yield file.mistake(at, f"{name!r} is a name of the sign-in; choose another one")
    for path, _ in containers(app):
        if path and (path[1] == name or (path[0] == "sidecars" and path[1] in app.init)):
            yield file.mistake(
                (*at, *path), f"{path[1]!r} is another container of this app already; choose another name"
            )


def _ports(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    seen: dict[tuple[int, str], str] = {}
    for name, port in app.ports.items():
        key = (port.number, port.protocol)
        if key in seen:
            once = "one name a port is enough, and siblings: true opens it to the workspace's apps"
            yield file.mistake((*at, "ports", name), f"{port.number} is the number of {seen[key]} already; {once}")
        seen.setdefault(key, name)


_ELSE = "name or add another port, or check with exec"


def _health(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    health, known, tcp = app.health, app_ports(app), tcp_ports(app)
    if health is None:
        return
    if app.static is not None:
        if health.port is not None:
            yield file.mistake((*at, "health", "port"), "a static folder is served on one port; leave it out")
        return
    if isinstance(health.port, str) and health.port not in known:
        yield file.mistake(
            (*at, "health", "port"),
            f"{health.port!r} is not a port of this app; it has {', '.join(sorted(known)) or 'none'}",
        )
    elif isinstance(health.port, str) and health.port not in tcp:
        yield file.mistake((*at, "health", "port"), f"{health.port!r} is UDP, and health is asked over TCP; {_ELSE}")
    elif not health.exec and health.port is None and not tcp:
        has = "all that it has are UDP" if known else "this app has none"
        yield file.mistake((*at, "health"), f"asks a TCP port, and {has}; {_ELSE}")


def in_the_open(
    document: Document, at: KeyPath, env: Mapping[str, EnvValue], fix: str = "write { secret: NAME }"
) -> Iterator[Mistake]:
    """Variables at `at` whose text looks like a secret; `fix` is what to do with one."""
    for key, value in env.items():
        place: KeyPath = (*at, key)
        if (
            not isinstance(value, Literally)
            or document.mapping(place)
            or not value.value
            or value.value.startswith("$(")
        ):
            continue
        if _SECRET_NAME.search(key):
            yield document.mistake(place, f"looks like a secret; {fix}, or {{ value: ... }} if {key} is none")
        elif _PASSWORD_IN_URL.search(value.value):
            yield document.mistake(
                place,
                "has a password in its address; give that a variable of its own with { secret: NAME } "
                "and write $(VARIABLE) here",
            )


def _mounts(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    wanted = [(("volumes", name, "mount"), volume.mount) for name, volume in app.volumes.items()]
    for place, mount in [*wanted, *((("files", path), path) for path in app.files)]:
        if mount in seen:
            yield file.mistake((*at, *place), f"{mount} is taken by {seen[mount]}; each mount needs its own path")
        seen.setdefault(mount, ".".join(place[:2]))
    for where, container in containers(app):
        for mount in seen.keys() & container.devices.keys():
            what = f"{mount} is taken by {seen[mount]}; each mount needs its own path"
            yield file.mistake((*at, *where, "devices", mount), what)
    for path in app.files:
        for name, volume in app.volumes.items():
            if volume.mount.startswith(f"{path}/"):
                yield file.mistake(
                    (*at, "volumes", name, "mount"),
                    f"{volume.mount} is below {path}, which is a file; choose another path",
                )


def _volumes(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    most = app.autoscale.max if app.autoscale else app.replicas
    for name, volume in app.volumes.items():
        if volume.medium is not None and volume.size is not None:
            limit = app_compute(app.requests, app.limits).memory_limit_mib
            if mebibytes(volume.size) > limit:
                what = f"{volume.size} is more than the {limit}Mi that the app may have, and it counts there"
                yield file.mistake((*at, "volumes", name, "size"), f"{what}; write less, or raise limits.memory")
        # A directory of a node is another one on each.
        everywhere = app.daemonSet and volume.hostPath is None
        if single(volume) and (most > 1 or everywhere):
            pods = "pods on all nodes" if everywhere else f"{most} replicas on two nodes"
            what = f"is {volume.accessMode}, so {pods} cannot share it"
            fix = "run one, or use scratch, or accessMode: ReadWriteMany where the storage has it (nfs does)"
            yield file.mistake((*at, "volumes", name), f"{what}; {fix}")


def _compute(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    for path, container in containers(app):
        asks = app_compute(container.requests, container.limits, STATIC if app.static is not None else DEFAULT_APP)
        where: KeyPath = (*at, *path, "limits")
        if asks.memory_limit_mib < asks.memory_mib:
            yield file.mistake(
                (*where, "memory"),
                f"{asks.memory_limit_mib}Mi is less than the {asks.memory_mib}Mi it requests; raise it",
            )
        if asks.cpu_limit_millis is not None and asks.cpu_limit_millis < asks.cpu_millis:
            yield file.mistake(
                (*where, "cpu"), f"{asks.cpu_limit_millis}m is less than the {asks.cpu_millis}m it requests; raise it"
            )


def _end(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    if app.preStop is not None and serves_on(app):
        what = "Kubernetes has one, and here it is the ten seconds in which nobody new is sent to the app"
        fix = "let the program finish when it gets SIGTERM; gracePeriod says how long that may take"
        yield file.mistake((*at, "preStop"), f"{what}; {fix}")


def _user(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    if app.user == 0 and file.model.podSecurity == "restricted":
        yield file.mistake(
            (*at, "user"),
            "0 is root, which podSecurity restricted refuses; choose another user, or write podSecurity: baseline",
        )
    for sysctl in app.sysctls:
        if app.hostNetwork and sysctl.startswith("net."):
            what = (
                "is the node's own on its network, and kubelets refuse it; set it on the node, or leave out hostNetwork"
            )
            yield file.mistake((*at, "sysctls", sysctl), what)
    for path, container in containers(app):
        if container.capabilities and app.user:
            # No program may gain any by its file: that is allowPrivilegeEscalation.
            what = f"count for user 0 alone, and this app runs as {app.user}; write user: 0, or leave them out"
            yield file.mistake((*at, *path, "capabilities"), what)
