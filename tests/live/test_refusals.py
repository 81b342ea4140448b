"""What no request may be: control characters, pages of other hosts that write, odd protocols, ways back without TLS."""

from __future__ import annotations

import base64
import itertools
from urllib.parse import quote

import pytest

from config.routes import Route
from tests.live.conftest import Live
from tests.live.rows import HOSTS, PROTECTED, ROUTES, app_of, each, every_host, path_below
from tests.live.test_attacks import CLUB, OPEN, TEAM, is_shut, upgrade
from tests.live.test_routes import BASIC, OFFICE
from tests.live.visitor import Header, Reply, Visitor, read_reply

# Rule 50: control characters in a path.

CONTROL = [*range(0x20), 0x7F]
SPELT = sorted({spelling for code in CONTROL for spelling in (f"%{code:02x}", f"%{code:02X}")})
EVERYWHERE = sorted(
    {(row.host, row.path) for row in ROUTES}
    | {(row.host, path) for row in ROUTES for path in row.rule.deny}
    | {(host, path) for host in HOSTS for path in ("/oauth2", "/oauth2/start", "/oauth2/sign_in")}
    | {(host, path) for host in (TEAM, CLUB) for path in ("/dex", "/dex/auth", "/dex/callback")}
    | {("nobody.example.com", "/")}
)


CLIENTS = itertools.cycle(f"{network}.{number}" for network in ("198.51.100", "203.0.113") for number in range(1, 255))
"""Addresses inside the lists of the routes that have one; many, because these tests ask more than one client may."""


def refused(reply: Reply) -> bool:
    return reply.app is None and reply.status in (400, 403)


def ask(who: Visitor, host: str, path: str, *headers: Header, method: str = "GET", body: bytes | None = None) -> Reply:
    who.client = next(CLIENTS)
    return who.get(host, path, *headers, method=method, body=body)


@pytest.mark.parametrize(("host", "path"), EVERYWHERE, ids=[f"{host}{path}" for host, path in EVERYWHERE])
def test_rule_50_no_control_character_is_let_into_a_path(live: Live, host: str, path: str) -> None:
    assert len(CONTROL) == 33
    for who in (live.visitor(), live.signed_in(TEAM)):
        for spelt in SPELT:
            reply = ask(who, host, f"{path}{spelt}")
            assert refused(reply), (spelt, reply)


@pytest.mark.parametrize("shape", ["/{}", "/a{}b", "/{}/..", "/a/{}/../b", "/%2e{}", "/..;{}", "//{}", "/a%20{}%C3%A9"])
@pytest.mark.parametrize("path", ["/", "/api", "/shared", "/metrics", "/oauth2/start", "/dex/auth"])
def test_rule_50_wherever_it_stands(live: Live, path: str, shape: str) -> None:
    who = live.signed_in(TEAM)
    for spelt in SPELT:
        reply = ask(who, TEAM, path.rstrip("/") + shape.format(spelt))
        # Traefik resolves `..` first; what it took away with it reaches nobody.
        gone = ".." in shape and (reply.app is None or spelt not in reply.seen["uri"])
        assert refused(reply) or gone, (spelt, reply)


@pytest.mark.parametrize("path", ["/shared{}", "/admin{}", "/metrics{}", "/shared/{}/x"])
def test_rule_50_nor_unencoded(live: Live, path: str) -> None:
    who = live.visitor()
    for code in CONTROL:
        reply = who.exactly(f"GET {path.format(chr(code))} HTTP/1.1", [("Host", TEAM), *who.added()])
        # A line's end ends the request line, and what stands before it is a request without a version.
        assert is_shut(reply), (code, reply)


@pytest.mark.parametrize(
    "path", ["/shared/%250a", "/shared/%25%30%61", "/shared?x=%0a", "/shared/caf%C3%A9", "/shared/%20"]
)
def test_rule_50_a_percent_sign_a_query_and_other_letters_pass(live: Live, path: str) -> None:
    """Encoded twice it is a text of three characters; an app that decodes twice has to refuse it (docs/security.md)."""
    assert live.visitor().get(TEAM, path).status == 200


# Rule 53: pages of other hosts.

