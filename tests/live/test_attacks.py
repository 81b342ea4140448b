"""What people on the internet try. Each attempt must fail, and fail for everybody."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import re
import time
from collections.abc import Iterable
from urllib.parse import quote, unquote, urlsplit

import pytest

from config.routes import Route
from manifests.ingress.controller import FORBIDDEN_HEADERS, IDENTITY_HEADERS
from manifests.signin import oauth2_proxy
from scripts.project import WARREN
from tests.live.conftest import Live
from tests.live.network import STRANGER
from tests.live.rows import HOSTS, PAGE, PROGRAM, PROTECTED, SHARED, app_of, each, every_host, row
from tests.live.visitor import Header, Reply, Visitor
from tests.live.websocket import Message, connect

MARK = "admin@evil.example"
SECURITY = (WARREN / "docs" / "security.md").read_text(encoding="utf-8")
TEAM, CLUB, TOOL, OPEN = "team.example.com", "club.example.com", "tool.team.example.com", "example.com"
STATES = ("signed out", "signed in")


def visitor(live: Live, state: str, host: str = TEAM) -> Visitor:
    return live.signed_in(host) if state == "signed in" else live.visitor()


def is_shut(reply: Reply) -> bool:
    """Nobody came in: no app answered, and the answer is a refusal or the way to sign-in."""
    if reply.app is not None:
        return False
    if reply.status in (302, 307, 308):
        return "/oauth2/start" in str(reply.location)
    return reply.status in (400, 401, 403, 404, 405, 421, 431)


def spellings(name: str) -> Iterable[str]:
    """Every spelling that some server somewhere takes for the name (rule 25)."""
    yield from (name, name.lower(), name.upper())
    yield from (
        name.replace("-", "_"),
        name.replace("-", "."),
        name.replace("-", "_", 1),
        name.lower().replace("-", "_"),
    )


SPELLINGS = sorted({text for name in IDENTITY_HEADERS for text in spellings(name)})


def told_nothing_false(reply: Reply, state: str) -> None:
    """The app, if it answered, got the true identity or none; and never the mark."""
    if reply.app is None:
        assert is_shut(reply), reply
        return
    # In a value of another header, where a folded line ends up, it means nothing to anybody.
    names = {re.sub("[_.]", "-", name).lower() for name, values in reply.seen["headers"].items() if MARK in str(values)}
    assert names.isdisjoint(name.lower() for name in FORBIDDEN_HEADERS)
    assert MARK not in str(reply.seen["trailers"])
    for name in IDENTITY_HEADERS:
        assert all("ann" in value or "staff" in value for value in reply.seen_header(name))
        assert len(reply.seen_header(name)) <= 1
    assert state == "signed in" or reply.seen_header("X-Auth-Request-Email") == []


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("url", [PAGE, PROGRAM, SHARED])
def test_rules_24_and_25_an_identity_that_a_client_sends_never_reaches_an_app(
    live: Live, url: str, state: str, spelling: str
) -> None:
    route, plain = row(url), "_" not in spelling and "." not in spelling
    reply = visitor(live, state).get(route.host, route.path, (spelling, MARK))
    told_nothing_false(reply, state)
    if not plain:
        assert reply.status == 400
    elif url == SHARED or state == "signed in":
        assert reply.status == 200


@pytest.mark.parametrize("name", FORBIDDEN_HEADERS)
@pytest.mark.parametrize("url", [PAGE, SHARED])
def test_rule_24_no_header_of_the_list_reaches_an_app(live: Live, url: str, name: str) -> None:
    route = row(url)
    reply = live.signed_in(TEAM).get(route.host, route.path, (name, MARK))
    assert reply.status == 200
    assert MARK not in reply.body.decode()


@pytest.mark.parametrize("name", IDENTITY_HEADERS)
def test_a_header_sent_twice_or_in_two_spellings_is_no_way_around(live: Live, name: str) -> None:
    twice: list[Header] = [(name, MARK), (name.lower(), MARK)]
    for state in STATES:
        told_nothing_false(visitor(live, state).get(TEAM, "/", *twice), state)
    assert live.signed_in(TEAM).get(TEAM, "/", (name, ""), (name.upper(), MARK)).status in (200, 400)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("state", STATES)
def test_rule_25_an_identity_in_a_trailer_never_reaches_an_app(live: Live, state: str, spelling: str) -> None:
    for url in (PAGE, SHARED):
        route, who = row(url), visitor(live, state)
        lines = [("Host", route.host), *who.added(), *who.cookie(route.host), ("Trailer", spelling)]
        reply = who.exactly(f"POST {route.path} HTTP/1.1", lines, b"x=1", trailers=f"{spelling}: {MARK}\r\n")
        told_nothing_false(reply, state)


@pytest.mark.parametrize(
    "line",
    [
        f"X-Auth-Request-Email : {MARK}",
        f" X-Auth-Request-Email: {MARK}",
        f"X-Auth-Request-Email\x00: {MARK}",
        f"X-Auth-Request-Email\t: {MARK}",
        f"A: b\n X-Auth-Request-Email: {MARK}",
        f"A: b\nX-Auth-Request-Email: {MARK}",
        f"Connection: X-Auth-Request-Email\r\nX-Auth-Request-Email: {MARK}",
    ],
)
def test_a_header_that_is_written_wrong_never_reaches_an_app(live: Live, line: str) -> None:
    name, _, value = line.partition(":")
    for state in STATES:
        who = visitor(live, state)
        lines = [("Host", TEAM), *who.added(), *who.cookie(TEAM), (name, value.lstrip())]
        told_nothing_false(who.exactly("GET /shared HTTP/1.1", lines), state)


def test_the_word_connection_cannot_take_the_true_identity_away(live: Live) -> None:
    """A hop-by-hop header is dropped on the way; the identity must not be one."""
    reply = live.signed_in(TEAM).get(TEAM, "/", ("Connection", "X-Auth-Request-Email"))
    assert reply.status in (200, 400)
    if reply.status == 200:
        assert reply.seen_header("X-Auth-Request-Email") == ["ann@example.com"]


# One workspace's cookie at another.


def session(of: Visitor, host: str) -> tuple[str, str]:
    [(name, value)] = [(name, value) for name, value in of.jar[host].items() if "csrf" not in name]
    return name, value


@pytest.mark.parametrize(("mine", "theirs"), list(itertools.permutations(HOSTS, 2)))
def test_rule_06_a_cookie_opens_its_own_host_and_no_other(live: Live, mine: str, theirs: str) -> None:
    own, value = session(live.signed_in(mine), mine)
    name, _ = session(live.signed_in(theirs), theirs)
    assert own != name
    for cookie in (own, name):
        reply = live.visitor().get(theirs, "/", ("Cookie", f"{cookie}={value}"))
        assert is_shut(reply), reply


@every_host()
def test_rule_05_the_cookies_are_what_they_should_be(live: Live, host: str) -> None:
    who = live.visitor()
    start = who.get(host, f"/oauth2/start?rd=https://{host}/")
    callback = who.sign_in_from(f"https://{host}/oauth2/start?rd=https://{host}/", "ann")
    cookies = [*start.all("Set-Cookie"), *callback.all("Set-Cookie")]
    assert len(cookies) >= 2
    for cookie in cookies:
        name, *attributes = [part.strip() for part in cookie.split(";")]
        assert name.startswith("__Host-")
        assert {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"} <= set(attributes), cookie
        assert not any(each.lower().startswith("domain") for each in attributes)


@pytest.mark.parametrize("change", ["first", "middle", "last", "truncated", "empty", "doubled"])
def test_a_cookie_that_was_changed_opens_nothing(live: Live, change: str) -> None:
    name, value = session(live.signed_in(TEAM), TEAM)
    middle = len(value) // 2
    changed = {
        "first": ("B" if value[0] == "A" else "A") + value[1:],
        "middle": value[:middle] + ("B" if value[middle] == "A" else "A") + value[middle + 1 :],
        # The last character of base64 can hold bits that mean nothing.
        "last": value[:-6] + ("BBBBB=" if value[-6:] != "BBBBB=" else "AAAAA="),
        "truncated": value[:-8],
        "empty": "",
        "doubled": value + value,
    }[change]
    assert is_shut(live.visitor().get(TEAM, "/", ("Cookie", f"{name}={changed}")))
    assert live.visitor().get(TEAM, "/", ("Cookie", f"{name}={value}")).status == 200


def signed_at(live: Live, cookie: tuple[str, str], seconds_ago: float) -> str:
    """The same session, signed anew as of another time, with the proxy's own secret (its encryption.SignedValue)."""
    name, value = cookie
    text, _, _ = value.split("|")
    stored = live.node.api.get("v1", "Secret", "team", "oauth2-proxy")["data"][oauth2_proxy.COOKIE_SECRET_ENV]
    secret = base64.b64decode(stored).decode()
    then = str(int(time.time() - seconds_ago))
    # The text of the secret signs; what it decodes to encrypts.
    digest = hmac.new(secret.encode(), f"{name}{text}{then}".encode(), hashlib.sha256).digest()
    return f"{text}|{then}|{base64.urlsafe_b64encode(digest).decode()}"


