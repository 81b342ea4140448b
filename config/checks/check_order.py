"""What the apps of a workspace wait for (`after`): each other, in no circle, and not for hours."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from config.app import LONGEST_RUN, App
from config.fields.quantities import seconds
from config.mistakes import KeyPath, Loaded, Mistake, nearest
from config.workspace import Workspace

File = Loaded[Workspace]


def check(file: File) -> Iterator[Mistake]:
    """Everything that is wrong in what apps wait for."""
    found = [*_names(file)]
    yield from found or _order(file)


def _names(file: File) -> Iterator[Mistake]:
    apps = file.model.apps
    for name, app in apps.items():
        for i, other in enumerate(app.after):
            at: KeyPath = ("apps", name, "after", i)
            if other not in apps:
                near = nearest(other, sorted(apps)) or f"; it has {', '.join(sorted(apps))}"
                yield file.mistake(at, f"there is no app {other!r} here{near}")
            elif other in app.after[:i]:
                yield file.mistake(at, f"{other} is listed twice; keep one")
            elif apps[other].schedule is not None:
                what = f"{other} runs on a schedule, so there is nothing to wait for"
                yield file.mistake(at, f"{what}; write once there, or leave it out")


def _order(file: File) -> Iterator[Mistake]:
    apps = file.model.apps
    try:
        order = [*TopologicalSorter({name: app.after for name, app in apps.items()}).static_order()]
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        what = f"each waits for the next and none begins: {circle}; take out what need not be there first"
        yield file.mistake(("apps", error.args[1][-1], "after"), what)
        return
    until: dict[str, int] = {}
    for name in order:
        before = max((until[other] for other in apps[name].after), default=0)
        until[name] = before + _begins(apps[name])
        # One app alone may take as long; whoever is in its way is told, and those behind it are not.
        if before and until[name] > LONGEST_RUN >= before:
            what = f"what it waits for and itself may take {until[name]}s, and everybody's `up` waits"
            yield file.mistake(("apps", name, "after"), f"{what}; take {LONGEST_RUN}s together or less")


def _begins(app: App) -> int:
    """How long the app may take until those that wait for it go on, but for its image to come."""
    if app.once is not None:
        return seconds(app.once)
    return seconds(app.health.start) if app.health is not None else 0
