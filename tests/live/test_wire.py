"""Attempts with bytes: requests that two programs could read differently, or that no browser would write.

The answer may be a refusal or an honest one. What must never be: an app behind sign-in that answers somebody unknown,
an app that is told an identity by a client, and a second request that nobody sent.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import struct
from collections.abc import Iterator

import pytest

from manifests.ingress.controller import IDENTITY_HEADERS
from tests.live.conftest import Live
from tests.live.test_attacks import CLUB, MARK, OPEN, TEAM, is_shut, told_nothing_false
from tests.live.visitor import Header, Visitor
from tests.live.websocket import HANDSHAKE

HIDDEN = f"GET /api/hidden HTTP/1.1\r\nHost: {TEAM}\r\nX-Auth-Request-Email: {MARK}\r\n\r\n"
"""A request that must not be answered as if somebody had been let in."""


def raw(live: Live, data: bytes, seconds: float = 1.5) -> bytes:
    """Send bytes, and return everything that comes back until nothing comes any more."""
    answer = b""
    with live.visitor().connect() as connection:
        connection.settimeout(seconds)
        with contextlib.suppress(TimeoutError, ConnectionError):
            connection.sendall(data)
            while part := connection.recv(65536):
                answer += part
    return answer


def bodies(answer: bytes) -> Iterator[dict[str, object]]:
    """What apps said in an answer: the requests as they got them."""
    for start in range(len(answer)):
        if answer[start : start + 1] == b"{":
            with contextlib.suppress(ValueError):
                found, _ = json.JSONDecoder().raw_decode(answer[start:].decode("latin-1"))
                if isinstance(found, dict) and "uri" in found:
                    yield found


def nobody_came_in(answer: bytes) -> None:
    for seen in bodies(answer):
        assert str(seen["uri"]).partition("?")[0].startswith(("/shared", "/about")), seen["uri"]
        headers = seen["headers"]
        assert isinstance(headers, dict)
        assert not {name.lower() for name in headers} & {name.lower() for name in IDENTITY_HEADERS}


@pytest.mark.parametrize(
    "lines",
    [
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding:\tchunked",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding: chunked\x00",
        "Transfer-Encoding: Chunked",
        'Transfer-Encoding: "chunked"',
        "Transfer-Encoding\n : chunked",
        "transfer_encoding: chunked\r\nContent-Length: 5",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: 5 ",
        "Content-Length: 05",
        "Content-Length: 99999999999999999999",
        "Content-Length:",
        "Expect: 100-continue\r\nContent-Length: 5",
        "Expect: 200-ok\r\nContent-Length: 5",
        "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
        "Connection: Content-Length\r\nContent-Length: 5",
        "Connection: close, Host\r\nContent-Length: 5",
        "Upgrade-Insecure-Requests: 1\r\nContent-Length: 5",
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_what_follows_a_body_is_no_request_of_somebody_else(live: Live, lines: str, method: str) -> None:
    for path in ("/shared", "/api"):
        for body in (f"0\r\n\r\n{HIDDEN}", f"5\r\nx=1&y\r\n0\r\n\r\n{HIDDEN}", HIDDEN):
            nobody_came_in(
                raw(live, f"{method} {path} HTTP/1.1\r\nHost: {TEAM}\r\n{lines}\r\n\r\n{body}".encode("latin-1"), 0.3)
            )


@pytest.mark.parametrize(
    "chunks",
    [
        f"5;x=\r\nhello\r\n0\r\n\r\n{HIDDEN}",
        f'5;a="\r\n"\r\nhello\r\n0\r\n\r\n{HIDDEN}',
        f"5\nhello\n0\n\n{HIDDEN}",
        f"5\r\nhelloX\r\n0\r\n\r\n{HIDDEN}",
        f"0x5\r\nhello\r\n0\r\n\r\n{HIDDEN}",
        f"-1\r\nhello\r\n0\r\n\r\n{HIDDEN}",
        f"fffffffffffffffff\r\nhello\r\n0\r\n\r\n{HIDDEN}",
        f"5 \r\nhello\r\n0\r\n\r\n{HIDDEN}",
        f"00000000000000005\r\nhello\r\n0\r\n\r\n{HIDDEN}",
        f"5\r\nhello\r\n0\r\nX-Auth-Request-Email: {MARK}\r\n\r\n{HIDDEN}",
        f"5\r\nhello\r\n0\r\nContent-Length: 0\r\nHost: {OPEN}\r\n\r\n{HIDDEN}",
        f"5\r\nhello\r\n0\r\n{HIDDEN}",
    ],
)
def test_chunks_that_are_written_wrong_hide_nothing(live: Live, chunks: str) -> None:
    head = f"POST /shared HTTP/1.1\r\nHost: {TEAM}\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = raw(live, (head + chunks).encode())
    nobody_came_in(answer)
    assert MARK.encode() not in answer


@pytest.mark.parametrize("version", ["777", "8", ""])
def test_a_websocket_that_an_app_refuses_is_no_tunnel(live: Live, version: str) -> None:
    """A proxy that takes the question for the answer passes on what follows, unasked."""
    key = [("Sec-WebSocket-Version", version), HANDSHAKE[1]]
    lines = "".join(
        f"{name}: {value}\r\n" for name, value in [("Connection", "Upgrade"), ("Upgrade", "websocket"), *key]
    )
    answer = raw(live, f"GET /shared HTTP/1.1\r\nHost: {TEAM}\r\n{lines}\r\n{HIDDEN}".encode())
    assert b" 101 " not in answer.partition(b"\r\n")[0]
    nobody_came_in(answer)


def test_requests_in_one_packet_are_each_asked(live: Live) -> None:
    one = f"GET /shared/{{}} HTTP/1.1\r\nHost: {TEAM}\r\n\r\n"
    member = f"Cookie: {live.signed_in(TEAM).cookie(TEAM)[0][1]}\r\n"
    signed = f"GET /api/mine HTTP/1.1\r\nHost: {TEAM}\r\n{member}\r\n"
    answer = raw(live, (one.format(1) + signed + HIDDEN + one.format(2)).encode())
    assert [seen["uri"] for seen in bodies(answer)] == ["/shared/1", "/api/mine", "/shared/2"]
    assert answer.count(b"HTTP/1.1 401") == 1
    assert MARK.encode() not in answer


LINES = [
    "GET /api HTTP/1.0",
    "GET /api HTTP/0.9",
    "GET /api HTTP/1.2",
    "GET /api HTTP/2.0",
    "GET /api HTTP/3",
    "GET /api http/1.1",
    "GET /api",
    "GET  /api  HTTP/1.1",
    "GET\t/api\tHTTP/1.1",
    " GET /api HTTP/1.1",
    "GET /api HTTP/1.1 ",
    "GET /api HTTP/1.1 HTTP/1.1",
    "\r\nGET /api HTTP/1.1",
    "GET api HTTP/1.1",
    "GET ?/api HTTP/1.1",
    "GET /shared?/../api#/api HTTP/1.1",
    f"GET http://{OPEN}:80@{TEAM}/api HTTP/1.1",
    f"GET http://user:pass@{TEAM}/api HTTP/1.1",
    f"GET ftp://{TEAM}/api HTTP/1.1",
    f"GET //{TEAM}/api HTTP/1.1",
    f"GET http:///{TEAM}/api HTTP/1.1",
    f"GET http:{TEAM}/api HTTP/1.1",
    "GET http://team.oauth2-proxy.svc.cluster.local/oauth2/auth HTTP/1.1",
    "GET http://127.0.0.1:8080/ping HTTP/1.1",
    f"CONNECT {TEAM}:8000 HTTP/1.1",
    "CONNECT 10.42.0.1:6443 HTTP/1.1",
    "CONNECT /api HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "TRACE /api HTTP/1.1",
    "TRACK /api HTTP/1.1",
    "DEBUG /api HTTP/1.1",
    "PURGE /api HTTP/1.1",
    "GET" * 3000 + " /api HTTP/1.1",
    "GET /api" + "/../api" * 5000 + " HTTP/1.1",
    "GET /shared" + "/.." * 5000 + "/api HTTP/1.1",
    "GET /shared" + "/x" * 20000 + "/.." * 20000 + "/../api HTTP/1.1",
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:60].strip())
def test_a_request_line_that_no_browser_writes_opens_nothing(live: Live, line: str) -> None:
    who = live.visitor()
    try:
        reply = who.exactly(line, [("Host", TEAM), *who.added()])
    except (http.client.HTTPException, OSError):
        return  # The connection is closed without an answer.
    if reply.app is not None:
        # Only what is below the open row for every reading.
        assert line.startswith("GET /shared?"), reply
        return
    # `OPTIONS *` is about the server itself, which says nothing.
    nothing = line.startswith("OPTIONS *") and reply.body == b""
    assert is_shut(reply) or nothing or reply.status in (301, 308, 414, 500, 501, 502, 505), reply


HOST_LINES = [
    f"{TEAM}\x00.evil.example",
    f"{TEAM}/..",
    f"{TEAM}/shared",
    f"{TEAM}?x",
    f"{TEAM}#x",
    f"{TEAM}\\",
    "team\u3002example.com".encode().decode("latin-1"),
    "team%2eexample%2ecom",
    "\uff54eam.example.com".encode().decode("latin-1"),
    "[::1]",
    f"[{TEAM}]",
    f"{TEAM}:",
    f"{TEAM}:99999",
    f"{TEAM}:-1",
    f"{TEAM}:443:443",
    f"user@{TEAM}",
    f"{TEAM}..",
    f".{TEAM}",
    f"\t{TEAM}",
    "*",
    "*.example.com",
    "xn--team-.example.com",
    f"{TEAM};{OPEN}",
    "t" * 300 + ".example.com",
]


@pytest.mark.parametrize("host", HOST_LINES, ids=lambda host: host[:40])
def test_a_host_that_is_written_oddly_opens_nothing(live: Live, host: str) -> None:
    who = live.visitor()
    cookie = live.signed_in(CLUB).cookie(CLUB)
    for path in ("/api", "/"):
        reply = who.exactly(f"GET {path} HTTP/1.1", [("Host", host), *who.added(), *cookie])
        assert is_shut(reply), reply
        if reply.location:
            assert str(reply.location).startswith(f"https://{TEAM}/")


@pytest.mark.parametrize(
    "headers",
    [
        [("Connection", "X-Auth-Request-Email, X-Auth-Request-User, X-Auth-Request-Groups")],
        [("Connection", "keep-alive, x-auth-request-email")],
        [("Connection", "close"), ("Connection", "X-Auth-Request-Email")],
        [("Connection", "Upgrade, X-Auth-Request-Email")],
        [("Proxy-Connection", "X-Auth-Request-Email")],
        [("Keep-Alive", "X-Auth-Request-Email")],
        [("TE", "trailers, X-Auth-Request-Email"), ("Connection", "TE")],
        [("Trailer", "X-Auth-Request-Email")],
        [("Connection", "X-Forwarded-Host, X-Forwarded-Proto, X-Forwarded-For, Cookie2, Host")],
        [("Connection", "X-Warren-Workspace, CF-Connecting-IP")],
    ],
    ids=str,
)
def test_hop_by_hop_headers_cannot_take_the_true_identity_away(live: Live, headers: list[Header]) -> None:
    who = live.signed_in(TEAM)
    lines = [("Host", TEAM), *who.added(), *who.cookie(TEAM), *headers]
    reply = who.exactly("GET /api HTTP/1.1", lines)
    told_nothing_false(reply, "signed in")
    if reply.app is not None:
        assert reply.seen_header("X-Auth-Request-Email") == ["ann@example.com"]
        assert reply.seen["host"] == TEAM


def test_who_takes_his_own_address_away_is_still_counted(live: Live) -> None:
    """Connection names Cloudflare's header, so nothing is left to count by: all of those count as one client."""
    who = live.visitor()
    lines = [("Host", OPEN), *who.added(), ("Connection", "CF-Connecting-IP")]
    answers = [who.exactly("GET /limited HTTP/1.1", lines).status for _ in range(60)]
    assert set(answers) == {200, 429}
    assert live.visitor("203.0.113.105").get(OPEN, "/limited").status == 200