def test_rule_10_an_expired_session_is_none(live: Live) -> None:
    """team's last 8 hours. The cookie is made old with the proxy's own key, and young again to prove the key."""
    cookie = session(live.signed_in(TEAM), TEAM)
    for hours, shut in ((0, False), (7.9, False), (8.1, True), (200, True)):
        value = signed_at(live, cookie, hours * 3600)
        reply = live.visitor().get(TEAM, "/", ("Cookie", f"{cookie[0]}={value}"))
        assert is_shut(reply) is shut, (hours, reply)
    assert is_shut(live.visitor().get(TEAM, "/api", ("Cookie", f"{cookie[0]}={signed_at(live, cookie, 9 * 3600)}")))


# Forwarding headers.


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Forwarded-Host", "evil.example")],
        [("X-Forwarded-Host", OPEN)],
        [("X-Forwarded-Uri", "/shared")],
        [("X-Forwarded-Uri", "/oauth2/start")],
        [("X-Original-URL", "https://team.example.com/shared")],
        [("X-Original-URI", "/shared")],
        [("X-Rewrite-Url", "/shared")],
        [("X-Forwarded-Method", "OPTIONS")],
        [("X-Original-Method", "OPTIONS")],
        [("X-Forwarded-Proto", "http")],
        [("X-Forwarded-Port", "80")],
        [("X-Forwarded-Prefix", "/shared")],
        [("Forwarded", "for=127.0.0.1;host=evil.example;proto=http")],
        [("X-Auth-Request-Redirect", "https://evil.example/")],
        [("X-Forwarded-For", "127.0.0.1"), ("X-Real-Ip", "127.0.0.1")],
        [("X-Forwarded-For", "10.42.0.1, 10.42.0.1")],
        [("Proxy", "http://evil.example:80")],
    ],
    ids=lambda headers: headers[0][0] + "=" + headers[0][1],
)
def test_forwarding_headers_open_nothing_and_lead_nobody_away(live: Live, headers: list[Header]) -> None:
    page = live.visitor().get(TEAM, "/", *headers)
    assert page.status == 302
    assert str(page.location).startswith(f"https://{TEAM}/oauth2/start?rd=https://{TEAM}")
    assert live.visitor().get(TEAM, "/api", *headers).status == 401
    start = live.visitor().get(TEAM, f"/oauth2/start?rd=https://{TEAM}/", *headers)
    assert start.status == 302
    assert str(start.location).startswith(f"https://{TEAM}/dex/auth?")
    assert "evil" not in str(start.location)
    assert unquote(str(start.location)).count(f"redirect_uri=https://{TEAM}/oauth2/callback") == 1


