"""The way in, from where cloudflared's pod stands: the Service of the controller, sign-in, every row of the table."""

from __future__ import annotations

import time

import pytest

from config.routes import Route
from tests.node.cluster import Cluster
from tests.node.figures import FIGURES
from tests.node.visitor import Inside
from tests.real.control_plane import wait


@pytest.fixture(scope="module")
def visitor(home: Cluster) -> Inside:
    """Somebody who comes by the Service that cloudflared is told of."""
    [service] = [
        each
        for each in home.api.get("v1", "Service", "warren-ingress")
        if each["metadata"]["name"] == "ingress-controller"
    ]
    pid = next(each.pid for each in home.containers() if each.app == "warren-tunnel/cloudflared")
    return Inside(pid, service["spec"]["clusterIP"], service["spec"]["ports"][0]["port"])


def image_of(home: Cluster, row: Route) -> str:
    """The image of the app that a row leads to, which is what its stand-in calls itself."""
    [found] = [
        each["spec"]["template"]["spec"]["containers"][0]["image"]
        for each in home.rendered.of("Deployment")
        if (each["metadata"]["namespace"], each["metadata"]["name"]) == (row.workspace, row.app)
    ]
    return str(found)


def test_every_row_signed_out_and_signed_in(home: Cluster, visitor: Inside) -> None:
    rows = home.rendered.platform.routes
    closed = [row for row in rows if row.auth != "none"]
    assert 0 < len(closed) < len(rows)
    ann = visitor.another()
    for host in {row.host for row in closed}:
        path = next(row.path for row in closed if row.host == host)
        assert ann.sign_in(host, path).status == 302
    # A pod is Ready a moment before the controller has its address.
    began = time.monotonic()
    wait("routes", lambda: all(ann.get(row.host, row.path).status != 503 for row in rows))
    FIGURES.append(f"every row answered {time.monotonic() - began:.1f} s after that was first asked")

    def seen(who: Inside, row: Route) -> tuple[int, str | None]:
        reply = who.get(row.host, row.path)
        return reply.status, reply.app

    app = {row.url: (200, image_of(home, row)) for row in rows}
    signed_out = {row.url: app[row.url] if row.auth == "none" else (302, None) for row in rows}
    assert {row.url: seen(visitor.another(), row) for row in rows} == signed_out
    assert {row.url: seen(ann, row) for row in rows} == app
    known = {row.url: ann.get(row.host, row.path).seen_header("X-Auth-Request-Email") for row in rows}
    assert known == {row.url: ["ann@devailab.work"] if row in closed else [] for row in rows}
