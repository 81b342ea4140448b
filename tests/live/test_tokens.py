"""Attempts with what sign-in hands out: cookies, codes and states, at the wrong host, twice, or in pieces."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.live.conftest import Live
from tests.live.test_attacks import CLUB, TEAM, TOOL, is_shut, session
from tests.live.visitor import Header, Reply, Visitor

NUMBERS = iter(range(1, 250))


def somebody(live: Live) -> Visitor:
    """A new visitor with an address of their own: sign-ins that begin are counted."""
    return live.visitor(f"192.0.2.{next(NUMBERS)}")


def begun(who: Visitor, host: str, user: str = "ann") -> str:
    """The callback that a sign-in leads to, not followed yet."""
    start = who.follow(f"https://{host}/oauth2/start?rd=https://{host}/")
    return who.be(str(start.location), user)


def part(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query)[name][0]


def has_no_session(who: Visitor, host: str) -> bool:
    return all("csrf" in name for name in who.jar.get(host, {})) and is_shut(who.get(host, "/"))


def test_a_code_counts_once(live: Live) -> None:
    who = somebody(live)
    back = begun(who, TEAM)
    kept = dict(who.jar[TEAM])
    assert who.follow(back).status == 302
    again = somebody(live)
    again.jar[TEAM] = kept
    assert again.follow(back).status in (400, 403, 500)
    assert has_no_session(again, TEAM)


def test_a_callback_counts_once_in_the_same_browser(live: Live) -> None:
    who = somebody(live)
    back = begun(who, TEAM)
    assert who.follow(back).status == 302
    before = session(who, TEAM)
    assert who.follow(back).status in (400, 403, 500)
    assert session(who, TEAM) == before


@pytest.mark.parametrize(("issued", "used"), [(TEAM, TOOL), (TOOL, TEAM), (TEAM, CLUB), (CLUB, TEAM)])
def test_a_code_of_one_host_is_nothing_at_another(live: Live, issued: str, used: str) -> None:
    """team and tool share a Dex and are two clients of it."""
    thief, victim = somebody(live), somebody(live)
    code = part(begun(victim, issued), "code")
    own = begun(thief, used, "eve" if used != CLUB else "ann")
    forged = own.replace(quote(part(own, "code"), safe=""), quote(code, safe=""))
    assert code in parse_qs(urlsplit(forged).query)["code"]
    assert thief.follow(forged).status in (400, 403, 500)
    assert has_no_session(thief, used)


def test_a_code_of_somebody_else_at_the_same_host_is_nothing_without_their_verifier(live: Live) -> None:
    """PKCE and the nonce: eve has ann's code and her own browser."""
    eve, ann = somebody(live), somebody(live)
    code, own = part(begun(ann, TEAM), "code"), begun(eve, TEAM, "eve")
    forged = own.replace(quote(part(own, "code"), safe=""), quote(code, safe=""))
    assert eve.follow(forged).status in (400, 403, 500)
    assert has_no_session(eve, TEAM)


@pytest.mark.parametrize(("issued", "used"), [(TEAM, TOOL), (TEAM, CLUB)])
def test_a_csrf_cookie_of_one_host_is_nothing_at_another(live: Live, issued: str, used: str) -> None:
    thief = somebody(live)
    back = begun(thief, issued)
    [(name, value)] = thief.jar[issued].items()
    there = somebody(live)
    there.get(used, "/oauth2/start")
    [theirs] = there.jar[used]
    other = somebody(live)
    other.jar[used] = {theirs: value, name: value}
    assert other.follow(back.replace(issued, used)).status in (400, 403, 500)
    assert has_no_session(other, used)


def test_a_csrf_cookie_is_no_session_and_a_session_no_csrf_cookie(live: Live) -> None:
    who = somebody(live)
    back = begun(who, TEAM)
    [(csrf, value)] = who.jar[TEAM].items()
    assert is_shut(live.visitor().get(TEAM, "/", ("Cookie", f"__Host-team={value}")))
    other = somebody(live)
    other.jar[TEAM] = {csrf: session(live.signed_in(TEAM), TEAM)[1]}
    assert other.follow(back).status in (400, 403, 500)


