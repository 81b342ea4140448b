"""Requests of every kind, from where cloudflared's pod stands, while something happens to the cluster.

Owns: what is asked, from where, what the right answer to each is, and what became of all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.live.load import Hit, Run, Target, running
from tests.node.cluster import Cluster
from tests.node.visitor import Inside
from tests.real.control_plane import wait

OPEN, SHOP, ROGUES = "example.com", "shop.example.com", "rogue.example.com"
ONCE, TWICE, SLOW = "one replica", "two replicas", "one replica, slow"
SIGNED_IN, SIGNED_OUT, DEX = "signed in", "signed out", "Dex"
ROGUE = "rogue"
"""Asked only where it is said, as it may be the one that is broken."""

CODES = {ONCE: 200, TWICE: 200, SLOW: 200, SIGNED_IN: 200, SIGNED_OUT: 302, DEX: 200, ROGUE: 200}
"""Kind of request to the only right answer."""

NEAR = "pi-1"
"""The node of the cloudflared that requests come from; tests do what they do to the other one."""
_ENOUGH = 6
"""Requests that hardly all go to the same one of two controllers."""


def visitor(cluster: Cluster) -> Inside:
    """Somebody who comes by the controller's Service, from the network of cloudflared's pod on `NEAR`."""
    service = cluster.api.get("v1", "Service", "warren-ingress", "ingress-controller")
    [pid] = [
        each.pid
        for each in cluster.containers()
        if each.app == "warren-tunnel/cloudflared" and each.pod["spec"]["nodeName"] == NEAR
    ]
    return Inside(pid, service["spec"]["clusterIP"], service["spec"]["ports"][0]["port"])


def kinds(ann: Inside) -> list[Target]:
    """One request of every kind; `ann` is signed in at the shop."""
    address = f"{ann.address}:{ann.port}"
    [(_, cookie)] = ann.cookie(SHOP)
    return [
        Target(ONCE, address, OPEN, "/once"),
        Target(TWICE, address, OPEN, "/twice"),
        Target(SLOW, address, OPEN, "/once?sleep=3s"),
        Target(SIGNED_IN, address, SHOP, "/", cookie),
        Target(SIGNED_OUT, address, SHOP, "/"),
        Target(DEX, address, SHOP, "/dex/.well-known/openid-configuration"),
        Target(ROGUE, address, ROGUES, "/greedy"),
    ]


@contextmanager
def asking(ann: Inside, folder: Path, *more: str, rate: int = 30, timeout: int = 10) -> Iterator[Run]:
    """Ask for everything that should always answer, and for `more`, `rate` a second, until the block ends.

    It begins when all of them answer as they should.
    """
    within = ["nsenter", f"--target={ann.pid}", "--net", "--"]
    targets = [target for target in kinds(ann) if target.name != ROGUE or ROGUE in more]
    # A pod is Ready a moment before each of the controllers has its address.
    wait(
        "right answers",
        lambda: all(_right(ann, target) for target in targets if target.name != SLOW for _ in range(_ENOUGH)),
    )
    with running(folder, targets, 600, rate=rate, timeout=timeout, within=within) as run:
        try:
            yield run
        finally:
            run.end()


def lost(hits: Iterable[Hit]) -> Counter[tuple[str, int, str]]:
    """Requests that somebody would have noticed: kind, answer and error to how many."""
    return Counter((hit.target.name, hit.code, hit.error) for hit in hits if hit.code != CODES[hit.target.name])


def each_kind(hits: Iterable[Hit]) -> Mapping[str, list[Hit]]:
    """The hits of every kind, in the order in which they were sent."""
    found: dict[str, list[Hit]] = {name: [] for name in CODES}
    for hit in sorted(hits, key=lambda hit: hit.began):
        found[hit.target.name].append(hit)
    return found


def slowest(hits: Iterable[Hit]) -> str:
    """The longest that an answer took, but of what is slow by itself, and that of 99 in 100; in milliseconds."""
    took = sorted(hit.took * 1000 for hit in hits if hit.target.name != SLOW)
    return f"99 % within {took[len(took) * 99 // 100]:.0f} ms, the slowest {took[-1]:.0f} ms"


def signed_in(cluster: Cluster) -> Inside:
    """Somebody who is signed in at the shop."""
    ann = visitor(cluster)
    wait("sign-in", lambda: _signs_in(ann))
    return ann


def _signs_in(ann: Inside) -> bool:
    try:
        return ann.sign_in(SHOP, "/").status == 302
    except AssertionError:
        return False


def _right(ann: Inside, target: Target) -> bool:
    somebody = ann if target.cookie else ann.another()
    return somebody.get(target.host, target.path).status == CODES[target.name]
