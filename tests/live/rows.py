"""The route table that the live tests go through: every row of the stack with everything switched on."""

from __future__ import annotations

import pytest

from config.routes import Route
from tests.live.conftest import STACK
from tests.real import stacks

PLATFORM = stacks.described(STACK)
ROUTES = PLATFORM.routes
OPEN = [row for row in ROUTES if row.auth == "none" and row.rule.redirect is None]
PROTECTED = [row for row in ROUTES if row.auth != "none"]
HOSTS = sorted({row.host for row in PROTECTED})
"""Every host that somebody signs in at."""

PAGE, PROGRAM, SHARED = "https://team.example.com/", "https://team.example.com/api", "https://team.example.com/shared"
"""One row of each kind in one workspace, where a test needs no more."""


def row(url: str) -> Route:
    """The row with a URL."""
    [found] = [each for each in ROUTES if each.url == url]
    return found


def each(rows: list[Route]) -> pytest.MarkDecorator:
    """Run a test for each of some rows."""
    return pytest.mark.parametrize("row", rows, ids=[row.url.removeprefix("https://") for row in rows])


def every_host() -> pytest.MarkDecorator:
    """Run a test for each host that somebody signs in at."""
    return pytest.mark.parametrize("host", HOSTS)


def path_below(path: str, rest: str) -> str:
    """A path below a route's."""
    return f"{path.rstrip('/')}/{rest}"


def app_of(route: Route) -> str:
    """The app behind a row, as echo calls itself."""
    return f"{route.workspace}/{route.app}"