@pytest.mark.parametrize(
    "changed",
    [
        "",
        "x",
        ":",
        "x:https://evil.example/",
        ":https://evil.example/",
        "{nonce}",
        "{nonce}:",
        "{nonce}:https://evil.example/",
        "{nonce}://evil.example/",
        "{nonce}:/\\evil.example/",
        "{nonce}:javascript:alert(1)",
        "{nonce}:https://club.example.com/",
        "{nonce}x:https://team.example.com/",
    ],
)
def test_a_state_that_was_changed_leads_nobody_away(live: Live, changed: str) -> None:
    who = somebody(live)
    back = begun(who, TEAM)
    state = part(back, "state")
    forged = back.replace(quote(state, safe=""), quote(changed.format(nonce=state.partition(":")[0]), safe=""))
    reply = who.follow(forged)
    assert reply.status in (302, 400, 403, 500)
    assert str(reply.location or "/").startswith(("/", f"https://{TEAM}/"))
    assert not str(reply.location or "/").startswith(("//", "/\\"))


# Cookies: names, pieces and crowds.


@pytest.mark.parametrize(
    "name",
    [
        "__host-team",
        "__HOST-team",
        "__Host-Team",
        "__Secure-team",
        "team",
        "_oauth2_proxy",
        "__Host-team_1",
        "__Host-teamx",
    ],
)
def test_a_session_under_another_name_is_none(live: Live, name: str) -> None:
    _, value = session(live.signed_in(TEAM), TEAM)
    assert is_shut(live.visitor().get(TEAM, "/", ("Cookie", f"{name}={value}")))


@pytest.mark.parametrize("name", ["__Host-club", "__Host-club_0", "__Host-team", "__Host-team_0"])
def test_a_session_in_pieces_is_still_its_own_hosts(live: Live, name: str) -> None:
    """OAuth2-Proxy puts `name_0`, `name_1` together; the signature has the name in it."""
    _, value = session(live.signed_in(TEAM), TEAM)
    for cookie in (f"{name}={value}", f"{name}_0={value[:100]}; {name}_1={value[100:]}"):
        assert is_shut(live.visitor().get(CLUB, "/", ("Cookie", cookie)))


@pytest.mark.parametrize("first", ["", "x", "x|1|y", "A" * 300])
def test_a_false_session_before_or_behind_the_true_one_makes_nobody_else(live: Live, first: str) -> None:
    """Cookie tossing by name: the worst is that somebody has to sign in again."""
    name, value = session(live.signed_in(TEAM), TEAM)
    bob = session(live.signed_in(TEAM, "bob"), TEAM)[1]
    for cookies in ((first, value), (value, first), (value, bob)):
        lines: list[Header] = [("Cookie", "; ".join(f"{name}={each}" for each in cookies))]
        lines_two: list[Header] = [("Cookie", f"{name}={each}") for each in cookies]
        for headers in (lines, lines_two):
            reply = live.visitor().get(TEAM, "/", *headers)
            assert is_shut(reply) or reply.seen_header("X-Auth-Request-Email") in (
                ["ann@example.com"],
                ["bob@example.com"],
            )


def test_a_full_jar_pushes_nobody_in(live: Live) -> None:
    name, value = session(live.signed_in(TEAM), TEAM)
    for number, size in ((170, 20), (15, 4000), (200, 400)):
        crowd = "; ".join(f"c{i}={'x' * size}" for i in range(number))
        reply = live.visitor().get(TEAM, "/", ("Cookie", f"{crowd}; {name}={value}"))
        assert reply.status in (200, 302, 431)
        assert is_shut(live.visitor().get(TEAM, "/api", ("Cookie", crowd)))


# The proxy's own endpoints, and other ways to say who one is.


def unsigned(email: str) -> str:
    head, body = ({"alg": "none", "typ": "JWT"}, {"email": email, "sub": "1", "aud": "team", "email_verified": True})
    parts = (base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in (head, body))
    return ".".join([*parts, ""])


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", f"Bearer {unsigned('ann@example.com')}")],
        [("Authorization", "Basic YW5uQGV4YW1wbGUuY29tOng=")],
        [("Authorization", "Negotiate x")],
        [("Proxy-Authorization", "Basic YW5uOng=")],
        [("X-Forwarded-Access-Token", unsigned("ann@example.com"))],
        [("X-Auth-Request-Email", "ann@example.com"), ("X-Forwarded-Email", "ann@example.com")],
        [("Gap-Auth", "ann@example.com"), ("Gap-Signature", "sha1 x")],
        [("User-Agent", "GoogleHC/1.0")],
        [("User-Agent", "kube-probe/1.36")],
    ],
    ids=lambda headers: headers[0][0] + "=" + headers[0][1][:12],
)
def test_nothing_but_the_cookie_says_who_somebody_is(live: Live, headers: list[Header]) -> None:
    for path in ("/", "/api", "/ping", "/ready", "/robots.txt", "/api?access_token=x&id_token=y", "/favicon.ico"):
        assert is_shut(live.visitor().get(TEAM, path, *headers)), path


