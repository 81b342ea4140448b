"""Bodies that nobody stores, limits that nobody walks around, and passwords that stay with the controller."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spec.ingress.own_routers import UNMEASURED
from tests.live.conftest import Live
from tests.live.test_attacks import OPEN, TEAM
from tests.live.visitor import Header, Reply, Visitor, read_reply
from tests.real.programs import Process
from tests.real.stacks import PASSWORD

TOOL = "tool.team.example.com"
MIB = 2**20
BASIC = ("Authorization", f"Basic {base64.b64encode(f'ann:{PASSWORD}'.encode()).decode()}")


def traefiks(live: Live) -> list[Process]:
    return [pod.containers["traefik"] for pod in live.node.of("warren-ingress/ingress-controller")]


# Bodies.


def stored(process: Process) -> int:
    """Bytes in temporary files that a process has open for writing, with or without a name; its log is 1 and 2."""
    total = 0
    for entry in Path(f"/proc/{process.pid}/fd").iterdir():
        if int(entry.name) <= 2:
            continue
        # A descriptor may be closed while it is looked at.
        with contextlib.suppress(FileNotFoundError):
            flags = re.search(r"flags:\s+(\d+)", Path(f"/proc/{process.pid}/fdinfo/{entry.name}").read_text("utf-8"))
            place = str(entry.readlink())
            if flags and int(flags[1], 8) & os.O_ACCMODE and place.startswith("/tmp/"):
                total += entry.stat().st_size
    return total


@contextmanager
def watched(live: Live) -> Iterator[dict[str, int]]:
    """By how many bytes Traefik grew at most while the block ran, in files and in memory."""
    most, done, processes = {"files": 0, "memory": 0}, threading.Event(), traefiks(live)
    before = [(stored(process), process.memory()) for process in processes]

    def look() -> None:
        for process, (files, memory) in zip(processes, before, strict=True):
            most["files"] = max(most["files"], stored(process) - files)
            most["memory"] = max(most["memory"], process.memory() - memory)

    def keep_looking() -> None:
        while not done.wait(0.005):
            look()

    thread = threading.Thread(target=keep_looking)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()
        look()


def post(who: Visitor, host: str, path: str, size: int, *, chunked: bool, method: str = "POST") -> Reply:
    """A body in pieces of a mebibyte, which ends early where the answer is there."""
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    lines = [f"{name}: {value}" for name, value in (("Host", host), *who.added(), *who.cookie(host))]
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, length, "Connection: close"])
    with who.connect() as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(f"{head}\r\n\r\n".encode())
            for start in range(0, size, MIB):
                piece = b"x" * min(MIB, size - start)
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            if chunked:
                connection.sendall(b"0\r\n\r\n")
        return read_reply(connection, method)


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "without one"])
def test_rule_52_a_stranger_gets_nothing_stored(live: Live, chunked: bool) -> None:
    """64 MB to a route that takes as much, signed out."""
    with watched(live) as most:
        for _ in range(3):
            with contextlib.suppress(ConnectionResetError, http.client.RemoteDisconnected):
                reply = post(live.visitor(), TOOL, "/rpc", 64 * MIB, chunked=chunked)
                assert (reply.status, reply.app) == (401, None)
    assert most["files"] == 0
    assert most["memory"] < 32 * MIB
    assert live.signed_in(TOOL).get(TOOL, "/rpc").app == "team/tool"


def test_rule_52_nor_does_who_is_signed_in(live: Live) -> None:
    with watched(live) as most:
        reply = post(live.signed_in(TOOL), TOOL, "/rpc", 64 * MIB, chunked=False)
        assert (reply.app, reply.seen["bodyBytes"]) == ("team/tool", 64 * MIB)
        with contextlib.suppress(ConnectionResetError):
            assert post(live.signed_in(TOOL), TOOL, "/rpc", 64 * MIB + 1, chunked=False).status == 413
    assert most["files"] == 0
    assert most["memory"] < 32 * MIB


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE", "OPTIONS"])
def test_a_body_without_a_length_is_taken_up_to_a_bound_whatever_the_method(live: Live, method: str) -> None:
    for size, status in ((UNMEASURED - 1, 200), (UNMEASURED + 1, 413), (MIB, 413)):
        with watched(live) as most:
            reply = post(live.visitor(), OPEN, "/upload", size, chunked=True, method=method)
        assert reply.status == status
        if status == 200:
            assert reply.seen["bodyBytes"] == size
        # What was read too far, until it is tidied up: never the body.
        assert most["files"] <= 64 * 1024


def test_a_limit_of_a_body_is_exact(live: Live) -> None:
    for size, status in ((MIB - 1, 200), (MIB, 200), (MIB + 1, 413), (64 * MIB, 413)):
        with contextlib.suppress(ConnectionResetError, http.client.RemoteDisconnected):
            assert post(live.visitor(), OPEN, "/upload", size, chunked=False).status == status


@pytest.mark.parametrize(
    "length", ["+5", "-5", "0x5", "5, 5", "5\r\nContent-Length: 6", "1048577\r\nContent-Length: 5", "5 5", ""]
)
def test_a_length_that_two_programs_read_differently_reaches_no_app(live: Live, length: str) -> None:
    who = live.visitor()
    reply = who.exactly("POST /upload HTTP/1.1", [("Host", OPEN), *who.added(), ("Content-Length", length)])
    assert reply.status in (400, 413), reply
    assert reply.app is None


def test_the_host_that_lends_the_limit_serves_nobody(live: Live) -> None:
    reply = live.visitor().get("unmeasured-body.invalid", "/")
    assert (reply.status, reply.app) == (403, None)


# Passwords.


@pytest.mark.parametrize(("host", "path", "app"), [(OPEN, "/locked", "open/locked"), (TEAM, "/password", "team/hello")])
def test_rule_61_the_password_of_basic_auth_does_not_reach_the_app(live: Live, host: str, path: str, app: str) -> None:
    for who in (live.visitor(), live.signed_in(TEAM)):
        reply = who.get(host, path, BASIC)
        assert (reply.status, reply.app) == (200, app)
        assert reply.seen_header("Authorization") == []
        assert PASSWORD not in reply.body.decode()
        assert BASIC[1].removeprefix("Basic ") not in reply.body.decode()
    assert live.visitor().get(host, path).status == 401


def test_an_app_that_asks_for_passwords_itself_still_gets_them(live: Live) -> None:
    for host, path in ((OPEN, "/office"), (TEAM, "/shared")):
        reply = live.visitor("198.51.100.77").get(host, path, BASIC)
        assert reply.seen_header("Authorization") == [BASIC[1]]


# What the second routers rest on.


@pytest.mark.parametrize(
    ("host", "path", "headers"),
    [(OPEN, "/limited", []), (OPEN, "/upload", []), (OPEN, "/locked", [BASIC]), (TEAM, "/password", [BASIC])],
)
def test_a_route_with_such_options_is_served_by_its_second_router(
    live: Live, host: str, path: str, headers: list[Header]
) -> None:
    """Only then do the names that we compute stand for the middlewares and services that the provider made."""
    mark = f"second-router-{path.strip('/')}-{time.monotonic_ns()}"
    assert live.visitor().get(host, f"{path}/{mark}", *headers).status == 200
    deadline = time.monotonic() + 5
    lines: list[str] = []
    while not lines and time.monotonic() < deadline:
        lines = [line for process in traefiks(live) for line in process.said().splitlines() if mark in line]
        time.sleep(0.05)
    [line] = lines
    assert json.loads(line)["RouterName"].endswith("@file")
