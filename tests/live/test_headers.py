"""Headers that routes set, through a real Traefik and a real OAuth2-Proxy."""

from __future__ import annotations

import pytest

from tests.live.conftest import Live
from tests.live.visitor import Header

TEAM, PATH = "team.example.com", "/framed/x"
SAID = {"Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'", "X-Frame-Options": "DENY"}
ASKED = {"X-Forwarded-Prefix": "/framed", "X-Script-Name": "#/framed; a=b"}


def test_the_answer_and_the_request_have_what_the_route_sets(live: Live) -> None:
    reply = live.signed_in(TEAM).get(TEAM, PATH)
    assert reply.app == "team/hello"
    assert {name: reply.header(name) for name in SAID} == SAID
    assert {name: reply.seen_header(name) for name in ASKED} == {name: [value] for name, value in ASKED.items()}
    assert reply.seen_header("X-Auth-Request-Email") == ["ann@example.com"]
    assert reply.header("Cloudflare-CDN-Cache-Control") == "no-store"


def test_who_is_not_signed_in_is_refused_as_without_them(live: Live) -> None:
    reply = live.visitor().get(TEAM, PATH)
    assert (reply.status, reply.app, reply.location) == (401, None, None)
    assert {name: reply.header(name) for name in SAID} == SAID


@pytest.mark.parametrize("name", list(ASKED))
def test_a_client_cannot_write_them(live: Live, name: str) -> None:
    twice: list[Header] = [(name, "/evil"), (name.lower(), "/evil")]
    reply = live.signed_in(TEAM).get(TEAM, PATH, *twice)
    assert reply.seen_header(name) == [ASKED[name]]
    dropped = live.signed_in(TEAM).get(TEAM, PATH, ("Connection", name))
    assert dropped.status in (200, 400)
    assert dropped.app is None or dropped.seen_header(name) == [ASKED[name]]


def test_other_routes_have_none_of_them(live: Live) -> None:
    reply = live.signed_in(TEAM).get(TEAM, "/")
    assert [reply.header(name) for name in SAID] == [None, None]
    assert [reply.seen_header(name) for name in ASKED] == [[], []]
