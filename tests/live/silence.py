"""Connections on which nothing is said for longer than a minute, which is Traefik's own default (security rule 66).

Owns: what is tried, and trying all of it at once, in threads that wait while other tests run.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from tests.live.visitor import Visitor
from tests.live.websocket import connect

TEAM, CLUB, TOOL, OPEN = "team.example.com", "club.example.com", "tool.team.example.com", "example.com"
SILENCE = 65
"""Seconds: more than Traefik's default for both directions."""


def event_stream(who: Visitor, host: str, path: str) -> None:
    """Two events with silence between; the first one arrives at once, so nothing on the way collects an answer."""
    lines = [f"{name}: {value}" for name, value in (("Host", host), *who.added(), *who.cookie(host))]
    request = "\r\n".join([f"GET {path}?pause={SILENCE}s HTTP/1.1", *lines, "Connection: close"])
    with who.connect() as connection:
        connection.settimeout(SILENCE + 30)
        began, got = time.monotonic(), b""
        connection.sendall(f"{request}\r\n\r\n".encode())
        while b"data: first" not in got:
            part = connection.recv(65536)
            assert part, got
            got += part
        assert time.monotonic() - began < SILENCE / 2
        while part := connection.recv(65536):
            got += part
        assert got.startswith(b"HTTP/1.1 200")
        assert b"data: last" in got, f"cut after {time.monotonic() - began:.0f} s: {got!r}"
        assert time.monotonic() - began >= SILENCE


def web_socket(who: Visitor, host: str, path: str) -> None:
    """An echo before the silence and one after it."""
    reply, opened = connect(who, host, path)
    assert opened is not None, reply
    with opened:
        assert isinstance(opened.first, dict)
        assert opened.say("before") == "before"
        time.sleep(SILENCE)
        assert opened.say("after") == "after"


def late_answer(who: Visitor, host: str, path: str) -> None:
    """Nothing at all for that long, and then an answer."""
    with who.connect() as connection:
        connection.settimeout(SILENCE + 30)
        lines = [f"{name}: {value}" for name, value in (("Host", host), *who.added(), *who.cookie(host))]
        request = "\r\n".join([f"GET {path}?sleep={SILENCE}s HTTP/1.1", *lines, "Connection: close"])
        connection.sendall(f"{request}\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def given_up(who: Visitor, host: str, path: str) -> None:
    """The other side of it: a route that says 2s gets 2s, also on a WebSocket."""
    reply, opened = connect(who, host, path)
    assert opened is not None, reply
    with opened:
        assert isinstance(opened.first, dict)
        began = time.monotonic()
        # A close, or a close message: whatever the controller says, it is over.
        with contextlib.suppress(ConnectionError, UnicodeDecodeError):
            opened.hear()
        assert 1 < time.monotonic() - began < 15


ROWS: list[tuple[Callable[[Visitor, str, str], None], str, str, bool]] = [
    (event_stream, CLUB, "/events", True),
    (event_stream, TEAM, "/", True),
    (event_stream, TEAM, "/api", True),
    (event_stream, TEAM, "/shared", False),
    (event_stream, OPEN, "/upload", False),
    (event_stream, TOOL, "/rpc", True),
    (web_socket, CLUB, "/events", True),
    (web_socket, TEAM, "/", True),
    (web_socket, TEAM, "/shared", False),
    (web_socket, OPEN, "/upload", False),
    (web_socket, OPEN, "/limited", False),
    (web_socket, TOOL, "/rpc", True),
    (late_answer, TEAM, "/", True),
    (late_answer, OPEN, "/limited", False),
    (given_up, OPEN, "/slow", False),
]
"""Pages and programs behind sign-in, open rows, rows with a limit on bodies or rates; with a timeout and without."""


class Silent:
    """All rows, waiting."""

    def __init__(self, visitor: Callable[[str | None], Visitor]) -> None:
        """`visitor` gives somebody who is signed in at a host, or a stranger for None."""
        # Before the threads, so that each host is signed in at once.
        people = [visitor(host if signed_in else None) for _, host, _, signed_in in ROWS]
        self._pool = ThreadPoolExecutor(len(ROWS))
        self._waiting: list[Future[None]] = [
            self._pool.submit(check, who, host, path) for who, (check, host, path, _) in zip(people, ROWS, strict=True)
        ]

    def said(self) -> list[str]:
        """What went wrong, when all have ended."""
        found = []
        for (check, host, path, _), each in zip(ROWS, self._waiting, strict=True):
            if (wrong := each.exception(SILENCE + 60)) is not None:
                found.append(f"{check.__name__} {host}{path}: {wrong!r}")
        return found

    def forget(self) -> None:
        """Wait for nobody."""
        self._pool.shutdown(wait=False, cancel_futures=True)