FOREIGN: list[list[Header]] = [
    [("Sec-Fetch-Site", "same-site")],
    [("Sec-Fetch-Site", "cross-site")],
    [("Sec-Fetch-Site", "cross-site"), ("Origin", f"https://{TEAM}")],
    [("sec-fetch-site", "same-site")],
    [("Sec-Fetch-Site", "something-new")],
    [("Origin", f"https://{OPEN}")],
    [("Origin", "https://evil.example")],
    [("Origin", "null")],
    [("Origin", f"http://{TEAM}")],
    [("Origin", f"https://{TEAM}:8443")],
    [("Origin", f"https://{TEAM}.evil.example")],
]


def own(host: str) -> list[list[Header]]:
    """What a page of the host itself says, a typed address, and clients that are no browsers."""
    here = ("Origin", f"https://{host}")
    return [[], [("Sec-Fetch-Site", "same-origin"), here], [("Sec-Fetch-Site", "none")], [here]]


GUARDED = [row for row in PROTECTED if not row.rule.crossOrigin]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@each([row for row in PROTECTED if row.host in (TEAM, CLUB) and not row.rule.crossOrigin])
def test_rule_53_a_page_of_another_host_cannot_write_as_the_visitor(
    live: Live, row: Route, headers: list[Header]
) -> None:
    who = live.signed_in(row.host)
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "MKCOL", "get"):
        reply = ask(who, row.host, path_below(row.path, "x"), *headers, method=method, body=b"x=1")
        assert (reply.status, reply.app) == (403, None), (method, reply)
    for method in ("GET", "HEAD", "OPTIONS"):
        reply = ask(who, row.host, path_below(row.path, "x"), *headers, method=method)
        assert (reply.status, reply.app) == (200, app_of(row)), (method, reply)


@each(GUARDED)
def test_rule_53_a_page_of_the_host_itself_can_and_a_program_too(live: Live, row: Route) -> None:
    who = live.signed_in(row.host)
    for headers in own(row.host):
        reply = ask(who, row.host, path_below(row.path, "x"), *headers, method="POST", body=b"x=1")
        assert (reply.status, reply.app) == (200, app_of(row)), (headers, reply)
    reply = ask(who, row.host, path_below(row.path, "x"), *FOREIGN[0], method="POST", body=b"x=1")
    assert (reply.status, reply.app) == (403, None)


@each([row for row in GUARDED if row.rule.protocol == "http"])
def test_rule_53_nor_open_a_websocket(live: Live, row: Route) -> None:
    """Chrome says no Sec-Fetch-Site when it opens one, but always the Origin."""
    who = live.signed_in(row.host)
    for headers in FOREIGN:
        if headers[0] == ("Origin", f"https://{row.host}"):
            continue
        reply, _ = upgrade(who, row.host, row.path, *headers)
        assert (reply.status, reply.app) == (403, None), (headers, reply)
    for headers in own(row.host):
        assert upgrade(who, row.host, row.path, *headers)[0].status == 101, headers


def test_rule_53_a_route_may_say_otherwise_and_still_asks_for_sign_in(live: Live) -> None:
    for headers in FOREIGN:
        reply = live.signed_in(TEAM).get(TEAM, "/embed/x", *headers, method="POST", body=b"x=1")
        assert (reply.status, reply.app) == (200, "team/hello")
        assert live.visitor().get(TEAM, "/embed/x", *headers, method="POST", body=b"x=1").status == 401
    assert upgrade(live.signed_in(TEAM), TEAM, "/embed", *FOREIGN[0])[0].status == 101


KNOWN_BY_BROWSERS = [each for each in ROUTES if each.auth == "none" and (each.rule.basicAuth or each.rule.allowFrom)]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@each(KNOWN_BY_BROWSERS)
def test_rule_53_nor_with_a_password_or_an_address_that_the_browser_has(
    live: Live, row: Route, headers: list[Header]
) -> None:
    """A browser answers for the visitor with what it knows, whoever's page asks."""
    if headers == [("Origin", f"https://{row.host}")]:
        headers = [("Origin", f"https://{row.host}:8443")]
    known: list[Header] = [BASIC] if row.rule.basicAuth else []

    def write(*said: Header) -> Reply:
        who = live.visitor(OFFICE.get(row.path, "192.0.2.61"))
        return who.get(row.host, path_below(row.path, "x"), *known, *said, method="POST", body=b"x=1")

    assert (write(*headers).status, write(*headers).app) == (403, None)
    assert (write().status, write().app) == (200, app_of(row))
    assert write(("Sec-Fetch-Site", "same-origin"), ("Origin", f"https://{row.host}")).status == 200


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_rule_53_open_rows_take_from_everybody(live: Live, headers: list[Header]) -> None:
    """A webhook, a form on another site: nobody's session is used there."""
    reply = live.signed_in(TEAM).get(TEAM, "/shared/hook", *headers, method="POST", body=b"x=1")
    assert (reply.status, reply.app) == (200, "team/hello")
    assert live.visitor().get(OPEN, "/about", *headers, method="POST", body=b"x=1").status == 200


