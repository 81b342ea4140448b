"""Programs with a password, beside people: that they come in, and everything that such a password must not open."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from config.routes import Route
from manifests.ingress import clients, traefik
from manifests.ingress.controller import IDENTITY_HEADERS
from tests.live.conftest import Live
from tests.live.network import overwrite
from tests.live.rows import PROTECTED, ROUTES, app_of, each, path_below
from tests.live.visitor import Header, Reply, Visitor
from tests.real.control_plane import wait

TEAM, TOOL = "team.example.com", "tool.team.example.com"
API, RPC = "/api", "/rpc"
BROWSER: Header = ("Sec-Fetch-Mode", "cors")
THEIRS = [row for row in ROUTES if row.clients]
NOT_THEIRS = [row for row in ROUTES if row.auth != "none" and not row.clients]


def password(live: Live, client: str) -> str:
    """The secret, as the stack has it: what the Secret holds is its hash."""
    value = f"made-up-team-{client}-client-for-a-test"
    stored = live.node.api.get("v1", "Secret", "warren-ingress", "traefik-clients")["data"]["clients.yaml"]
    text = base64.b64decode(stored).decode()
    assert base64.b64encode(hashlib.sha1(value.encode(), usedforsecurity=False).digest()).decode() in text
    assert value not in text
    return value


def basic(user: str, word: str, scheme: str = "Basic") -> Header:
    return "Authorization", f"{scheme} {base64.b64encode(f'{user}:{word}'.encode()).decode()}"


def mine(live: Live, client: str) -> Header:
    return basic(f"client.{client}", password(live, client))


def who(reply: Reply) -> dict[str, list[str]]:
    """The identity that the app saw."""
    return {name: found for name in IDENTITY_HEADERS if (found := reply.seen_header(name))}


def kept_out(reply: Reply) -> bool:
    return reply.app is None and (
        reply.status in (400, 401, 403) or (reply.status == 302 and "/oauth2/start" in str(reply.location))
    )


@each(THEIRS)
def test_a_client_comes_in_on_its_route_and_the_app_knows_which_and_nothing_more(live: Live, row: Route) -> None:
    [(client, _)] = row.clients
    for path in (row.path, path_below(row.path, "deep/x")):
        for method in ("GET", "POST", "PROPFIND"):
            body = b"x=1" if method == "POST" else None
            reply = live.visitor().get(row.host, path, mine(live, client), method=method, body=body)
            assert (reply.status, reply.app) == (200, app_of(row)), (path, method, reply)
            assert who(reply) == {"X-Auth-Request-User": [f"client.{client}"]}
            assert reply.seen_header("Authorization") == []
            assert reply.all("Set-Cookie") == []


@each(THEIRS)
def test_people_sign_in_on_the_same_route_as_before(live: Live, row: Route) -> None:
    reply = live.signed_in(row.host).get(row.host, row.path)
    assert (reply.status, reply.app) == (200, app_of(row))
    assert who(reply)["X-Auth-Request-Email"] == ["ann@example.com"]
    # An app's own use of the header goes on, for those who are signed in and for nobody else.
    own = basic("ann", "the app's own word")
    assert live.signed_in(row.host).get(row.host, row.path, own).seen_header("Authorization") == [own[1]]
    assert kept_out(live.visitor().get(row.host, row.path, own))


def wrong(live: Live) -> Iterator[tuple[str, list[Header]]]:
    """Everything that is not backup's name and word, or not said as HTTP says it."""
    own, other = password(live, "backup"), password(live, "phone")
    text = base64.b64encode(f"client.backup:{own}".encode()).decode()
    theirs = basic("client.phone", other)
    yield "wrong word", [basic("client.backup", "x" * 40)]
    yield "no word", [basic("client.backup", "")]
    yield "the word of another client", [basic("client.backup", other)]
    yield "another client", [theirs]
    yield "a client that is none", [basic("client.root", own)]
    yield "the hash", [basic("client.backup", hashed(own))]
    yield "a name as a person's", [basic("backup", own)]
    yield "another case", [basic("Client.backup", own)]
    yield "a name that goes on", [basic("client.backup\x00", own)]
    yield "a word that goes on", [basic("client.backup", f"{own}\n")]
    yield "part of the word", [basic("client.backup", own[:-1])]
    yield "bearer", [("Authorization", f"Bearer {text}")]
    yield "two spaces", [("Authorization", f"Basic  {text}")]
    yield "no padding", [("Authorization", f"Basic {text.rstrip('=')}x")]
    yield "a list", [("Authorization", f"Basic {theirs[1]}, Basic {text}")]
    yield "others first", [theirs, basic("client.backup", own)]
    yield "nobody first", [("Authorization", "Basic "), basic("client.backup", own)]
    yield "at the proxy", [("Proxy-Authorization", f"Basic {text}")]
    yield "in a cookie", [("Cookie", f"Authorization=Basic {text}")]
    yield "an underscore", [("X_Auth_Request_User", "client.backup")]
    yield "the identity itself", [("X-Auth-Request-User", "client.backup")]