def test_rule_30_a_client_cannot_choose_its_address(live: Live) -> None:
    """Cloudflare appends the true one; what the client wrote stands before it."""
    who = live.visitor("192.0.2.50")
    lines = [("Host", OPEN), ("CF-Connecting-IP", "192.0.2.50"), ("X-Forwarded-Proto", "https")]
    for forged in ("198.51.100.77", "198.51.100.77, 198.51.100.77", "10.42.0.1"):
        reply = who.exactly("GET /office HTTP/1.1", [*lines, ("X-Forwarded-For", f"{forged}, 192.0.2.50")])
        assert (reply.status, reply.app) == (403, None)


def test_rule_30_who_does_not_come_from_the_pod_network_is_not_believed(live: Live) -> None:
    """The wall keeps such a peer out; should it ever not, its forwarding headers count for nothing."""
    stranger = live.visitor("198.51.100.77", source=STRANGER)
    assert live.visitor("198.51.100.77").get(OPEN, "/office").status == 200
    assert stranger.get(OPEN, "/office").status == 403
    seen = stranger.get(OPEN, "/about")
    assert seen.seen_header("X-Forwarded-Proto") == ["http"]
    assert "198.51.100.77" not in ",".join(seen.seen_header("X-Forwarded-For"))


# Paths and hosts that two programs read differently.

