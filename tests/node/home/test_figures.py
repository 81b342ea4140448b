"""How fast the way in is through Services and real pods, and what the platform itself takes of its nodes.

Printed at the end of the run, and asserted where a number cannot depend on the machine: every request is answered,
every pod stays below its limit, and the platform of the home stack fits into what two small machines can spare.

The pages of a program are counted by the control group that read them first, which is containerd's; so what is resident
is said, too, and that is what is added up.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from config import compute
from config.fields.quantities import mebibytes
from config.routes import Route
from tests.live.load import Figures, Run, Target
from tests.node import machine
from tests.node.attempts import inside
from tests.node.cluster import Cluster
from tests.node.figures import FIGURES
from tests.node.home.test_way_in import image_of, visitor
from tests.node.images import STANDINS
from tests.node.visitor import Inside
from tests.real.api import Manifest
from tests.real.control_plane import wait

__all__ = ["visitor"]

PLATFORM = ("ingress-controller", "cloudflared", "oauth2-proxy", "dex")
"""Deployments that are not apps; the last two are once in every workspace with sign-in."""
NOT_REAL = {*STANDINS, "cloudflared"}
KNOWN = {"dex": 34, "cloudflared": compute.CLOUDFLARED.memory_mib}
"""MiB that count for what is stood in for: Dex as `config.compute` has it measured, cloudflared as what it asks for."""
GOAL = 512
"""MiB that the platform may take of the two machines of the home stack together."""
SECONDS = 1
PATHS = ("app alone", "controller, open row", "OAuth2-Proxy alone", "controller, protected row")


def service(home: Cluster, namespace: str, name: str) -> str:
    """``address:port`` of a Service with one port."""
    spec = home.api.get("v1", "Service", namespace, name)["spec"]
    [port] = spec["ports"]
    return f"{spec['clusterIP']}:{port['port']}"


@pytest.fixture(scope="module")
def closed(home: Cluster) -> Route:
    """A row that asks who it is."""
    return next(row for row in home.rendered.platform.routes if row.auth != "none")


@pytest.fixture(scope="module")
def targets(home: Cluster, visitor: Inside, closed: Route) -> dict[str, Target]:
    """What is asked on each path; the app of both rows is one that answers at once."""
    opened = next(row for row in home.rendered.platform.routes if row.auth == "none")
    ann = visitor.another()

    def known() -> bool:
        # A pod is Ready a moment before the controller has its address.
        try:
            return ann.sign_in(closed.host, closed.path).status == 302
        except AssertionError:
            return False

    wait("sign-in", known)
    rows = [(each.host, each.path) for each in (opened, closed)]
    wait("both rows", lambda: all(ann.get(host, path).status == 200 for host, path in rows))
    [(_, cookie)] = ann.cookie(closed.host)
    entry = service(home, "warren-ingress", "ingress-controller")
    proxy = service(home, closed.workspace, "oauth2-proxy")
    app = service(home, closed.workspace, closed.app)
    return {
        "app alone": Target("app", app, closed.host, closed.path, app=image_of(home, closed)),
        "controller, open row": Target("open", entry, opened.host, opened.path, app=image_of(home, opened)),
        "OAuth2-Proxy alone": Target("proxy", proxy, closed.host, "/oauth2/auth", cookie),
        "controller, protected row": Target("row", entry, closed.host, closed.path, cookie, image_of(home, closed)),
    }


@pytest.mark.parametrize("workers", [1, 16])
def test_every_request_is_answered_at_full_speed(
    home: Cluster, targets: dict[str, Target], tmp_path: Path, workers: int
) -> None:
    stands = {each.app: each.pid for each in home.containers()}
    measured: dict[str, Figures] = {}
    for path, target in targets.items():
        folder = tmp_path / target.name
        folder.mkdir()
        # From where somebody may ask: cloudflared asks the controller, and the controller everybody else.
        who = "warren-tunnel/cloudflared" if path.startswith("controller") else "warren-ingress/ingress-controller"
        run = Run(folder, [target], SECONDS, workers=workers, within=inside(stands[who]))
        measured[path] = run.figures()
        assert {hit.app for hit in run.hits()} == {target.app}
    FIGURES.append(f"{workers} at a time, {SECONDS} s each, by Services    requests/s   p50 ms   p99 ms")
    for path, found in measured.items():
        FIGURES.append(f"  {path:<34}{found.rate:>10.0f}{found.p50:>9.2f}{found.p99:>9.2f}")
    assert {path: found.success for path, found in measured.items()} == dict.fromkeys(PATHS, 1.0)
    assert all(found.requests > 20 for found in measured.values())


@pytest.mark.usefixtures("targets")
def test_every_pod_of_the_platform_stays_below_its_limit_and_all_fit_the_goal(home: Cluster) -> None:
    used: dict[str, list[int]] = {}
    held: dict[str, list[int]] = {}
    asks: dict[str, tuple[int, int]] = {}
    for each in home.containers():
        name = each.app.partition("/")[2]
        if name in PLATFORM and not each.app.startswith("kube-system/"):
            use, limit = machine.memory_of(each.pid)
            assert use < limit
            request = mebibytes(each.spec["resources"]["requests"]["memory"])
            asks[name] = request, limit >> 20
            used.setdefault(name, []).append(use >> 20)
            held.setdefault(name, []).append(machine.resident(each.pid) >> 20)
    assert used.keys() == set(PLATFORM)
    for name, (request, limit) in asks.items():
        kind = "stand-in" if name in NOT_REAL else "real"
        counted, resident = (", ".join(map(str, some[name])) for some in (used, held))
        FIGURES.append(
            f"memory of {name} ({kind}), MiB: control group {counted}, resident {resident}, "
            f"asks for {request}, limit {limit}"
        )
    asked = sum(asks[name][0] * len(some) for name, some in held.items())
    taken = sum(KNOWN[name] * len(some) if name in NOT_REAL else sum(some) for name, some in held.items())
    FIGURES.append(f"memory of the platform, MiB: {taken} taken (Dex and cloudflared as known), {asked} asked for")
    assert max(asked, taken) <= GOAL


def test_how_long_everything_took_from_apply_to_ready(home: Cluster) -> None:
    took = {each["metadata"]["name"]: _took(each) for each in home.api.get("apps/v1", "Deployment")}
    platform = ", ".join(f"{name} {took[name]:.0f}" for name in PLATFORM)
    FIGURES.append(f"from apply to Ready, s: {platform}; everything {max(took.values()):.0f}")
    assert all(seconds >= 0 for seconds in took.values())


def _took(deployment: Manifest) -> float:
    """Seconds from a Deployment's creation to all that it asks for."""
    [ready] = [each for each in deployment["status"]["conditions"] if each["type"] == "Available"]
    made, there = (deployment["metadata"]["creationTimestamp"], ready["lastTransitionTime"])
    return (datetime.fromisoformat(there) - datetime.fromisoformat(made)).total_seconds()