def hashed(value: str) -> str:
    digest = hashlib.sha1(value.encode(), usedforsecurity=False).digest()
    return f"{{SHA}}{base64.b64encode(digest).decode()}"


def test_whatever_is_not_its_name_and_word_lets_nobody_in(live: Live) -> None:
    for what, headers in wrong(live):
        for path in (API, f"{API}/x"):
            reply = live.visitor().get(TEAM, path, *headers)
            assert kept_out(reply), (what, reply)


def test_who_sends_two_is_the_one_that_was_checked_and_neither_reaches_the_app(live: Live) -> None:
    reply = live.visitor().get(TEAM, API, mine(live, "backup"), mine(live, "phone"))
    if reply.app is not None:
        assert who(reply) == {"X-Auth-Request-User": ["client.backup"]}
        assert reply.seen_header("Authorization") == []


@each(NOT_THEIRS)
def test_a_clients_password_is_worth_nothing_where_it_is_not_listed(live: Live, row: Route) -> None:
    for client in ("backup", "phone"):
        reply = live.visitor().get(row.host, row.path, mine(live, client))
        assert kept_out(reply), reply


def test_nor_on_the_other_clients_route_nor_below_sign_in(live: Live) -> None:
    assert live.visitor().get(TOOL, RPC, mine(live, "backup")).status == 401
    assert live.visitor().get(TEAM, API, mine(live, "phone")).status == 401
    assert live.visitor().get(TEAM, "/oauth2/auth", mine(live, "backup")).status == 401
    assert live.visitor().get(TEAM, "/oauth2/userinfo", mine(live, "backup")).status == 401
    for path in ("/apix", "/api%2Fx", "/x/../api/../", "/API"):
        reply = live.visitor().get(TEAM, path, mine(live, "backup"))
        assert kept_out(reply), (path, reply)
    assert live.visitor().get(TEAM, "/metrics", mine(live, "backup")).status == 403


def test_nobody_gets_a_session_for_a_password(live: Live) -> None:
    form = f"username=client.backup&password={password(live, 'backup')}".encode()
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    reply = live.visitor().get(TEAM, "/oauth2/sign_in", kind, method="POST", body=form)
    assert (reply.status, reply.all("Set-Cookie")) == (403, [])
    reply = live.visitor().get(TEAM, f"/oauth2/sign_in?{form.decode()}")
    assert "/dex/auth" in str(reply.location)


def test_no_one_can_say_to_be_a_person_or_a_client_beside_it(live: Live) -> None:
    forged = [(name, "ann@example.com") for name in IDENTITY_HEADERS]
    reply = live.visitor().get(TEAM, API, mine(live, "backup"), *forged)
    assert who(reply) == {"X-Auth-Request-User": ["client.backup"]}
    reply = live.signed_in(TEAM).get(TEAM, API, ("X-Auth-Request-User", "client.backup"))
    assert who(reply)["X-Auth-Request-User"] != ["client.backup"]
    assert "." not in who(reply)["X-Auth-Request-User"][0]


@each(THEIRS)
def test_the_word_connection_cannot_take_a_clients_identity_away(live: Live, row: Route) -> None:
    """A hop-by-hop header is dropped on the way; the identity must not be one."""
    [(client, _)] = row.clients
    for name in ("X-Auth-Request-User", "x-auth-request-user", "close, X-Auth-Request-User"):
        reply = live.visitor().get(row.host, row.path, mine(live, client), ("Connection", name))
        assert (reply.status, who(reply)) == (200, {"X-Auth-Request-User": [f"client.{client}"]}), (name, reply)
    assert kept_out(live.visitor().get(row.host, row.path, mine(live, client), ("Connection", "Authorization")))