@pytest.mark.parametrize("number", [200, 2000])
def test_many_headers_and_cookies_open_nothing(live: Live, number: int) -> None:
    who = live.visitor()
    many: list[Header] = [(f"X-Number-{i}", "x") for i in range(number)]
    cookies: list[Header] = [("Cookie", "; ".join(f"__Host-team{i}=x" for i in range(number)))]
    addresses: list[Header] = [("X-Forwarded-For", "198.51.100.77") for _ in range(number)]
    for headers in (many, cookies, addresses, [*many, ("X-Auth-Request-Email", MARK)]):
        reply = who.exactly("GET /api HTTP/1.1", [("Host", TEAM), *who.added(), *headers])
        assert is_shut(reply), reply
        told_nothing_false(who.exactly("GET /shared HTTP/1.1", [("Host", TEAM), *who.added(), *headers]), "signed out")


@pytest.mark.parametrize(
    "breaks",
    ["%0d%0aSet-Cookie:%20a=b", "%0aSet-Cookie:%20a=b", "%c4%8d%c4%8aSet-Cookie:%20a=b", "%0d%0a%0d%0a<script>"],
)
def test_no_answer_can_be_split_into_two(live: Live, breaks: str) -> None:
    for path in (f"/deep?x={breaks}", f"/oauth2/start?rd=https://{TEAM}/{breaks}", f"/oauth2/sign_out?rd=/{breaks}"):
        reply = live.visitor().get(TEAM, path)
        assert not [value for value in reply.all("Set-Cookie") if value.startswith("a=b")]
        assert "\n" not in str(reply.location)
        assert b"<script>" not in reply.body
    reply = live.visitor().sign_in_from(f"https://{TEAM}/oauth2/start?rd=https://{TEAM}/{breaks}", "ann")
    assert not [value for value in reply.all("Set-Cookie") if value.startswith("a=b")]
    assert not set("\r\n") & set(str(reply.location))


