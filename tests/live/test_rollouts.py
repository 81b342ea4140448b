"""Rule 67: a roll-out under load loses nothing, of an app and of sign-in; and without the wait it does.

Not seen here: kube-proxy, which a hosts file stands in for that is two seconds late, and the scheduler. Requests
come from a client in Go that keeps its connections, as cloudflared does.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from manifests import names
from manifests.pods import SETTLE_SECONDS
from tests.live.conftest import Live
from tests.live.load import Hit, Target, running
from tests.live.test_faults import LEGACY, OPEN, TEAM, mixture, wrong
from tests.live.visitor import PORT

RATE = 80
"""Requests a second: enough to meet every gap, and below what the machine has left while programs start."""
LONGEST = 100
"""Seconds that a roll-out may take, on a busy machine."""
CONTROLLER = "warren-ingress/ingress-controller"


def lost(hits: list[Hit]) -> Counter[tuple[str, int, str]]:
    """Requests that a person would have noticed."""
    good = {200, 302, 401, 403}
    return Counter((hit.target.name, hit.code, hit.error) for hit in hits if hit.code not in good)


def rolled(live: Live, folder: Path, app: str, targets: list[Target]) -> list[Hit]:
    """What came back while an app's pods were replaced, and for two seconds before and after."""
    before = {pod.address for pod in live.node.of(app)}
    with running(folder, targets, LONGEST, rate=RATE) as run:
        time.sleep(2)
        live.node.roll_out(app, seconds=LONGEST - 10)
        time.sleep(2)
        run.end()
    assert before.isdisjoint(pod.address for pod in live.node.of(app)), "every pod is another one"
    return run.hits()


def one(live: Live, host: str, path: str, app: str, cookie: str | None = None) -> list[Target]:
    """One kind of request, to the first of the controller's pods."""
    address = f"{live.node.of(CONTROLLER)[0].address}:{PORT}"
    return [Target(app, address, host, path, cookie, app=app)]


@pytest.mark.parametrize(
    ("host", "path", "app"),
    [(OPEN, "/about", "open/site"), (TEAM, "/shared", "team/hello"), (LEGACY, "/", "legacy/old")],
    ids=["two replicas", "autoscaled", "one replica"],
)
def test_rule_67_a_roll_out_of_an_app_loses_nothing(live: Live, tmp_path: Path, host: str, path: str, app: str) -> None:
    hits = rolled(live, tmp_path, app, one(live, host, path, app))
    assert lost(hits) == {}
    assert wrong(hits) == []
    assert {hit.code for hit in hits} == {200}
    assert len(hits) > RATE * SETTLE_SECONDS


@pytest.mark.parametrize("part", [names.PROXY, names.DEX])
def test_rule_67_a_roll_out_of_sign_in_loses_nothing(live: Live, tmp_path: Path, part: str) -> None:
    pod = live.node.of(CONTROLLER)[0]
    targets = [
        *mixture(live, pod),
        Target("a sign-in begins", f"{pod.address}:{PORT}", TEAM, "/oauth2/start"),
        Target("Dex says who it is", f"{pod.address}:{PORT}", TEAM, "/dex/.well-known/openid-configuration"),
    ]
    hits = rolled(live, tmp_path, f"team/{part}", targets)
    assert lost(hits) == {}
    assert wrong(hits) == []
    assert {hit.target.name for hit in hits if hit.code == 200} >= {"page, signed in", "Dex says who it is"}


@contextmanager
def without_the_wait(live: Live, namespace: str, name: str) -> Iterator[None]:
    """A Deployment's pods end as soon as they are told to."""
    [manifest] = [
        each
        for each in live.rendered.of("Deployment")
        if (each["metadata"]["namespace"], each["metadata"]["name"]) == (namespace, name)
    ]
    api, app = live.node.api, f"{namespace}/{name}"
    path = api.path("apps/v1", "Deployment", namespace, name)
    bare = [{"op": "remove", "path": "/spec/template/spec/containers/0/lifecycle"}]
    live.node.roll_out(app, lambda: api.request("PATCH", path, bare, content="application/json-patch+json"))
    try:
        yield
    finally:
        live.node.roll_out(app, lambda: api.apply(manifest))


def test_rule_67_without_the_wait_a_roll_out_loses_requests(live: Live, tmp_path: Path) -> None:
    """So the tests above can fail: this is what they would see, mostly at once; it is a race."""
    losses = []
    with without_the_wait(live, "open", "site"):
        for attempt in range(3):
            (folder := tmp_path / str(attempt)).mkdir()
            hits = rolled(live, folder, "open/site", one(live, OPEN, "/about", "open/site"))
            assert wrong(hits) == []
            losses.append(lost(hits).total())
            if losses[-1]:
                break
    assert losses[-1] > 0, losses
