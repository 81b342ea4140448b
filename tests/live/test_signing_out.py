"""What signing out does and what it does not, as docs/sign-in.md says it (security rule 54)."""

from __future__ import annotations

import base64
import secrets
import time

import pytest

from manifests.signin import oauth2_proxy
from scripts.project import WARREN
from tests.live.conftest import Live
from tests.live.rows import every_host
from tests.live.test_attacks import CLUB, TEAM, is_shut, session, signed_at
from tests.live.visitor import Visitor
from tests.live.websocket import WebSocket, connect

SIGN_IN = " ".join((WARREN / "docs" / "sign-in.md").read_text(encoding="utf-8").split())


def opened(who: Visitor, host: str, path: str = "/") -> WebSocket:
    reply, found = connect(who, host, path, ("Origin", f"https://{host}"))
    assert found is not None, reply
    return found


def new_cookie_secret(live: Live, workspace: str) -> None:
    """What replacing the resource of the secret comes to: a new value, and a restarted OAuth2-Proxy."""
    api, name = live.node.api, "oauth2-proxy"
    fresh = oauth2_proxy.cookie_secret(base64.b64encode(secrets.token_bytes(32)).decode())
    change = {"data": {oauth2_proxy.COOKIE_SECRET_ENV: base64.b64encode(fresh.encode()).decode()}}
    answer = api.merge(api.path("v1", "Secret", workspace, name), change)
    assert answer.ok, answer.message
    pod = live.node.only(f"{workspace}/{name}")
    live.node.kill(pod)
    live.node.restart(pod)


@every_host()
def test_rule_54_a_copied_cookie_outlives_signing_out(live: Live, host: str) -> None:
    who = live.visitor()
    assert who.sign_in(host).status == 302
    thief = live.visitor()
    thief.jar[host] = dict(who.jar[host])
    assert who.get(host, "/oauth2/sign_out").status == 302
    assert is_shut(who.get(host, "/"))
    assert thief.get(host, "/").seen_header("X-Auth-Request-Email") == ["ann@example.com"]
    assert "A copy of the cookie stays good until the session would have ended" in SIGN_IN


def test_rule_54_and_dies_with_the_session(live: Live) -> None:
    cookie = session(live.signed_in(TEAM), TEAM)
    late = signed_at(live, cookie, 8 * 3600 + 1)
    assert is_shut(live.visitor().get(TEAM, "/", ("Cookie", f"{cookie[0]}={late}")))


def test_rule_54_an_open_websocket_outlives_signing_out(live: Live) -> None:
    who = live.visitor()
    assert who.sign_in(TEAM).status == 302
    with opened(who, TEAM) as socket:
        assert who.get(TEAM, "/oauth2/sign_out").status == 302
        assert is_shut(who.get(TEAM, "/"))
        time.sleep(1)
        assert socket.say("still here") == "still here"
        assert connect(who, TEAM, "/")[0].status == 302
    assert "An open WebSocket stays open until one side closes it" in SIGN_IN


def test_rule_54_a_new_cookie_secret_ends_every_session_and_a_restarted_controller_every_websocket(live: Live) -> None:
    """The two steps of the page, and that the first alone is not enough."""
    thief, app = live.signed_in(CLUB), "club/wiki"
    # Restarted, a pod's process may have lost the visitor's connection, so the socket goes to the second one.
    pod = live.node.of("warren-ingress/ingress-controller")[1]
    through = Visitor(pod.address)
    through.jar[CLUB] = dict(thief.jar[CLUB])
    with opened(through, CLUB, "/events") as socket:
        try:
            new_cookie_secret(live, "club")
        finally:
            for key in [key for key in live.sessions if key[0] == CLUB]:
                del live.sessions[key]
        assert is_shut(thief.get(CLUB, "/"))
        assert live.signed_in(CLUB).get(CLUB, "/").app == app
        assert socket.say("still here") == "still here"
        live.node.kill(pod, gracefully=True)
        try:
            with pytest.raises(ConnectionError):
                socket.say("and now?")
        finally:
            live.node.restart(pod)
    for step in ("--replace '**::mcd-auth.oauth2-proxy-cookie'", "rollout restart deployment/ingress-controller"):
        assert step in SIGN_IN
