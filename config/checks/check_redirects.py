"""The rule of redirects: none leads back to itself, at once or over others of its workspace."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from config.checks.check_routes import below
from config.mistakes import KeyPath, Loaded, Mistake
from config.route_rule import RouteRule
from config.routes import host_of
from config.stack import Stack
from config.workspace import Workspace

Rows = dict[tuple[str, str], RouteRule]


def check(stack: Stack, file: Loaded[Workspace]) -> Iterator[Mistake]:
    """One mistake for each redirect that never ends."""
    places: dict[tuple[str, str], KeyPath] = {}
    rows: Rows = {}
    for name, app in file.model.apps.items():
        for i, rule in enumerate(app.routes):
            row = (host_of(stack, file.model, app, rule), rule.path)
            rows[row] = rule
            places[row] = ("apps", name, "routes", i, "redirect")
    for row, rule in rows.items():
        if rule.redirect is not None and row in _chain(rows, row):
            what = f"{rule.redirect.to} leads back to {row[0]}{row[1]}, which leads there; choose another address"
            yield file.mistake(places[row], what)


def _chain(rows: Rows, row: tuple[str, str]) -> set[tuple[str, str]]:
    """The rows that somebody comes to from a redirect."""
    seen: set[tuple[str, str]] = set()
    (host, path), rule = row, rows[row]
    while rule.redirect is not None:
        parts = urlsplit(rule.redirect.to)
        host = (parts.hostname or host) if parts.port in (None, 443) else ""
        path = parts.path or (path if not parts.query else "/")
        on_the_way = [each for each in rows if each[0] == host and below(path, each[1])]
        if not on_the_way or (found := max(on_the_way, key=lambda each: len(each[1]))) in seen:
            break
        seen.add(found)
        rule = rows[found]
    return seen