CONFUSING = [
    "/shared/../api/x",
    "/shared/./../api/x",
    "/shared//../api/x",
    "//api/x",
    "/./api/x",
    "/shared/%2e%2e/api/x",
    "/shared/%2E%2e/api/x",
    "/shared/.%2e/api/x",
    "/shared/..%2fapi/x",
    "/shared/..%2Fapi/x",
    "/shared%2f..%2fapi/x",
    "/shared/%2e%2e%2fapi/x",
    "/shared/..%5capi/x",
    "/shared\\..\\api\\x",
    "/shared/..\\api/x",
    "/shared/..\\..\\api/x",
    "/shared;/../api/x",
    "/shared/;/../api/x",
    "/SHARED/x",
    "/Shared/../api",
    "/shared%00/../api/x",
    "/shared/%00/x",
    "/shared/..%c0%afapi/x",
    "/%73hared/../api/x",
    "/shared/%2e/../api/x",
    "/shared?/../api/x",
    "/shared#/../api/x",
    "/shared/../../../../api/x",
    "/shared/x/%2e%2e/%2e%2e/api",
    "shared/../api/x",
    "/shared /../api",
    "https://team.example.com/shared/../api/x",
    "http://evil.example/shared",
    "*",
]
LEFT_TO_THE_APP = {
    "/shared/%252e%252e/api/x": "decodes twice",
    "/shared/..%252fapi/x": "decodes twice",
    "/shared/..;/api/x": "drops what follows a `;`",
}
"""Paths that are below the open row for every program but one that reads them in a way no standard has: it has to
refuse them itself (docs/security.md)."""
DENIED = [
    "/metrics",
    "//metrics",
    "/./metrics",
    "/x/../metrics",
    "/%6detrics",
    "/metrics/",
    "/metrics%2f",
    "/metrics/%2e",
    "/shared/../metrics",
    "/shared/..%2fmetrics",
    "/x/%2e%2e/metrics",
    "/internal/x",
    "//internal//x",
]


def readings(uri: str) -> set[str]:
    """The paths that an app could take a target for: decoded or not, dots resolved, `//` and `\\` taken for `/`."""
    path = urlsplit(uri).path if uri.startswith("http") else uri.partition("?")[0].partition("#")[0]
    found = set()
    for text in (path, unquote(path)):
        kept: list[str] = []
        for part in text.replace("\\", "/").split("/"):
            if part == "..":
                kept[-1:] = []
            elif part not in ("", "."):
                kept.append(part)
        found.add("/" + "/".join(kept))
    return found