@every_host()
def test_rule_53_sign_in_works_when_other_sites_lead_to_it(live: Live, host: str) -> None:
    """Every redirect of a sign-in that began at another site says cross-site to the end."""
    who = live.visitor()
    cross: Header = ("Sec-Fetch-Site", "cross-site")
    start = who.get(host, f"/oauth2/start?rd=https://{host}/", cross)
    assert start.status == 302
    reply = who.follow(who.be(str(start.location), "ann"))
    assert (reply.status, reply.location) == (302, f"https://{host}/")
    assert who.get(host, "/", cross).status == 200


@pytest.mark.parametrize("host", [TEAM, CLUB])
def test_rule_53_a_provider_may_post_its_answer_to_dex(live: Live, host: str) -> None:
    """SAML, and OpenID's form_post: a form of the provider's page, so another site's POST. Dex itself judges it."""
    said = [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://id.example.com")]
    reply = live.visitor().get(host, "/dex/callback", *said, method="POST", body=b"SAMLResponse=x&RelayState=y")
    # The stand-in knows no such path: it answers itself, and neither the controller nor sign-in did.
    assert (reply.status, reply.location) == (404, None)
    assert b"page not found" in reply.body.lower()


# Rule 58: upgrades.

ODD = [
    "h2c",
    "H2C",
    "made-up",
    "websocket, h2c",
    "h2c, websocket",
    "websocket,",
    "websocket/13",
    "websockets",
    "xwebsocket",
    "websocke",
    "w",
    "TLS/1.0",
    "HTTP/2.0",
    "spdy/3.1",
    "tcp",
    "connect-udp",
    "web socket",
    "websoc\xe2\x84\xaaet",
]


def upgrading(who: Visitor, host: str, path: str, *headers: Header) -> Reply:
    lines = [("Host", host), *who.added(), *who.cookie(host), *headers]
    with who.connect() as connection:
        text = "\r\n".join([f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines)])
        connection.sendall(f"{text}\r\n\r\n".encode("latin-1"))
        return read_reply(connection)


@pytest.mark.parametrize("protocol", ODD)
@pytest.mark.parametrize(
    ("host", "path"), [(TEAM, "/"), (TEAM, "/api"), (TEAM, "/embed"), (TEAM, "/shared"), (OPEN, "/about")]
)
def test_rule_58_nothing_but_a_websocket_is_upgraded(live: Live, host: str, path: str, protocol: str) -> None:
    who = live.signed_in(TEAM)
    settings: Header = ("HTTP2-Settings", "AAMAAABkAAQAAP__")
    for connection in ("Upgrade", "upgrade, HTTP2-Settings", "keep-alive, Upgrade"):
        reply = upgrading(who, host, path, ("Connection", connection), ("Upgrade", protocol), settings)
        assert (reply.status, reply.app) == (403, None), (connection, reply)
    assert refused(upgrading(who, host, path, ("Upgrade", protocol)))


