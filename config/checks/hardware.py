"""What an app may have of the nodes: what its workspace's `podSecurity` and the stack's `trust` both say.

Whoever has the rights of a node's root gets past every wall. Device plugins hand out devices without that, and take the
stack's word alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from config.app import App
from config.checks.check_app import containers
from config.mistakes import KeyPath, Loaded, Mistake
from config.stack import Stack
from config.trust import Trust
from config.workspace import Workspace

_LEVELS = ("restricted", "baseline", "privileged")


class Ask(NamedTuple):
    """One thing that an app asks for."""

    at: KeyPath
    what: str
    level: str
    """The strictest podSecurity that lets it in."""
    key: str
    """Where the stack says it too."""
    value: str | None = None
    """Which one, where that is a list."""


def asks(app: App) -> Iterator[Ask]:
    """What an app wants of the nodes."""
    for path, container in containers(app):
        if container.privileged:
            yield Ask((*path, "privileged"), "being the node's root", "privileged", "privileged")
        for mount, device in container.devices.items():
            yield Ask((*path, "devices", mount), f"the node's {device}", "privileged", "devices", device)
    for resource in app.extendedResources:
        yield Ask(("extendedResources", resource), resource, "restricted", "extendedResources", resource)


def check(stack: Loaded[Stack], file: Loaded[Workspace]) -> Iterator[Mistake]:
    """What apps ask for that workspace and stack do not both give."""
    level = file.model.podSecurity
    for name, app in file.model.apps.items():
        key = f"{file.model.name}/{name}"
        trust = stack.model.trust.get(key, Trust())
        for ask in asks(app):
            missing = []
            if _LEVELS.index(level) < _LEVELS.index(ask.level):
                missing.append(f"podSecurity: {ask.level} here")
            if not _given(trust, ask):
                value = "true" if ask.value is None else f"[{ask.value}]"
                missing.append(f"in {stack.document.file} warren:trust: {{ {key}: {{ {ask.key}: {value} }} }}")
            if missing:
                what = f"{ask.what} is more than an app has by itself; leave it out, or write {' and '.join(missing)}"
                yield file.mistake(("apps", name, *ask.at), what)


def _given(trust: Trust, ask: Ask) -> bool:
    given = getattr(trust, ask.key)
    return bool(given) if ask.value is None else ask.value in given