def below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


@pytest.mark.parametrize("path", CONFUSING)
def test_no_path_leads_from_an_open_row_into_a_protected_one(live: Live, path: str) -> None:
    """If the app gets the request without sign-in, then each of its possible readings is below the open row."""
    who = live.visitor()
    reply = who.exactly(f"GET {path} HTTP/1.1", [("Host", TEAM), *who.added()])
    if reply.app is None:
        assert is_shut(reply) or reply.status in (301, 308), reply
        assert "evil" not in str(reply.location)
        return
    assert reply.app == app_of(row(SHARED))
    assert all(below(reading, "/shared") for reading in readings(reply.seen["uri"])), reply.seen["uri"]


@pytest.mark.parametrize("path", LEFT_TO_THE_APP)
def test_a_path_that_only_an_odd_app_misreads_is_passed_on_as_it_came(live: Live, path: str) -> None:
    reply = live.visitor().get(TEAM, path)
    assert (reply.app, reply.seen["uri"]) == (app_of(row(SHARED)), path)
    assert LEFT_TO_THE_APP[path] in SECURITY


@pytest.mark.parametrize("path", DENIED)
def test_no_path_leads_to_a_denied_one(live: Live, path: str) -> None:
    who = live.signed_in(TEAM)
    reply = who.exactly(f"GET {path} HTTP/1.1", [("Host", TEAM), *who.added(), *who.cookie(TEAM)])
    if reply.app is None:
        assert reply.status in (301, 308, 400, 403, 404), reply
        return
    reached = readings(reply.seen["uri"])
    assert not any(below(reading, denied) for reading in reached for denied in ("/metrics", "/internal")), reached


@pytest.mark.parametrize(
    "host",
    [
        f"{TEAM}.",
        TEAM.upper(),
        f"{TEAM}:443",
        f"{TEAM}:8000",
        f"{TEAM}.:443",
        f"{TEAM}, {OPEN}",
        f"{TEAM} ",
        f"{OPEN}:80@{TEAM}",
        f"x.{TEAM}",
        f"{TEAM}.evil.example",
    ],
)
def test_another_spelling_of_the_host_opens_nothing(live: Live, host: str) -> None:
    who = live.visitor()
    for path in ("/", "/api"):
        reply = who.exactly(f"GET {path} HTTP/1.1", [("Host", host), *who.added()])
        assert is_shut(reply), reply


@pytest.mark.parametrize(
    ("line", "hosts"),
    [
        ("GET / HTTP/1.1", [TEAM, OPEN]),
        ("GET / HTTP/1.1", [OPEN, TEAM]),
        ("GET / HTTP/1.1", []),
        ("GET / HTTP/1.1", [""]),
        (f"GET http://{TEAM}/ HTTP/1.1", [OPEN]),
        (f"GET https://{TEAM}/api HTTP/1.1", [OPEN]),
        ("GET / HTTP/1.0", []),
        (f"CONNECT {TEAM}:443 HTTP/1.1", [TEAM]),
    ],
)
def test_two_hosts_or_none_open_nothing(live: Live, line: str, hosts: list[str]) -> None:
    who = live.visitor()
    reply = who.exactly(line, [*(("Host", host) for host in hosts), *who.added()])
    assert is_shut(reply), reply


@pytest.mark.parametrize("host", ["nobody.example.com", "evil.example", "10.42.1.1", "localhost", "warren-ingress"])
def test_an_unknown_host_is_not_found(live: Live, host: str) -> None:
    for path in ("/", "/ping", "/loaded", "/api/rawdata", "/dashboard/", "/metrics", "/debug/pprof/", "/oauth2/start"):
        reply = live.visitor().get(host, path)
        assert (reply.status, reply.app) == (404, None)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    ["", "/", "/token", "/keys", "/userinfo", "/healthz", "/device", "/device/code", "/device/token", "/auth/../token"],
)
def test_rule_22_of_dex_only_what_a_browser_needs_is_reached(live: Live, path: str, method: str) -> None:
    """Everything else below /dex is a path like any other, behind sign-in; the device flow would fill the datastore."""
    body = b"client_id=x&scope=openid" if method == "POST" else None
    reply = live.visitor().get(TEAM, f"/dex{path}", method=method, body=body)
    assert (reply.status, reply.app) == (302, None)
    assert str(reply.location).startswith(f"https://{TEAM}/oauth2/start?rd=")


