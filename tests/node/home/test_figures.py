"""What the platform itself takes of its nodes, as their control groups count it.

The pages of a program are counted where they were read first, which is containerd; so what is resident is said, too.
"""

from __future__ import annotations

from tests.node import machine
from tests.node.cluster import Cluster
from tests.node.figures import FIGURES
from tests.node.images import STANDINS

PLATFORM = ("ingress-controller", "cloudflared", "oauth2-proxy", "dex")
"""Deployments that are not apps; the last two are once in every workspace with sign-in."""


def test_every_pod_of_the_platform_stays_below_its_limit(home: Cluster) -> None:
    used: dict[str, list[int]] = {}
    resident: dict[str, list[int]] = {}
    limits: dict[str, int] = {}
    for each in home.containers():
        name = each.app.partition("/")[2]
        if name in PLATFORM and not each.app.startswith("kube-system/"):
            use, limits[name] = machine.memory_of(each.pid)
            used.setdefault(name, []).append(use)
            resident.setdefault(name, []).append(machine.resident(each.pid))
    assert used.keys() == set(PLATFORM)
    mebibyte = 1 << 20
    for name, each_use in used.items():
        kind = "stand-in" if name in (*STANDINS, "cloudflared") else "real"
        counted, held = (", ".join(f"{one / mebibyte:.0f}" for one in some) for some in (each_use, resident[name]))
        FIGURES.append(f"memory of {name} ({kind}): {counted} of {limits[name] // mebibyte} MiB, resident {held}")
        assert all(use < limits[name] for use in each_use)