@pytest.mark.parametrize("second", ["h2c", "made-up"])
@pytest.mark.parametrize("path", ["/", "/shared"])
def test_rule_58_two_upgrade_headers_are_no_way_around(live: Live, path: str, second: str) -> None:
    who = live.signed_in(TEAM)
    key = [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", base64.b64encode(b"0" * 16).decode())]
    both: list[Header] = [("Upgrade", "websocket"), ("Upgrade", second)]
    for pair in (both, both[::-1]):
        reply = upgrading(who, TEAM, path, ("Connection", "Upgrade"), *pair, *key)
        if reply.status == 101:
            assert reply.all("Upgrade") == ["websocket"]
        else:
            assert refused(reply), reply


@pytest.mark.parametrize("spelling", ["websocket", "WebSocket", "WEBSOCKET"])
def test_rule_58_a_websocket_is_in_any_spelling(live: Live, spelling: str) -> None:
    key = [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", base64.b64encode(b"0" * 16).decode())]
    for path in ("/", "/shared"):
        reply = upgrading(live.signed_in(TEAM), TEAM, path, ("Connection", "Upgrade"), ("Upgrade", spelling), *key)
        assert reply.status == 101, reply


# Rule 61: ways back, and denials that do not ask where somebody comes from.

PLAIN = [
    f"rd=http://{TEAM}/",
    f"rd={quote(f'http://{TEAM}/', safe='')}",
    f"rd=%68ttp://{TEAM}/",
    f"rd=HTTP://{TEAM}/",
    f"%72d=http://{TEAM}/",
    f"rd=/&rd=http://{TEAM}/",
    f"x=1&rd=http://{TEAM}/x?rd=https://{TEAM}/",
    f"rd=http://{TEAM}:80/",
    "rd=http://evil.example/",
]


@pytest.mark.parametrize("query", PLAIN)
@pytest.mark.parametrize("path", ["", "/", "/start", "/sign_in", "/sign_out", "/anything"])
def test_rule_61_nobody_is_led_to_http(live: Live, path: str, query: str) -> None:
    for who in (live.visitor(), live.signed_in(TEAM)):
        reply = who.get(TEAM, f"/oauth2{path}?{query}")
        assert (reply.status, reply.location) == (403, None), reply


@pytest.mark.parametrize("path", ["start", "sign_in", "sign_out", "callback"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_rule_61_nor_by_a_form(live: Live, path: str, method: str) -> None:
    """OAuth2-Proxy reads rd from the body too, where no controller looks: it takes nothing but GET and HEAD."""
    form: Header = ("Content-Type", "application/x-www-form-urlencoded")
    reply = live.visitor().get(TEAM, f"/oauth2/{path}", form, method=method, body=f"rd=http://{TEAM}/".encode())
    assert (reply.status, reply.app) == (403, None)


@every_host()
def test_rule_61_https_and_plain_paths_still_lead_back(live: Live, host: str) -> None:
    for back in (f"https://{host}/deep?x=http://other.example/", "/deep"):
        who = live.visitor()
        reply = who.sign_in_from(f"https://{host}/oauth2/start?rd={quote(back, safe='')}", "ann")
        assert (reply.status, reply.location) == (302, back)


NO_ADDRESS: list[list[Header]] = [
    [],
    [("X-Forwarded-For", "")],
    [("X-Forwarded-For", "0.0.0.0")],
    [("X-Forwarded-For", "198.51.100.7, 0.0.0.0")],
    [("X-Forwarded-For", "::ffff:0.0.0.0")],
    [("X-Forwarded-For", "::")],
    [("X-Forwarded-For", "0.0.0.0:80")],
    [("X-Forwarded-For", "198.51.100.7"), ("X-Forwarded-For", "0.0.0.0")],
    [("X-Forwarded-For", "255.255.255.255")],
    [("X-Forwarded-For", "unknown")],
    [("X-Forwarded-For", "127.0.0.1")],
]
LISTED = [(OPEN, "/office"), ("legacy.example.com", "/admin")]
SHUT = [(row.host, path) for row in ROUTES for path in row.rule.deny]


@pytest.mark.parametrize("address", ["198.51.100.7", "0.0.0.0", "", None])
@pytest.mark.parametrize("headers", NO_ADDRESS, ids=str)
def test_rule_61_a_denied_path_is_shut_wherever_somebody_says_to_be(
    live: Live, headers: list[Header], address: str | None
) -> None:
    who = live.signed_in(TEAM)
    told: list[Header] = [] if address is None else [("CF-Connecting-IP", address)]
    assert {path for _, path in LISTED} == set(OFFICE)
    assert len(SHUT) > 2
    for host, path in [*SHUT, *LISTED]:
        lines = [("Host", host), ("X-Forwarded-Proto", "https"), *who.cookie(host), *told, *headers]
        reply = who.exactly(f"GET {path} HTTP/1.1", lines)
        assert (reply.status, reply.app) == (403, None), (host, path, reply)