def test_a_workspace_answers_on_its_own_hosts_only(live: Live) -> None:
    """club's paths do not exist at team, and the other way around."""
    who = live.signed_in(TEAM)
    assert who.get(TEAM, "/events").app == "team/hello"
    who = live.signed_in(CLUB)
    assert who.get(CLUB, "/shared").app == "club/wiki"
    assert live.visitor().get(CLUB, "/shared").status == 302


# Methods.


@pytest.mark.parametrize(
    "headers",
    [[("X-HTTP-Method-Override", "OPTIONS")], [("X-HTTP-Method", "GET")], [("X-Method-Override", "HEAD")]],
    ids=lambda headers: headers[0][0],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD", "TRACE", "PROPFIND", "CONNECT", "PRI", "get"])
def test_no_method_is_let_in_without_sign_in(live: Live, method: str, headers: list[Header]) -> None:
    who = live.visitor()
    for path in ("/", "/api"):
        lines = [
            ("Host", TEAM),
            *who.added(),
            *headers,
            ("Access-Control-Request-Method", "GET"),
            ("Origin", "https://x.y"),
        ]
        assert is_shut(who.exactly(f"{method} {path} HTTP/1.1", lines))


# Redirects.

EVIL = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/%5Cevil.example",
    "/%09/evil.example",
    "/\t/evil.example",
    "https:evil.example",
    "https:/evil.example",
    f"https://{TEAM}.evil.example/",
    f"https://{TEAM}@evil.example/",
    f"https://evil.example/{TEAM}",
    f"https://evil.example#{TEAM}",
    f"https://evil.example\\@{TEAM}/",
    f"https://{OPEN}/",
    f"https://{CLUB}/",
    "javascript:alert(1)",
    "data:text/html,x",
    "%2f%2fevil.example",
    "/./\\evil.example",
]


def leads_to(location: str | None) -> str:
    """The host that a browser would go to: it takes `\\` for `/` and drops tabs and line breaks (WHATWG URL)."""
    text = re.sub(r"[\t\r\n]", "", str(location or "/")).strip().replace("\\", "/")
    if re.match(r"(?i)^(javascript|data|vbscript):", text):
        return text
    if re.match(r"(?i)^https?:", text):
        text = "//" + re.sub(r"(?i)^https?:/*", "", text)
    elif text.startswith("//"):
        text = "//" + text.lstrip("/")
    return urlsplit(text).hostname or TEAM


@pytest.mark.parametrize("target", EVIL)
def test_sign_in_leads_back_to_its_own_host_only(live: Live, target: str) -> None:
    for written in (quote(target, safe=""), quote(target, safe="/:@%#\\")):
        # Each from an address of its own: sign-ins that begin are counted.
        who = live.visitor(f"192.0.2.{100 + EVIL.index(target)}")
        reply = who.sign_in_from(f"https://{TEAM}/oauth2/start?rd={written}", "ann")
        assert reply.status in (302, 400, 403, 500), reply
        assert leads_to(reply.location) == TEAM, reply.location
        out = who.get(TEAM, f"/oauth2/sign_out?rd={written}")
        assert leads_to(out.location) == TEAM, out.location


def test_a_state_of_somebody_elses_sign_in_is_refused(live: Live) -> None:
    """Login CSRF: a callback that another browser began."""
    attacker, victim = live.visitor(), live.visitor()
    start = attacker.follow(f"https://{TEAM}/oauth2/start?rd=https://{TEAM}/")
    reply = victim.follow(attacker.be(str(start.location), "ann"))
    assert reply.status in (400, 403, 500)
    assert victim.jar.get(TEAM, {}) == {} or all("csrf" in name for name in victim.jar[TEAM])


