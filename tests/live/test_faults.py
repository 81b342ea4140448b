"""What happens when a part fails: doors stay shut, the rest goes on, and what comes back works again."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from manifests.ingress.traefik import LOADED_PATH, PING_PORT
from tests.live.conftest import Live
from tests.live.load import Hit, Target, running
from tests.live.node import Pod
from tests.live.visitor import PORT, Visitor
from tests.real.control_plane import wait

TEAM, CLUB, OPEN, LEGACY = "team.example.com", "club.example.com", "example.com", "legacy.example.com"


@contextmanager
def down(live: Live, app: str) -> Iterator[None]:
    """All processes of an app have died, and the API server has not noticed."""
    pods = live.node.of(app)
    for pod in pods:
        live.node.kill(pod)
    try:
        yield
    finally:
        for pod in pods:
            live.node.restart(pod)


@contextmanager
def out_of_endpoints(live: Live, app: str) -> Iterator[None]:
    """An app's pods are not ready, so its EndpointSlices have no address to send to."""
    pods = live.node.of(app)
    for pod in pods:
        live.node.set_ready(pod, False)
    try:
        yield
    finally:
        for pod in pods:
            live.node.set_ready(pod, True)


def the_rest_goes_on(live: Live) -> None:
    """Workspaces that nothing happened to."""
    assert live.visitor().get(OPEN, "/").app == "open/site"
    assert live.visitor().get(LEGACY, "/").app == "legacy/old"
    assert live.signed_in(CLUB).get(CLUB, "/").app == "club/wiki"
    assert live.visitor().get(CLUB, "/").status == 302


def test_without_oauth2_proxy_protected_rows_are_shut_and_open_ones_go_on(live: Live) -> None:
    member = live.signed_in(TEAM)
    with down(live, "team/oauth2-proxy"):
        for visitor in (live.visitor(), member):
            for path in ("/", "/api", "/api/deep"):
                reply = visitor.get(TEAM, path)
                # The controller itself asks a program for its password.
                asked = visitor is not member and path != "/"
                assert reply.status == 401 if asked else reply.status >= 500
                assert reply.app is None
            assert visitor.get(TEAM, "/oauth2/start").status >= 500
        assert live.visitor().get(TEAM, "/shared").app == "team/hello"
        assert live.visitor().get(TEAM, "/metrics").status == 403
        the_rest_goes_on(live)
    assert member.get(TEAM, "/").app == "team/hello"


def test_an_oauth2_proxy_without_endpoints_opens_nothing_either(live: Live) -> None:
    member = live.signed_in(TEAM)
    with out_of_endpoints(live, "team/oauth2-proxy"):
        wait("sign-in is gone", lambda: live.visitor().get(TEAM, "/oauth2/start").status == 503)
        # The controller asks the proxy's Service by name, so only the sign-in pages are gone.
        for path, statuses in (("/", (302, 500, 503)), ("/api", (401, 500, 503))):
            reply = live.visitor().get(TEAM, path)
            assert reply.status in statuses
            assert reply.app is None
        assert live.visitor().get(TEAM, "/shared").app == "team/hello"
        the_rest_goes_on(live)
    wait("sign-in is back", lambda: live.visitor().get(TEAM, "/oauth2/start").status == 302)
    assert member.get(TEAM, "/").app == "team/hello"


def test_without_the_provider_who_is_signed_in_goes_on_and_nobody_new_comes_in(live: Live) -> None:
    member, newcomer = live.signed_in(TEAM), live.visitor()
    start = newcomer.get(TEAM, "/oauth2/start")
    back = newcomer.be(str(start.location), "ann")
    with down(live, "team/dex"):
        assert member.get(TEAM, "/").app == "team/hello"
        assert member.get(TEAM, "/api").app == "team/hello"
        assert live.visitor().get(TEAM, "/").status == 302
        assert live.visitor().follow(str(start.location)).status >= 500
        # It died between the provider and the callback: the code cannot be redeemed.
        reply = newcomer.follow(back)
        assert reply.status >= 500
        assert [name for name in newcomer.jar[TEAM] if "csrf" not in name] == []
        the_rest_goes_on(live)
    assert live.visitor().sign_in(TEAM).status == 302


def test_an_app_that_is_down_takes_nobody_with_it(live: Live) -> None:
    with down(live, "team/hello"):
        member = live.signed_in(TEAM)
        assert member.get(TEAM, "/").status in (502, 504)
        assert live.visitor().get(TEAM, "/shared").status in (502, 504)
        assert live.visitor().get(TEAM, "/").status == 302
        assert live.visitor().get(TEAM, "/api").status == 401
        assert live.signed_in("tool.team.example.com").get("tool.team.example.com", "/").app == "team/tool"
        the_rest_goes_on(live)
    assert live.signed_in(TEAM).get(TEAM, "/").app == "team/hello"


def test_an_app_without_endpoints_is_unavailable_and_not_somebody_elses(live: Live) -> None:
    with out_of_endpoints(live, "open/limited"):
        wait("unavailable", lambda: live.visitor().get(OPEN, "/limited").status == 503)
        assert live.visitor().get(OPEN, "/about").app == "open/site"
    wait("available", lambda: live.visitor().get(OPEN, "/limited").status == 200)


def test_a_provider_with_new_keys_is_believed(live: Live) -> None:
    """identity makes new signing keys at each start; OAuth2-Proxy has to fetch them."""
    with down(live, "club/dex"):
        pass
    who = live.visitor()
    assert who.sign_in(CLUB).status == 302
    assert who.get(CLUB, "/").app == "club/wiki"


