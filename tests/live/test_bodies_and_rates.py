"""Bodies that nobody stores, limits that nobody walks around, and passwords that stay with the controller."""

from __future__ import annotations

import base64
import contextlib
import http.client
import ipaddress
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from manifests.ingress.controller import CLIENT_BURST, CLIENT_RATE
from manifests.ingress.own_routers import UNMEASURED
from tests.live.conftest import Live
from tests.live.test_attacks import OPEN, TEAM
from tests.live.visitor import PORT, Header, Reply, Visitor, read_reply
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


# Rates.


def of_one_network(network: str, count: int) -> list[str]:
    """Addresses all over an IPv6 network."""
    subnet = ipaddress.IPv6Network(network)
    return [str(subnet[index * (subnet.num_addresses // count) + 7 * index]) for index in range(count)]


def test_rule_56_sixty_addresses_of_one_network_are_one_client_of_a_route(live: Live) -> None:
    answers = [
        live.visitor(address).get(OPEN, "/limited").status for address in of_one_network("2001:db8:1:1::/64", 60)
    ]
    assert set(answers) == {200, 429}
    assert answers.count(200) <= 5 * 5 + 20  # the burst, and what flows in meanwhile
    for other in ("2001:db8:1:2::1", "2001:db8:2:1::1", "203.0.113.140"):
        assert live.visitor(other).get(OPEN, "/limited").status == 200


def test_rule_56_and_one_client_of_the_platform(live: Live) -> None:
    """One connection, as cloudflared keeps them: more than the burst, from 60 addresses in turn."""
    addresses = of_one_network("2001:db8:1:3::/64", 60)
    connection = http.client.HTTPConnection(live.visitor().address, PORT, timeout=20)
    began = time.monotonic()
    answers: list[int] = []
    while len(answers) < CLIENT_BURST + 60 or (429 not in answers and len(answers) < 20 * CLIENT_BURST):
        address = addresses[len(answers) % 60]
        forwarded = {"CF-Connecting-IP": address, "X-Forwarded-For": address, "X-Forwarded-Proto": "https"}
        connection.request("HEAD", "/about", headers={"Host": OPEN, **forwarded})
        response = connection.getresponse()
        response.read()
        answers.append(response.status)
    connection.close()
    assert set(answers) == {200, 429}
    assert answers.count(200) <= CLIENT_BURST + CLIENT_RATE * (time.monotonic() - began) + 20
    assert live.visitor("2001:db8:1:4::1").get(OPEN, "/about").status == 200


@pytest.mark.parametrize(
    "name",
    [
        "CF-Connecting-IPv6",
        "CF-Connecting-O2O",
        "CF-Pseudo-IPv4",
        "True-Client-IP",
        "X-Real-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "Forwarded",
        "X-Forwarded-For",
        "CF-Connecting-IP",
    ],
)
def test_rule_56_no_header_makes_one_client_many(live: Live, name: str) -> None:
    """What a visitor writes stands before what Cloudflare appends, or is not read at all."""
    # Of a network of its own for each header, so that no test has used up another one's burst.
    client = f"2001:db8:2:{0x100 + sum(name.encode())}::1"
    who = live.visitor(client)
    answers: list[int] = []
    for number in range(60):
        forged = f"2001:db8:3:{number}::1"
        mine: list[Header] = [(name, f"for={forged}" if name == "Forwarded" else forged)]
        lines = [("Host", OPEN), *mine, ("CF-Connecting-IP", client), ("X-Forwarded-Proto", "https")]
        lines.append(("X-Forwarded-For", f"{forged}, {client}" if name == "X-Forwarded-For" else client))
        answers.append(who.exactly("GET /limited HTTP/1.1", lines).status)
    assert set(answers) == {200, 429}
    assert answers.count(200) <= 5 * 5 + 20


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