def test_rule_11_two_tabs_that_sign_in_at_once_both_arrive(live: Live) -> None:
    who = live.visitor()
    starts = [who.follow(f"https://{TEAM}/oauth2/start?rd=https://{TEAM}/{tab}") for tab in ("one", "two", "three")]
    for tab, start in zip(("one", "two", "three"), starts, strict=True):
        reply = who.follow(who.be(str(start.location), "ann"))
        assert (reply.status, str(reply.location).endswith(f"/{tab}")) == (302, True), reply


def test_rule_11_what_was_begun_does_not_pile_up_without_end(live: Live) -> None:
    who = live.visitor()
    for number in range(12):
        who.follow(f"https://{TEAM}/oauth2/start?rd=https://{TEAM}/{number}")
    assert len([name for name in who.jar[TEAM] if "csrf" in name]) <= 6


# Sizes.


def test_headers_that_are_too_large_are_refused(live: Live) -> None:
    for state in STATES:
        reply = visitor(live, state).get(TEAM, "/shared", ("X-Large", "x" * 80_000))
        assert (reply.status, reply.app) == (431, None)
    assert live.visitor().get(TEAM, "/shared", ("X-Large", "x" * 20_000)).status == 200


def test_a_large_cookie_is_refused_by_sign_in_and_opens_nothing(live: Live) -> None:
    reply = live.visitor().get(TEAM, "/api", ("Cookie", f"__Host-team={'A' * 30_000}"))
    assert is_shut(reply)


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Content-Length: 4\r\nContent-Length: 0",
        "Content-Length: -1",
        "Transfer-Encoding : chunked",
    ],
)
def test_a_request_cannot_hide_behind_another_one(live: Live, lines: str) -> None:
    """Request smuggling: the second request on the connection asks a protected row with a forged identity."""
    hidden = f"GET /api/hidden HTTP/1.1\r\nHost: {TEAM}\r\nX-Auth-Request-Email: {MARK}\r\n\r\n"
    text = f"POST /shared HTTP/1.1\r\nHost: {TEAM}\r\n{lines}\r\n\r\n0\r\n\r\n{hidden}"
    with live.visitor().connect() as connection:
        connection.sendall(text.encode())
        connection.settimeout(2)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except (TimeoutError, ConnectionResetError):
            pass
    assert b"/api/hidden" not in answer
    assert MARK.encode() not in answer


# WebSockets.


def upgrade(who: Visitor, host: str, path: str, *headers: Header) -> tuple[Reply, list[Message]]:
    """Open a WebSocket, send one message, and return the answer and what came back."""
    reply, opened = connect(who, host, path, ("X-Auth-Request-Email", MARK), *headers)
    if opened is None:
        return reply, []
    with opened:
        return reply, [opened.first, opened.say("hello")]


@each([route for route in PROTECTED if route.rule.protocol == "http"])
def test_a_websocket_needs_sign_in_as_everything_else(live: Live, row: Route) -> None:
    reply, _ = upgrade(live.visitor(), row.host, row.path)
    assert is_shut(reply)
    reply, messages = upgrade(live.signed_in(row.host), row.host, row.path)
    assert reply.status == 101
    first, second = messages
    assert isinstance(first, dict)
    assert first["app"] == app_of(row)
    assert first["headers"]["X-Auth-Request-Email"] == ["ann@example.com"]
    assert second == "hello"


def test_a_websocket_on_an_open_row_is_told_nothing(live: Live) -> None:
    reply, messages = upgrade(live.visitor(), TEAM, "/shared")
    assert reply.status == 101
    assert isinstance(messages[0], dict)
    assert not {name for name in messages[0]["headers"] if name.startswith("X-Auth-Request")}
