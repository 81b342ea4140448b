"""Routes that let in fewer people than their workspace: real OAuth2-Proxy is asked, and no request answers for it."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.live.conftest import Live
from tests.live.rows import app_of, row
from tests.live.test_attacks import CONFUSING, is_shut, readings
from tests.live.visitor import Header

TEAM, TOOL = "team.example.com", "tool.team.example.com"
STAFF, ANN = row(f"https://{TEAM}/staff"), row(f"https://{TEAM}/staff/ann")
"""For one of ann's groups, and for ann's address; bob is in the workspace and in neither."""
WIDER = "allowed_groups=friends&allowed_emails=bob@example.com&allowed_email_domains=example.com"


@pytest.mark.parametrize(("host", "path"), [(TEAM, "/staff"), (TEAM, "/staff/ann"), (TOOL, "/"), (TOOL, "/rpc")])
def test_who_is_on_the_narrower_list_comes_in_and_who_is_only_on_the_workspaces_gets_403(
    live: Live, host: str, path: str
) -> None:
    ann, bob = live.signed_in(host, "ann"), live.signed_in(host, "bob")
    assert ann.get(host, f"{path.rstrip('/')}/deep").status == 200
    # No sign-in, which would come back here for ever; the page is two words.
    reply = bob.get(host, f"{path.rstrip('/')}/deep")
    assert (reply.status, reply.app, reply.location) == (403, None, None)
    assert reply.body.strip() in (b"Forbidden", b"")
    assert bob.get(TEAM, "/").status == 200 or host != TEAM


def test_who_is_refused_stays_signed_in_and_may_sign_out(live: Live) -> None:
    bob = live.signed_in(TEAM, "bob")
    assert bob.get(TEAM, "/staff").status == 403
    assert bob.get(TEAM, "/").app == "team/hello"
    assert bob.get(TEAM, "/oauth2/sign_out").status == 302
    assert bob.get(TEAM, "/staff").status == 302
    assert bob.get(TEAM, "/staff/ann").status == 401


def test_who_signs_in_for_a_page_that_is_not_theirs_arrives_at_403_and_not_at_sign_in_again(live: Live) -> None:
    bob = live.visitor()
    arrived = bob.sign_in(TEAM, "/staff", user="bob")
    assert (arrived.status, str(arrived.location).removeprefix(f"https://{TEAM}")) == (302, "/staff")
    assert bob.get(TEAM, "/staff").status == 403


@pytest.mark.parametrize(
    "query",
    [
        WIDER,
        "allowed_groups=",
        "allowed_groups=friends&allowed_groups=staff",
        quote(f"&{WIDER}"),
        "x=1%26allowed_groups=friends",
        "host=friends",
        ";allowed_groups=friends",
        "#&allowed_groups=friends",
    ],
)
def test_no_query_of_a_request_is_part_of_the_question(live: Live, query: str) -> None:
    bob = live.signed_in(TEAM, "bob")
    for path in ("/staff", "/staff/ann"):
        reply = bob.get(TEAM, f"{path}?{query}")
        assert (reply.status in (400, 403), reply.app) == (True, None)


@pytest.mark.parametrize(
    "header",
    [
        ("X-Forwarded-Uri", f"/oauth2/auth?{WIDER}"),
        ("X-Original-Url", f"https://{TEAM}/?{WIDER}"),
        ("X-Original-Uri", f"/?{WIDER}"),
        ("X-Auth-Request-Redirect", f"/oauth2/auth?{WIDER}"),
        ("X-Auth-Request-Groups", "staff"),
        ("X-Auth-Request-Email", "ann@example.com"),
        ("X-Forwarded-Groups", "staff"),
        ("X-Forwarded-Method", "OPTIONS"),
        ("X-Http-Method-Override", "OPTIONS"),
        ("X-Rewrite-Url", "/shared"),
        ("allowed_groups", "friends"),
        ("Host", f"{TEAM}?{WIDER}"),
    ],
)
def test_no_header_of_a_request_is_part_of_the_question(live: Live, header: Header) -> None:
    bob = live.signed_in(TEAM, "bob")
    for path in ("/staff", "/staff/ann"):
        reply = bob.get(TEAM, path, header)
        assert reply.app is None
        assert reply.status in (400, 403), reply


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "TRACE"])
def test_no_method_and_no_body_is_part_of_the_question(live: Live, method: str) -> None:
    body = f"allowed_groups=friends&{WIDER}".encode() if method in ("POST", "PUT") else None
    form = ("Content-Type", "application/x-www-form-urlencoded")
    reply = live.signed_in(TEAM, "bob").get(TEAM, "/staff", form, method=method, body=body)
    assert (reply.app, reply.status in (403, 405)) == (None, True)


def test_a_question_that_a_visitor_asks_himself_tells_him_of_himself_and_opens_nothing(live: Live) -> None:
    bob = live.signed_in(TEAM, "bob")
    assert bob.get(TEAM, f"/oauth2/auth?{WIDER}").status == 202
    assert bob.get(TEAM, "/oauth2/auth?allowed_groups=staff").status == 403
    assert bob.get(TEAM, "/staff").status == 403


@pytest.mark.parametrize(("lists", "ann"), [("allowed_groups=~&", 403), ("allowed_groups=~&allowed_groups=staff", 202)])
def test_what_nginx_asks_adds_to_a_list_that_nobody_is_on(live: Live, lists: str, ann: int) -> None:
    """As `narrower.for_nginx` asks, with the variable empty and not."""
    for user, status in (("ann", ann), ("bob", 403)):
        assert live.signed_in(TEAM, user).get(TEAM, f"/oauth2/auth?{lists}").status == status


@pytest.mark.parametrize("path", CONFUSING)
def test_no_path_leads_around_the_narrower_list(live: Live, path: str) -> None:
    """The app is the same on both rows, so what it could read from the target must not be below the narrower one."""
    bob = live.signed_in(TEAM, "bob")
    confusing = path.replace("/api", "/staff")
    reply = bob.exactly(f"GET {confusing} HTTP/1.1", [("Host", TEAM), *bob.added(), *bob.cookie(TEAM)])
    if reply.app is None:
        assert is_shut(reply) or reply.status in (301, 308), reply
        return
    assert reply.app == app_of(STAFF)
    assert not any(reading == "/staff" or reading.startswith("/staff/") for reading in readings(reply.seen["uri"]))


@pytest.mark.parametrize("path", ["/staff", "/staff/ann"])
def test_another_persons_groups_in_a_second_cookie_do_not_count(live: Live, path: str) -> None:
    """Both cookies have the name of the session; whichever is believed, it is a whole one."""
    bob, ann = live.signed_in(TEAM, "bob"), live.signed_in(TEAM, "ann")
    [mine], [theirs] = ([value for name, value in who.jar[TEAM].items() if "csrf" not in name] for who in (bob, ann))
    mixed = f"{mine.rsplit('|', 2)[0]}|{'|'.join(theirs.rsplit('|', 2)[1:])}"
    reply = live.visitor().get(TEAM, path, ("Cookie", f"__Host-team={mixed}"))
    assert (reply.app, reply.status in (302, 401)) == (None, True)
