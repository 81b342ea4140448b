"""Walls, proven by packets against the files that readers have: what a group's tests of walls have in common.

Owns: trying everything once with walls and once without, and writing the published files from what packets did.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from tests.cluster import reach
from tests.cluster.reach import Halves, Matrix, Port
from tests.node import services, tries
from tests.node.attempts import CLOSED, OPEN, Attempt, tried
from tests.node.cluster import Cluster
from tests.node.figures import FIGURES
from tests.node.tries import DIRECT, Try
from tests.node.walls import IPV6, Ends, stand_in


def made(cluster: Cluster, pods: int = 2) -> Ends:
    """Make everybody who is tried, a stranger's Service among them; `pods` as for `stand_in`."""
    ends = stand_in(cluster, pods)
    services.make(ends)
    return ends


def packets(ends: Ends) -> dict[Try, str]:
    """Try everything; say in the figures how much, and what is left out."""
    began = time.monotonic()
    found = tries.outcomes(tries.everything(ends), ends)
    pods = f"{ends.pods} of every app's pods" if ends.pods > 1 else "one pod of every app"
    FIGURES.append(f"walls: {len(found)} connections tried in {time.monotonic() - began:.0f} s, with {pods}")
    FIGURES.extend(tries.counted(found))
    left_out = {**ends.left_out, **services.LEFT_OUT}
    FIGURES.extend(f"  not tried: {name} ({reason})" for name, reason in left_out.items())
    return found


def without_walls(ends: Ends, found: Mapping[Try, str]) -> str:
    """Switch the walls off, try the same, and return what is not open then, a line each."""
    began = time.monotonic()
    for node in ends.cluster.nodes:
        node.enforce(False)
    try:
        bare = tries.outcomes(list(found), ends, OPEN)
    finally:
        for node in ends.cluster.nodes:
            node.enforce(True)
    FIGURES.append(f"without walls: the same in {time.monotonic() - began:.0f} s")
    return tries.different(bare, OPEN)


def written(ends: Ends, found: Mapping[Try, str]) -> dict[Path, tuple[str, str]]:
    """The chapter of each published file as it is, and as packets would have it."""
    seen = _seen(ends, found)
    texts = {reach.READABLE: reach.readable([seen]), reach.COMPLETE: reach.complete([seen])}
    return {
        path: (_chapter(path.read_text(encoding="utf-8"), seen.title), _chapter(text, seen.title))
        for path, text in texts.items()
    }


def _seen(ends: Ends, found: Mapping[Try, str]) -> Matrix:
    """The matrix with the packets' word on every connection; of what is closed they do not say which side closed it."""
    outcomes: dict[tuple[str, str, Port], set[str]] = {}
    for each, outcome in found.items():
        if each.kind == DIRECT and not each.exempt:
            outcomes.setdefault((each.source, each.destination, each.port), set()).add(outcome)
    halves = dict(ends.matrix.halves)
    for connection, judged in halves.items():
        if all(judged) and outcomes.get(connection, {OPEN}) != {OPEN}:
            halves[connection] = Halves(ingress=False, egress=False)
        elif not all(judged) and outcomes.get(connection, {CLOSED}) != {CLOSED}:
            halves[connection] = Halves(ingress=True, egress=True)
    return Matrix(ends.matrix.title, ends.matrix.ends, ends.matrix.ports, halves)


def _chapter(text: str, title: str) -> str:
    """The lines of a published file about a stack."""
    after = text.partition(f"== {title} ")[2]
    assert after, f"no chapter on {title}"
    return after.partition("\n== ")[0].strip()


def untried(ends: Ends, found: Mapping[Try, str]) -> set[tuple[str, str]]:
    """The pairs of the matrix of which neither end is left out, and that nobody has tried.

    A pair of a node and an app of which all pods stand on it is none: no policy can forbid it.
    """
    known = {(each.source, each.destination) for each in found if each.kind == DIRECT}
    alone = {name for name, places in ends.places.items() if len(places[: ends.pods]) == 1}
    pairs = {
        (source, destination)
        for source, destination, _ in ends.matrix.halves
        if not {source, destination} & ends.left_out.keys() and (source != destination or source not in alone)
    }
    return pairs - known


def ways_by_ipv6(ends: Ends) -> set[str]:
    """What comes out where a pod tries an address that is left out because it is an IPv6 one."""
    addresses = [ends.matrix.ends[name].ip for name, reason in ends.left_out.items() if reason == IPV6]
    some = [Attempt(each, 443, "TCP") for each in addresses if not each.startswith("fe80")]
    assert some
    pids = [place.pid for places in ends.places.values() for place in places if place.is_pod]
    return {outcome for pid in pids for outcome in tried(pid, some, [], 0)}
