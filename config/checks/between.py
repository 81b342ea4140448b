"""Between workspaces: a port that one offers and another one's app uses. Both files say so, or neither.

Each side's owner opens their own wall only. One side alone opens nothing, and is a mistake that says what the other
file lacks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from config.app import App
from config.mistakes import KeyPath, Loaded, Mistake, nearest
from config.ports import Use
from config.routes import app_ports, key_of, main_port, ports_of, sibling_ports
from config.stack import Stack
from config.workspace import Workspace

File = Loaded[Workspace]
Files = Mapping[str, File]

_STATIC = "a static folder, which everybody gets by its routes or by a file of their own; take this out"

_HOST_NETWORK = "hostNetwork has its node's address, by which no wall knows it; take this out"


def check(stack: Stack, files: Sequence[File]) -> Iterator[Mistake]:
    """What only one of two files says. A file with mistakes of its own is nobody's other side yet."""
    right = {file.model.name: file for file in files}
    for file in files:
        for name, app in file.model.apps.items():
            yield from _uses(stack, right, file, name, app)
            yield from _offers(stack, right, file, name, app)


def used_port(use: Use, app: App) -> str | None:
    """The name of the port that is used; None where the app has none of that name."""
    known = app_ports(app)
    port = use.port if use.port is not None else main_port(app) if known else ""
    return port if port in known else None


def _uses(stack: Stack, files: Files, file: File, name: str, app: App) -> Iterator[Mistake]:
    seen: set[tuple[str, str]] = set()
    for i, use in enumerate(app.uses):
        at: KeyPath = ("apps", name, "uses", i)
        owner, _, other = use.app.partition("/")
        if app.static is not None:
            yield file.mistake(at, "a static folder connects to nothing; take it out")
        elif app.hostNetwork:
            yield file.mistake(at, f"an app with {_HOST_NETWORK}")
        elif owner == file.model.name:
            yield file.mistake(at, f"{other} is of this workspace, whose apps reach each other; take it out")
        elif owner not in stack.workspaces:
            near = nearest(owner, stack.workspaces) or "; take it out"
            yield file.mistake(at, f"this stack runs no workspace {owner!r}{near}")
        elif owner in files:
            if why := _not_offered(files[owner], other, use, file.model.name):
                yield file.mistake(at, why)
            elif (key := (use.app, str(used_port(use, files[owner].model.apps[other])))) in seen:
                yield file.mistake(at, f"{use.app} is used twice; keep one")
            else:
                seen.add(key)


def _not_offered(owner: File, name: str, use: Use, user: str) -> str | None:
    app = owner.model.apps.get(name)
    if app is None:
        known = sorted(owner.model.apps)
        return f"{owner.model.name} has no app {name!r}{nearest(name, known) or f'; it has {_list(known)}'}"
    if app.static is not None:
        return f"{use.app} is {_STATIC}"
    if app.hostNetwork:
        return f"{use.app} has {_HOST_NETWORK}"
    port = used_port(use, app)
    if port is None:
        return f"{use.app} has no port {use.port or 'at all'}; it has {_list(sorted(app_ports(app)))}"
    written = ports_of(app)[port]
    if user in written.offeredTo:
        return None
    at: KeyPath = ("apps", name, *key_of(app, port))
    said = written.model_dump(exclude_defaults=True) | ({} if port in sibling_ports(app) else {"siblings": True})
    said["offeredTo"] = [*written.offeredTo, user]
    line = json.dumps(said).replace('"', "").replace("{", "{ ").replace("}", " }")
    where = f"{owner.document.file}:{owner.document.line(at)}"
    return f"{use.app} does not offer that port to {user}; write in {where}: {at[-1]}: {line}, or take this out"


def _offers(stack: Stack, files: Files, file: File, name: str, app: App) -> Iterator[Mistake]:
    for port, written in ports_of(app).items():
        at: KeyPath = ("apps", name, *key_of(app, port))
        if written.offeredTo and app.static is not None:
            yield file.mistake((*at, "offeredTo"), f"is {_STATIC}")
            return
        if written.offeredTo and app.hostNetwork:
            yield file.mistake((*at, "offeredTo"), f"an app with {_HOST_NETWORK}")
            return
        if written.offeredTo and port not in sibling_ports(app):
            what = (
                "a route leads to this port, and apps of other workspaces would come without anybody having signed in"
            )
            fix = "write siblings: true beside it if the app believes no identity header, or offer another port"
            yield file.mistake((*at, "offeredTo"), f"{what}; {fix}")
        for i, user in enumerate(written.offeredTo):
            if why := _not_used(stack, files, file, f"{file.model.name}/{name}", port, user):
                yield file.mistake((*at, "offeredTo", i), why)
            elif user in written.offeredTo[:i]:
                yield file.mistake((*at, "offeredTo", i), f"{user} is listed twice; keep one")


def _not_used(stack: Stack, files: Files, file: File, app: str, port: str, user: str) -> str | None:
    owner, _, name = app.partition("/")
    if user == owner:
        return "is this workspace; siblings: true opens a port with a route to its apps, and others are open to them"
    if user not in stack.workspaces:
        near = nearest(user, stack.workspaces) or "; take it off the list"
        return f"this stack runs no workspace {user!r}{near}"
    if user not in files:
        return None
    offered = file.model.apps[name]
    uses = [use for each in files[user].model.apps.values() for use in each.uses if use.app == app]
    if port in [used_port(use, offered) for use in uses]:
        return None
    use = app if port == main_port(offered) else f"{{ app: {app}, port: {port} }}"
    where = f"{files[user].document.file}:{files[user].document.line(('apps',))}"
    return f"no app of {user} uses it; write at one in {where}: uses: [{use}], or take {user} off the list"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