# HTTP/2 with prior knowledge: what cloudflared speaks to nobody here, and what a pod could.


def http2(who: Visitor, *headers: Header, body: bytes = b"") -> bytes:
    """One request as HTTP/2 frames, names and values as they are written: the payloads of the answer's frames."""

    def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    def text(value: str) -> bytes:
        data = value.encode("latin-1")
        more = len(data) - 127
        return (bytes([len(data)]) if more < 0 else bytes([127, more & 127 | 128, more >> 7])) + data

    block = b"".join(b"\x00" + text(name) + text(value) for name, value in headers)
    with who.connect() as connection:
        connection.settimeout(2)
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b""))
        connection.sendall(frame(1, 0x4 | (0 if body else 0x1), 1, block) + (frame(0, 1, 1, body) if body else b""))
        answer, found, ended = b"", b"", False
        with contextlib.suppress(TimeoutError, ConnectionError):
            while not ended and (part := connection.recv(65536)):
                answer += part
                while len(answer) >= 9 and len(answer) >= 9 + (size := int.from_bytes(answer[:3])):
                    kind, flags, stream = answer[3], answer[4], int.from_bytes(answer[5:9])
                    found += answer[9 : 9 + size] if kind in (0, 1) else b""
                    ended = ended or (stream == 1 and bool(flags & 1) and kind in (0, 1)) or kind in (3, 7)
                    answer = answer[9 + size :]
    return found