def test_a_session_and_a_password_are_never_mixed(live: Live) -> None:
    """What is brought as a client's is judged as that, whoever's cookie comes with it."""
    reply = live.signed_in(TEAM).get(TEAM, API, mine(live, "backup"))
    assert who(reply) == {"X-Auth-Request-User": ["client.backup"]}
    reply = live.signed_in(TEAM).get(TEAM, API, basic("client.backup", "x" * 40))
    assert (reply.status, reply.app) == (401, None)
    # On a route without clients it is no business of ours.
    reply = live.signed_in(TEAM).get(TEAM, "/", basic("client.backup", "x" * 40))
    assert who(reply)["X-Auth-Request-Email"] == ["ann@example.com"]


def test_programs_are_asked_where_they_are_expected_and_browsers_never(live: Live) -> None:
    reply = live.visitor().get(TEAM, API)
    assert (reply.status, reply.header("WWW-Authenticate")) == (401, 'Basic realm="hello"')
    reply = live.visitor().get(TEAM, API, BROWSER)
    assert (reply.status, reply.header("WWW-Authenticate")) == (401, None)
    reply = live.visitor().get(TEAM, API, ("Cookie", "a=b"))
    assert (reply.status, reply.header("WWW-Authenticate")) == (401, None)
    assert live.visitor().get(TEAM, "/").status == 302


def test_rule_53_a_page_of_another_host_cannot_write_as_a_client_whose_password_a_browser_knows(live: Live) -> None:
    for headers in ([("Sec-Fetch-Site", "same-site")], [("Origin", "https://club.example.com")]):
        reply = live.visitor().get(TEAM, API, mine(live, "backup"), *headers, method="POST", body=b"x=1")
        assert (reply.status, reply.app) == (403, None)


def test_rule_52_a_clients_body_is_measured_as_everybodys_and_only_after_the_password(live: Live) -> None:
    for headers, status in (([mine(live, "phone")], 413), ([basic("client.phone", "x" * 40)], 401)):
        visitor = live.visitor()
        lines = [("Host", TOOL), *visitor.added(), *headers]
        reply = visitor.exactly(f"POST {RPC} HTTP/1.1", lines, b"x" * 80_000, trailers="a: b\r\n")
        assert (reply.status, reply.app) == (status, None)
    reply = live.visitor().get(TOOL, RPC, mine(live, "phone"), method="POST", body=b"x" * 80_000)
    assert (reply.status, reply.app) == (200, "team/tool")


@contextmanager
def told(live: Live, rows: list[Route]) -> Iterator[Visitor]:
    """The controller, as the kubelet tells it of another Secret."""
    [pod, *_] = live.node.of("warren-ingress/ingress-controller")
    file = pod.folder / "etc" / "traefik" / "dynamic" / clients.FILE
    before = file.read_text("utf-8")
    values = {secret: password(live, name) for row in ROUTES for name, secret in row.clients}
    overwrite(file, traefik.passwords(rows, values))
    try:
        yield live.visitor()
    finally:
        overwrite(file, before)
        wait("as before", lambda: live.visitor().get(TEAM, API, mine(live, "backup")).status == 200)


def test_without_its_line_a_client_is_a_stranger_at_once_and_the_others_go_on(live: Live) -> None:
    assert live.visitor().get(TEAM, API, mine(live, "backup")).status == 200
    with told(live, [row for row in ROUTES if row.path == RPC]) as visitor:
        wait("it is out", lambda: kept_out(visitor.get(TEAM, API, mine(live, "backup"))), 10)
        # Its router without its passwords is no router: what is left is sign-in.
        assert visitor.get(TEAM, API, mine(live, "backup")).status == 401
        assert visitor.get(TOOL, RPC, mine(live, "phone")).status == 200
        assert live.signed_in(TEAM).get(TEAM, API).status == 200


def test_who_guesses_is_stopped_and_the_client_is_not(live: Live) -> None:
    guesser = live.visitor("203.0.113.77")
    for tried in range(4000):
        reply = guesser.get(TEAM, API, basic("client.backup", f"{tried:040}"))
        assert reply.app is None
        if reply.status == 429:
            break
        assert reply.status == 401
    assert reply.status == 429
    assert live.visitor("203.0.113.78").get(TEAM, API, mine(live, "backup")).status == 200


def test_there_are_routes_of_both_kinds() -> None:
    assert {row.url for row in THEIRS} == {f"https://{TEAM}{API}", f"https://{TOOL}{RPC}"}
    assert len(NOT_THEIRS) == len(PROTECTED) - 2
