"""The rules of programs that come with a password (`clients`): where one may be named, and what is a password.

A client's password has no second factor and nobody who notices that it is tried, so it has to be one that cannot be
guessed. Whether it is, only who has the values can say: `is_password` is asked by the program, and told by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from config import commands
from config.mistakes import KeyPath, Loaded, Mistake, nearest
from config.stack import Stack
from config.workspace import Workspace

File = Loaded[Workspace]

MIN_LENGTH, MAX_LENGTH = 32, 512
MIN_DIFFERENT = 8
"""32 random hexadecimal digits, which are 128 bits, have fewer different ones once in 28 million times."""

MAX_LISTED = 200
"""How often the routes of a workspace may list a client. Every time is a line in the one Secret of the controller that
all workspaces share, which holds a megabyte."""


def is_password(value: object) -> bool:
    """Whether a secret's value can be a client's password: long, visible ASCII, and no few characters over and over."""
    return (
        isinstance(value, str)
        and MIN_LENGTH <= len(value) <= MAX_LENGTH
        and all("!" <= character <= "~" for character in value)
        and len(set(value)) >= MIN_DIFFERENT
    )


def check(file: File) -> Iterator[Mistake]:
    """What is wrong with clients inside one file."""
    known = file.model.clients
    listed = sum(len(rule.clients) for app in file.model.apps.values() for rule in app.routes)
    if listed > MAX_LISTED:
        what = f"are listed {listed} times by routes, and {MAX_LISTED} is the most; list them at fewer, shorter paths"
        yield file.mistake(("clients",), what)
    owners: dict[str, str] = {}
    for name, ref in known.items():
        if (other := owners.setdefault(ref.secret, name)) != name:
            what = f"has the password of {other}, so that neither can be told or taken away alone; give it its own"
            yield file.mistake(("clients", name), what)
    for app_name, app in file.model.apps.items():
        for i, rule in enumerate(app.routes):
            at: KeyPath = ("apps", app_name, "routes", i, "clients")
            if rule.clients and (rule.public or file.model.auth == "none"):
                yield file.mistake(at, "means nothing on a route that lets everybody in; leave it out")
                continue
            for j, name in enumerate(rule.clients):
                if name not in known:
                    hint = nearest(name, known) or f"; add clients: {{ {name}: {{ secret: NAME }} }} beside apps"
                    yield file.mistake((*at, j), f"{name!r} is no client of this workspace{hint}")
                elif name in rule.clients[:j]:
                    yield file.mistake((*at, j), f"{name} is listed twice; keep one")


def check_stack(stack: Loaded[Stack], files: Sequence[File], unfit: Collection[str], name: str) -> Iterator[Mistake]:
    """What is wrong with clients in this stack.

    Args:
        stack: The stack.
        files: Its workspaces.
        unfit: Secrets whose values are no password, by name.
        name: The stack's name, for commands.
    """
    for file in files:
        for client, ref in file.model.clients.items():
            if stack.model.ingress.controller == "nginx":
                what = "needs warren:ingress.controller traefik: ingress-nginx has no way in beside sign-in that does"
                yield file.mistake(("clients", client), f"{what} not open the route's other walls too")
            elif ref.secret in unfit:
                command = commands.set_secret(ref.secret, name, sandbox=stack.model.sandbox)
                what = f"the value of {ref.secret!r} is no password for a client: at least {MIN_LENGTH} random "
                what += "characters of ASCII without spaces, such as openssl rand -hex 32 makes"
                yield file.mistake(("clients", client), f"{what}; run: {command}")


def unused(file: File) -> Iterator[Mistake]:
    """Clients that no route lets in, as warnings: taking one off its routes is how it is kept out for a while."""
    listed = {name for app in file.model.apps.values() for rule in app.routes for name in rule.clients}
    for name in file.model.clients:
        if name not in listed:
            yield file.mistake(("clients", name), f"comes in nowhere; list it at a route, as clients: [{name}]")
