"""Every row of the route table, in every state that a visitor can be in."""

from __future__ import annotations

import base64
import subprocess
import time
from urllib.parse import unquote

import pytest

from config.routes import Route
from manifests.ingress.controller import IDENTITY_HEADERS
from tests.live.conftest import USERS, Live
from tests.live.network import GATEWAY
from tests.live.rows import OPEN, PROTECTED, app_of, each, every_host, path_below
from tests.live.visitor import Header, Reply
from tests.real.stacks import PASSWORD

OUTSIDE, OFFICE = "192.0.2.200", {"/office": "198.51.100.77", "/admin": "203.0.113.10"}
"""A visitor's address outside every allow-list, and one inside for each route that has a list."""
BASIC = ("Authorization", f"Basic {base64.b64encode(f'ann:{PASSWORD}'.encode()).decode()}")


def expected(name: str) -> dict[str, list[str]]:
    """The identity headers that an app gets for a user; every policy of this stack says something about groups."""
    values = {
        "X-Auth-Request-User": [f"id-of-{name}"],
        "X-Auth-Request-Email": [USERS[name].email],
        "X-Auth-Request-Groups": [",".join(USERS[name].groups)],
        "X-Auth-Request-Preferred-Username": [name],
    }
    assert set(values) == set(IDENTITY_HEADERS)
    return values


def came_to(reply: Reply, row: Route) -> None:
    """The answer is the app's own, and the app is the row's."""
    assert reply.status == 200, reply
    assert reply.app == app_of(row)


@each(PROTECTED)
def test_signed_out_nobody_comes_in(live: Live, row: Route) -> None:
    path = path_below(row.path, "deep/page?a=b&c=%2Fd")
    reply = live.visitor().get(row.host, path)
    assert reply.app is None
    if row.auth == "api":
        assert (reply.status, reply.location) == (401, None)
    else:
        assert reply.status == 302
        start, _, back = str(reply.location).partition("?rd=")
        assert start == f"https://{row.host}/oauth2/start"
        assert unquote(back) in (f"https://{row.host}{path}", f"https://{row.host}{unquote(path)}")


@each(OPEN)
def test_an_open_row_answers_everybody_whom_its_own_rules_let_in(live: Live, row: Route) -> None:
    inside = OFFICE[row.path] if row.rule.allowFrom else OUTSIDE
    password: list[Header] = [BASIC] if row.rule.basicAuth else []
    came_to(live.visitor(inside).get(row.host, row.path, *password), row)
    if row.rule.allowFrom:
        reply = live.visitor(OUTSIDE).get(row.host, row.path)
        assert (reply.status, reply.app) == (403, None)
    if row.rule.basicAuth:
        for header in ((), (("Authorization", "Basic YW5uOndyb25n"),)):
            reply = live.visitor().get(row.host, row.path, *header)
            assert (reply.status, reply.app) == (401, None)
            assert str(reply.header("WWW-Authenticate")).startswith("Basic ")


@each(OPEN)
def test_an_app_on_an_open_row_is_told_nothing_about_who_asks(live: Live, row: Route) -> None:
    inside = OFFICE[row.path] if row.rule.allowFrom else OUTSIDE
    password: list[Header] = [BASIC] if row.rule.basicAuth else []
    reply = live.visitor(inside).get(row.host, row.path, *password)
    assert [reply.seen_header(name) for name in IDENTITY_HEADERS] == [[]] * len(IDENTITY_HEADERS)


@every_host()
def test_sign_in_leads_through_the_provider_back_to_the_page(live: Live, host: str) -> None:
    visitor = live.visitor()
    page = next(row for row in PROTECTED if row.host == host and row.auth == "page")
    path = path_below(page.path, "deep?a=b&c=d%2Fe")
    reply = visitor.sign_in(host, path)
    assert reply.status == 302
    assert reply.location in (path, f"https://{host}{path}")
    came_to(visitor.get(host, path), page)


@each(PROTECTED)
def test_signed_in_the_app_sees_exactly_who_it_is(live: Live, row: Route) -> None:
    visitor = live.signed_in(row.host)
    reply = visitor.get(row.host, path_below(row.path, "deep?a=b"))
    came_to(reply, row)
    assert reply.seen["uri"] == path_below(row.path, "deep?a=b")
    assert {name: reply.seen_header(name) for name in IDENTITY_HEADERS} == expected("ann")
    for name in ("Authorization", "X-Auth-Request-Access-Token", "X-Forwarded-Access-Token", "X-Forwarded-User"):
        assert reply.seen_header(name) == []


@each(PROTECTED)
def test_rule_12_the_app_is_told_the_true_scheme_and_host(live: Live, row: Route) -> None:
    seen = live.signed_in(row.host).get(row.host, row.path)
    assert seen.seen["host"] == row.host
    assert seen.seen_header("X-Forwarded-Proto") == ["https"]
    assert seen.seen_header("X-Forwarded-Host") in ([], [row.host])


@every_host()
def test_rule_08_who_is_not_on_the_list_gets_403_and_no_session(live: Live, host: str) -> None:
    visitor = live.visitor()
    reply = visitor.sign_in(host, user="eve")
    assert reply.status == 403
    assert [name for name in visitor.jar.get(host, {}) if "csrf" not in name] == []
    assert visitor.get(host, "/").status == 302


def test_rule_08_groups_narrow_down_whom_domains_let_in(live: Live) -> None:
    """bob is in team's e-mail domain and in one of club's groups; ann is in the other."""
    for host, name in (("club.example.com", "bob"), ("club.example.com", "ann"), ("team.example.com", "bob")):
        assert live.signed_in(host, name).get(host, "/").status == 200