def mixture(live: Live, pod: Pod) -> list[Target]:
    """Requests of every kind, for all workspaces."""
    address = f"{pod.address}:{PORT}"

    def cookie(host: str) -> str:
        [(_, text)] = live.signed_in(host).cookie(host)
        return text

    return [
        Target("open", address, OPEN, "/about", app="open/site"),
        Target("open, another workspace", address, LEGACY, "/", app="legacy/old"),
        Target("shared", address, TEAM, "/shared", app="team/hello"),
        Target("page, signed out", address, TEAM, "/"),
        Target("api, signed out", address, TEAM, "/api"),
        Target("denied", address, TEAM, "/metrics", cookie(TEAM)),
        Target("club, signed out", address, CLUB, "/"),
        Target("club, with a cookie of team", address, CLUB, "/", cookie(TEAM)),
        Target("page, signed in", address, TEAM, "/", cookie(TEAM), app="team/hello"),
        Target("club, signed in", address, CLUB, "/events", cookie(CLUB), app="club/wiki"),
    ]


def wrong(hits: list[Hit]) -> list[str]:
    """Answers that must never be: from the wrong app, or from any app to somebody who is not signed in."""
    return [f"{hit.target.name}: {hit.code} from {hit.app}" for hit in hits if hit.app not in (None, hit.target.app)]


@pytest.mark.parametrize("gracefully", [True, False], ids=["terminated", "killed"])
def test_a_controller_that_is_restarted_under_load_sends_nobody_astray(
    live: Live, tmp_path: Path, gracefully: bool
) -> None:
    pod, other = live.node.of("warren-ingress/ingress-controller")
    # A terminated one goes on for ten seconds, and longer while connections are busy.
    with running(tmp_path, mixture(live, pod), 14 if gracefully else 5, rate=100) as run:
        time.sleep(1)
        live.node.kill(pod, gracefully=gracefully)
        assert Visitor(other.address).get(OPEN, "/").status == 200
        live.node.restart(pod)
    hits = run.hits()
    assert wrong(hits) == []
    assert len(hits) >= 400
    assert gracefully or 0 in {hit.code for hit in hits}, "nobody noticed that it was killed"

    with running(tmp_path, run.targets, 2, rate=100) as after:
        pass
    assert wrong(after.hits()) == []
    assert {hit.target.name for hit in after.hits() if hit.code == 200} == {
        target.name for target in run.targets if target.app is not None
    }
    assert {hit.code for hit in after.hits()} == {200, 302, 401, 403}


def test_while_a_controller_starts_it_says_not_found_and_opens_nothing(live: Live) -> None:
    """Between its first listening and its first routes."""
    pod, _ = live.node.of("warren-ingress/ingress-controller")
    member = live.signed_in(TEAM)
    live.node.kill(pod)
    live.node.launch(pod)
    seen: Counter[tuple[int, str | None]] = Counter()
    deadline = time.monotonic() + 8
    try:
        while time.monotonic() < deadline:
            for visitor in (Visitor(pod.address), member):
                try:
                    reply = visitor.get(TEAM, "/api")
                except (OSError, http.client.HTTPException):
                    seen[0, None] += 1
                    continue
                if visitor is not member:
                    assert reply.app is None
                seen[reply.status, reply.app] += 1
            time.sleep(0.02)  # below the limit that one address has
    finally:
        live.node.await_ready(pod)
    assert {status for status, app in seen if app is None} <= {0, 401, 404, 500, 502, 503}
    assert seen[200, "team/hello"] > 0


@contextmanager
def held_back(live: Live) -> Iterator[None]:
    """The API server takes connections and answers none."""
    server = live.plane.processes["kube-apiserver"].pid
    os.kill(server, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server, signal.SIGCONT)


def probed(pod: Pod, path: str) -> int:
    """What the port for probes answers; 0 where nothing does."""
    connection = http.client.HTTPConnection(pod.address, PING_PORT, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def test_rule_67_a_controller_is_ready_when_it_has_its_routes_and_not_before(live: Live) -> None:
    pod, other = live.node.of("warren-ingress/ingress-controller")
    live.node.kill(pod)
    try:
        with held_back(live):
            live.node.launch(pod)
            wait("its first answer", lambda: probed(pod, "/ping") == 200)
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                assert Visitor(pod.address).get(OPEN, "/about").status == 404
                assert not live.node.answers(pod)
                time.sleep(0.2)
            assert Visitor(other.address).get(OPEN, "/about").status == 200
    finally:
        live.node.await_ready(pod)
    who = Visitor(pod.address)
    assert [row for row in live.rendered.platform.routes if who.get(row.host, row.path).status == 404] == []
    lines = [json.loads(line) for line in pod.containers["traefik"].said().splitlines()]
    assert [line for line in lines if line.get("RequestPath") == LOADED_PATH] == []
    assert probed(pod, LOADED_PATH) == 200


def test_sign_in_under_load_lets_the_right_people_in(live: Live, tmp_path: Path) -> None:
    pod = live.node.of("warren-ingress/ingress-controller")[0]
    with running(tmp_path, mixture(live, pod), 4, rate=150) as run:
        for user, status in (("ann", 302), ("eve", 403), ("bob", 302), ("eve", 403)):
            assert live.visitor().sign_in(TEAM, user=user).status == status
    assert wrong(run.hits()) == []
    assert set(Counter(hit.code for hit in run.hits())) == {200, 302, 401, 403}
