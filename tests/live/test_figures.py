"""How fast the request path is and what it weighs: side by side, in one run, on this machine.

Printed at the end of the run, and asserted only where a number cannot depend on the machine: everything was answered,
and no process has more memory than its pod may.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from config import compute
from manifests.signin.signin import PROXY_PORT
from tests.live.conftest import FIGURES, Live
from tests.live.load import Figures, Run, Target
from tests.live.visitor import PORT

TEAM = "team.example.com"
SECONDS = 2
PATHS = ("app alone", "Traefik, open row", "OAuth2-Proxy alone", "Traefik, protected row")
LIMITS = {"traefik": compute.TRAEFIK, "oauth2-proxy": compute.OAUTH2_PROXY}


def target(live: Live, path: str) -> Target:
    controller = live.node.of("warren-ingress/ingress-controller")[0].address
    app, proxy = live.node.of("team/hello")[0].address, live.node.only("team/oauth2-proxy").address
    [(_, cookie)] = live.signed_in(TEAM).cookie(TEAM)
    return {
        "app alone": Target(path, f"{app}:8000", TEAM, "/shared", app="team/hello"),
        "Traefik, open row": Target(path, f"{controller}:{PORT}", TEAM, "/shared", app="team/hello"),
        "OAuth2-Proxy alone": Target(path, f"{proxy}:{PROXY_PORT}", TEAM, "/oauth2/auth", cookie),
        "Traefik, protected row": Target(path, f"{controller}:{PORT}", TEAM, "/api", cookie, "team/hello"),
    }[path]


@pytest.mark.parametrize("workers", [1, 16])
def test_every_request_is_answered_at_full_speed(live: Live, tmp_path: Path, workers: int) -> None:
    measured: dict[str, Figures] = {}
    for path in PATHS:
        folder = tmp_path / path.replace(" ", "-")
        folder.mkdir()
        measured[path] = Run(folder, [target(live, path)], SECONDS, workers=workers).figures()
    FIGURES.append(f"{workers} at a time, {SECONDS} s each        requests/s   p50 ms   p99 ms")
    for path, found in measured.items():
        FIGURES.append(f"  {path:<30}{found.rate:>10.0f}{found.p50:>9.2f}{found.p99:>9.2f}")
    whole, plain, asked = (measured[path].p50 for path in (PATHS[3], PATHS[1], PATHS[2]))
    FIGURES.append(
        f"  of the protected row's p50: the app and the way to it {plain / whole:.0%}, being asked who it is "
        f"{1 - plain / whole:.0%} (OAuth2-Proxy itself {asked / whole:.0%})"
    )
    assert {path: found.success for path, found in measured.items()} == dict.fromkeys(PATHS, 1.0)
    assert all(found.requests > 100 for found in measured.values())
    assert whole > plain


def test_no_process_has_more_memory_than_its_pod_may(live: Live) -> None:
    found = live.node.memory()
    found |= {name: [process.memory()] for name, process in live.plane.processes.items()}
    FIGURES.append("resident memory after the load")
    for name, sizes in sorted(found.items()):
        each = ", ".join(f"{size / 2**20:.0f}" for size in sorted(sizes))
        FIGURES.append(f"  {name:<30}{each} MiB")
    assert {"traefik", "oauth2-proxy", "identity", "echo", "kube-apiserver"} <= set(found)
    for name, allowed in LIMITS.items():
        assert max(found[name]) < allowed.memory_limit_mib * 2**20


def test_sign_in_asks_for_what_each_of_its_processes_has_of_its_own(live: Live) -> None:
    """After everything above; Dex is a stand-in here, and decision 0021 has what the real one had."""
    own = live.node.memory("RssAnon")["oauth2-proxy"]
    FIGURES.append(f"  oauth2-proxy, its own         {', '.join(f'{size / 2**20:.0f}' for size in sorted(own))} MiB")
    assert len(own) >= 4
    assert max(own) < compute.OAUTH2_PROXY.memory_mib * 2**20