def test_an_address_that_was_never_verified_does_not_come_in(live: Live) -> None:
    visitor = live.visitor()
    reply = visitor.sign_in("team.example.com", user="una")
    assert reply.status in (403, 500)
    assert visitor.get("team.example.com", "/").status == 302


@every_host()
def test_signed_out_again_the_cookie_is_gone_and_the_door_is_shut(live: Live, host: str) -> None:
    visitor = live.signed_in(host)
    assert visitor.get(host, "/").status == 200
    reply = visitor.get(host, "/oauth2/sign_out")
    assert reply.status == 302
    assert [name for name in visitor.jar[host] if "csrf" not in name] == []
    assert visitor.get(host, "/").status == 302


@pytest.mark.parametrize("path", ["/sharedx", "/apix", "/shared2/x"])
def test_a_path_that_only_starts_alike_belongs_to_another_row(live: Live, path: str) -> None:
    assert live.visitor().get("team.example.com", path).status == 302


@pytest.mark.parametrize("path", ["/metrics", "/metrics/x", "/internal", "/internal/deep?x=1"])
def test_denied_paths_are_denied_to_everybody(live: Live, path: str) -> None:
    for visitor in (live.visitor(), live.signed_in("team.example.com")):
        reply = visitor.get("team.example.com", path)
        assert (reply.status, reply.app) == (403, None)


def test_a_denied_path_of_an_open_row_is_denied_inside_the_office_too(live: Live) -> None:
    reply = live.visitor(OFFICE["/office"]).get("example.com", "/office/admin")
    assert (reply.status, reply.app) == (403, None)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_passes_once_signed_in_and_none_before(live: Live, method: str) -> None:
    body = b"x=1" if method in ("POST", "PUT", "PATCH") else None
    assert live.visitor().get("team.example.com", "/api/x", method=method, body=body).status == 401
    reply = live.signed_in("team.example.com").get("team.example.com", "/api/x", method=method, body=body)
    assert (reply.status, reply.app) == (200, "team/hello")


def test_no_answer_may_be_kept_at_the_edge(live: Live) -> None:
    for visitor, host, path in (
        (live.visitor(), "example.com", "/"),
        (live.visitor(), "team.example.com", "/"),
        (live.signed_in("team.example.com"), "team.example.com", "/report.pdf"),
    ):
        assert visitor.get(host, path).header("Cloudflare-CDN-Cache-Control") == "no-store"


def test_a_client_that_asks_too_often_is_stopped_and_nobody_else(live: Live) -> None:
    eager, other = live.visitor("203.0.113.101"), live.visitor("203.0.113.102")
    answers = [eager.get("example.com", "/limited").status for _ in range(60)]
    assert set(answers) == {200, 429}
    assert answers[0] == 200
    assert answers.count(200) <= 5 * 5 + 20  # the burst, and what flows in meanwhile
    assert other.get("example.com", "/limited").status == 200
    assert eager.get("example.com", "/about").status == 200


def test_who_begins_sign_ins_without_end_is_stopped_and_nobody_else(live: Live) -> None:
    """Dex keeps a record of each in the cluster's datastore."""
    eager, other = live.visitor("203.0.113.103"), live.visitor("203.0.113.104")
    start = str(eager.get("club.example.com", "/oauth2/start").location)
    answers = [eager.follow(start).status for _ in range(130)]
    assert set(answers) == {302, 429}
    assert answers.count(302) <= 60 + 20  # the burst, and what flows in meanwhile
    assert eager.get("club.example.com", "/dex/auth/oidc").status == 429
    assert other.follow(start).status == 302
    assert eager.get("club.example.com", "/").status == 302
    assert eager.get("team.example.com", "/dex/.well-known/openid-configuration").status == 200


def test_who_pauses_may_not_begin_anew(live: Live) -> None:
    """Traefik forgets clients that pause; with a rate of 30 a minute it would have forgotten this one in 3 s.

    It also forgets everybody at a change of its config, which another test's pods may cause, so this is tried again.
    """
    eager = live.visitor("203.0.113.105")
    start = str(eager.get("club.example.com", "/oauth2/start").location)

    def is_still_counted() -> bool:
        while eager.follow(start).status != 429:
            pass
        time.sleep(4)
        return eager.follow(start).status == 429

    assert any(is_still_counted() for _ in range(3))


def test_a_body_that_is_too_large_is_refused(live: Live) -> None:
    assert live.visitor().get("example.com", "/upload", method="POST", body=b"x" * 1000_000).status == 200
    reply = live.visitor().get("example.com", "/upload", method="POST", body=b"x" * 2 * 1024 * 1024)
    assert (reply.status, reply.app) == (413, None)


def test_an_app_that_takes_too_long_is_given_up(live: Live) -> None:
    assert live.visitor().get("example.com", "/slow?sleep=500ms").status == 200
    assert live.visitor().get("example.com", "/slow?sleep=6s").status in (502, 504)


def test_nothing_here_has_a_way_out(live: Live) -> None:
    """Neither these tests nor a pod: whatever a program tries to reach outside ends here."""
    pod = live.node.only("team/dex")
    for within in ([], ["nsenter", f"--target={pod.pause.pid}", "--net", "--"]):
        for address in ("203.0.113.1", "10.0.0.50", "2001:db8::1"):
            done = subprocess.run([*within, "ip", "route", "get", address], capture_output=True, text=True, check=False)
            assert done.returncode != 0 or GATEWAY in done.stdout, done.stdout
    routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[0] for line in routes] == ["10.42.0.0/16"]
