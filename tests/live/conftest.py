"""Fixtures of the live tests: one network, one cluster, one node, one platform for the whole run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.live.network import GATEWAY, make_network
from tests.live.node import NOT_RUN, Node
from tests.live.silence import Silent
from tests.live.visitor import ANN, Visitor
from tests.real import control_plane, stacks
from tests.real.control_plane import ControlPlane, wait

STACK = "everything"
FIGURES: list[str] = []
"""Lines for the end of the run: what was measured."""


@dataclass(frozen=True)
class User:
    """Somebody whom the provider knows."""

    name: str
    email: str
    groups: tuple[str, ...]
    verified: bool = True

    def claims(self) -> dict[str, object]:
        """As identity reads it."""
        return {
            "id": f"id-of-{self.name}",
            "name": self.name.title(),
            "preferred_username": self.name,
            "email": self.email,
            "email_verified": self.verified,
            "groups": self.groups,
        }


USERS = {
    user.name: user
    for user in (
        User("ann", "ann@example.com", ("staff", "members")),
        User("bob", "bob@example.com", ("friends",)),
        User("eve", "eve@elsewhere.example", ("strangers",)),
        User("una", "una@example.com", ("members",), verified=False),
    )
}
"""ann and bob are on suite's list and in team's domain; eve is nowhere; una's address was never verified."""


@dataclass(frozen=True)
class Live:
    """The running platform."""

    rendered: stacks.Rendered
    plane: ControlPlane
    node: Node
    sessions: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def visitor(self, client: str = ANN, source: str | None = None) -> Visitor:
        """Somebody new, who comes to the first of the controller's pods."""
        return Visitor(self.node.of("warren-ingress/ingress-controller")[0].address, client, source)

    def signed_in(self, host: str, user: str = "ann") -> Visitor:
        """Somebody who is signed in at a host; signing in is done once, and the session shared by tests."""
        if (host, user) not in self.sessions:
            first = self.visitor()
            reply = first.sign_in(host, user=user)
            assert reply.status == 302, reply
            self.sessions[host, user] = first.jar[host]
        visitor = self.visitor()
        visitor.jar[host] = dict(self.sessions[host, user])
        return visitor


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The platform: rendered by the engine, admitted by the API server, run by the node."""
    folder = tmp_path_factory.mktemp("live")
    hosts = folder / "hosts"
    hosts.write_text("127.0.0.1 localhost\n", encoding="utf-8")
    make_network(hosts)
    rendered = stacks.render(folder / "stack", STACK, "traefik")
    users = folder / "users.json"
    users.write_text(json.dumps([user.claims() for user in USERS.values()]), encoding="utf-8")
    plane = control_plane.start(folder / "plane", host=GATEWAY, port=6443)
    try:
        nodes = {each.name: each.ip for each in rendered.platform.stack.cluster.nodes}
        node = Node(plane, folder / "node", users, hosts, nodes)
        try:
            said = control_plane.bring_up(node.api, rendered.manifests)
            assert {str(key): answer.message for key, answer in said.items() if not answer.ok} == {}
            wait("pods", lambda: len(node.api.get("v1", "Pod")) >= _expected(rendered))
            node.start()
            running = Live(rendered, plane, node)
            wait("routes", lambda: _served(running), 120)
            yield running
        finally:
            node.stop()
    finally:
        plane.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put last who waits for what the run begins with: the others' time passes meanwhile."""
    items.sort(key=lambda item: "silence" in item.name)


@pytest.fixture(scope="session", autouse=True)
def silent(request: pytest.FixtureRequest) -> Iterator[Silent | None]:
    """Connections that begin with the run and say nothing for a minute; None where no test asks for them."""
    if not any("silence" in item.name for item in request.session.items):
        yield None
        return
    live: Live = request.getfixturevalue("live")
    waiting = Silent(lambda host: live.visitor("203.0.113.180") if host is None else live.signed_in(host))
    yield waiting
    waiting.forget()


def _expected(rendered: stacks.Rendered) -> int:
    # An autoscaled Deployment says no number; the API server then takes 1.
    return sum(each["spec"].get("replicas", 1) for each in rendered.of("Deployment", "Job"))


def _served(live: Live) -> bool:
    """Whether every controller knows every row and the pods behind it: no 404 and no 503, also once signed in."""
    for pod in live.node.of("warren-ingress/ingress-controller"):
        visitor = Visitor(pod.address)
        for row in live.rendered.platform.routes:
            if row.auth != "none" and row.host not in visitor.jar:
                if visitor.get(row.host, "/oauth2/start").status != 302:
                    return False
                visitor.jar[row.host] = live.signed_in(row.host).jar[row.host]
            if visitor.get(row.host, row.path).status in (404, 502, 503):
                return False
    return True


def pytest_report_header() -> list[str]:
    """Say what is real in this run and what stands in for something."""
    return [
        "real: etcd, kube-apiserver, kube-controller-manager, Traefik and OAuth2-Proxy, as the platform starts them",
        "stand-ins: for the kubelet (tests/live/node.py), for Dex (identity), for every app (echo)",
        f"not run: {', '.join(NOT_RUN)}",
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    if FIGURES:
        terminalreporter.section("figures of this run, on this machine")
        terminalreporter.write_line("\n".join(FIGURES))