@pytest.mark.parametrize(
    "query",
    ["allowed_groups=strangers", "allowed_emails=eve@elsewhere.example", "allowed_email_domains=elsewhere.example"],
)
def test_questions_that_the_proxy_takes_by_its_address_are_not_the_visitors_to_ask(live: Live, query: str) -> None:
    """OAuth2-Proxy's /oauth2/auth narrows by its query; a visitor's query must neither widen nor reach it."""
    assert live.visitor().get(TEAM, f"/oauth2/auth?{query}").status == 401
    assert is_shut(live.visitor().get(TEAM, f"/api?{query}"))
    assert live.signed_in(TEAM).get(TEAM, f"/api?{query}").status == 200
    who = somebody(live)
    assert who.sign_in_from(f"https://{TEAM}/oauth2/start?{query}", "eve").status == 403


@pytest.mark.parametrize(
    "path",
    [
        "userinfo",
        "auth",
        "static/../../etc/passwd",
        "static/..%2f..%2fetc/passwd",
        "metrics",
        "ping",
        "ready",
        "debug/pprof/",
    ],
)
def test_the_proxys_endpoints_tell_strangers_nothing(live: Live, path: str) -> None:
    reply = live.visitor().get(TEAM, f"/oauth2/{path}")
    assert is_shut(reply) or (reply.status == 302 and "/dex/auth" in str(reply.location)), reply
    assert b"root:" not in reply.body
    assert b"go_" not in reply.body


@pytest.mark.parametrize("key", ["error", "error_description", "state", "code", "rd", "iss"])
def test_what_a_callback_says_is_not_taken_for_html(live: Live, key: str) -> None:
    reply = live.visitor().get(TEAM, f"/oauth2/callback?{key}={quote('<script>alert(1)</script>')}")
    assert reply.status in (302, 400, 403, 500)
    assert b"<script>alert" not in reply.body


SPELT = [
    "/%6fauth2/start",
    "/oauth2%2fstart",
    "/OAUTH2/start",
    "/oauth2;x/start",
    "/oauth2/./start",
    "/./oauth2/start",
    "//oauth2/start",
    "/x/../oauth2/start",
    "/oauth2%00/start",
    "/oauth2/%2e%2e/api",
    "/oauth2/../api",
    "/oauth2/start/../../api",
    "/oauth2/..;/api",
    "/dex/..;/api",
    "/dex/auth/../../api",
    "/dex/auth/%2e%2e/%2e%2e/api",
]


@pytest.mark.parametrize("path", SPELT)
def test_no_spelling_of_sign_ins_paths_leads_to_an_app(live: Live, path: str) -> None:
    reply = live.visitor().get(TEAM, path)
    assert reply.app is None
    assert reply.status in (301, 302, 308, 400, 401, 403, 404)
    if reply.location:
        assert re.match(rf"(https://{TEAM})?/", str(reply.location))


@pytest.mark.parametrize(
    "path",
    [
        "/dex/%74oken",
        "/dex/auth/%2e%2e/token",
        "/dex/callback/../token",
        "/dex/static/..%2ftoken",
        "/dex/theme/../../dex/token",
        "/dex//token",
        "/DEX/token",
        "/dex/auth/../keys",
        "/dex/./device/code",
        "/%64ex/device/code",
    ],
)
def test_no_spelling_reaches_what_of_dex_is_not_published(live: Live, path: str) -> None:
    for method, body in (("GET", None), ("POST", b"grant_type=authorization_code&client_id=team")):
        reply: Reply = live.visitor().get(TEAM, path, method=method, body=body)
        assert is_shut(reply), reply