def asked(path: str, *headers: Header, method: str = "GET", authority: str = TEAM) -> list[Header]:
    return [(":method", method), (":scheme", "http"), (":path", path), (":authority", authority), *headers]


def member(live: Live) -> Header:
    return ("cookie", live.signed_in(TEAM).cookie(TEAM)[0][1])


def test_over_http2_an_open_row_answers_and_a_protected_one_does_not(live: Live) -> None:
    [shared] = bodies(http2(live.visitor(), *asked("/shared/x")))
    assert shared["uri"] == "/shared/x"
    for path in ("/", "/api", "/metrics", "/internal/x", "/shared/../api"):
        assert list(bodies(http2(live.visitor(), *asked(path)))) == []
    [mine] = bodies(http2(live.visitor(), *asked("/api", member(live))))
    assert (mine["uri"], mine["host"]) == ("/api", TEAM)


@pytest.mark.parametrize(
    "headers",
    [
        asked("/shared", ("x-auth-request-email", MARK)),
        asked("/shared", ("X-Auth-Request-Email", MARK)),
        asked("/shared", ("x_auth_request_email", MARK)),
        asked("/shared", ("x-auth-request-email ", MARK)),
        asked("/shared", ("x-auth-request-email\r\nx", MARK)),
        asked("/shared", ("a", f"b\r\nX-Auth-Request-Email: {MARK}")),
        asked(f"/shared HTTP/1.1\r\nX-Auth-Request-Email: {MARK}\r\nX: "),
        asked("/shared", ("host", OPEN)),
        asked("/shared", ("transfer-encoding", "chunked")),
        asked("/shared", ("connection", "x-auth-request-email")),
        asked("/shared", ("upgrade", "websocket"), ("connection", "upgrade")),
        asked("/shared", (":authority", CLUB)),
        asked("/shared", (":path", "/api")),
        asked("/api", method="CONNECT"),
        asked("/api", (":protocol", "websocket"), method="CONNECT"),
        asked("/shared", authority=f"{TEAM}\r\nX-Auth-Request-Email: {MARK}"),
        asked("/api", authority=""),
        [(":method", "GET"), (":scheme", "http"), (":path", "/api"), ("host", TEAM)],
        [(":method", "GET"), (":scheme", f"http://{TEAM}/shared?"), (":path", "/api"), (":authority", TEAM)],
        asked("/shared%0a"),
        asked("/shared\n"),
        asked("*", method="OPTIONS"),
    ],
    ids=lambda headers: " ".join(f"{name}={value}" for name, value in headers[2:])[:70],
)
def test_over_http2_nothing_is_let_in_that_http1_keeps_out(live: Live, headers: list[Header]) -> None:
    answer = http2(live.visitor(), *headers)
    nobody_came_in(answer)
    for seen in bodies(answer):
        assert MARK not in str(seen["headers"]), seen
        assert seen["host"] in (TEAM, OPEN)


def test_over_http2_a_page_of_another_host_writes_nothing_either(live: Live) -> None:
    for headers, answers in (([], 1), ([("sec-fetch-site", "same-site")], 0), ([("origin", f"https://{CLUB}")], 0)):
        answer = http2(live.visitor(), *asked("/api", member(live), *headers, method="POST"), body=b"x")
        assert len(list(bodies(answer))) == answers
