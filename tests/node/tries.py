"""What is tried between the ends of the published matrix, and what has to come out.

Owns: every kind of connection (`KINDS`), the matrix's word on each, and trying them all with little work: one process a
source.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.reach import DNS, NAMED_BY_NOBODY, Port
from tests.node import services
from tests.node.attempts import OPEN, Attempt, tried, waiting
from tests.node.services import said
from tests.node.walls import Ends, Place

DIRECT, SERVICE, PROGRAMS, SELF, ANSWER, FRAGMENTS = (
    "direct",
    "by a Service",
    "a node's programs",
    "to itself",
    "from port 53",
    "in fragments",
)
KINDS = {
    DIRECT: "every pair on every port",
    SERVICE: "cluster addresses, and a NodePort and an outside address that a stranger gave a pod of ours",
    PROGRAMS: "every port on which a node really listens, kubelet's and kube-proxy's among them",
    SELF: "a pod at its own address, which no wall is in the way of",
    ANSWER: "as if it were an answer of cluster DNS",
    FRAGMENTS: "UDP packets of 4000 bytes",
}
"""What is tried."""

_WORKERS = 4
_QUIET = 0.6
"""Below a second no packet is sent twice."""
_ANY = (Port(NAMED_BY_NOBODY, "TCP"), Port(NAMED_BY_NOBODY, "UDP"))


@dataclass(frozen=True)
class Try:
    """A connection as the matrix names it, and as it is really made."""

    kind: str
    source: str
    destination: str
    port: Port
    origin: Place
    attempt: Attempt
    wanted: str
    exempt: bool = False
    """Whether no policy can forbid it, whatever the matrix says: probes need it."""

    def __str__(self) -> str:
        to = f"{self.attempt.address}:{self.attempt.port}"
        return f"{self.source} ({self.origin.address}) -> {self.destination} {self.port} ({self.kind}, {to})"


def everything(ends: Ends) -> list[Try]:
    """All that can be tried."""
    return [*_direct(ends), *_by_service(ends), *_programs(ends), *_to_itself(ends), *_sly(ends)]


def _exempt(origin: Place, there: Place) -> bool:
    return origin.is_node and there.is_pod and there.node == origin.node


def _attempt(origin: Place, address: str, port: Port, source_port: int = 0, size: int = 0) -> Attempt:
    source = "" if origin.pid else origin.address
    return Attempt(address, port.number, port.protocol, source, source_port, size)


def _direct(ends: Ends) -> Iterator[Try]:
    for source, destination, port in ends.matrix.halves:
        for origin in ends.places.get(source, ())[: ends.pods]:
            for there in ends.places.get(destination, ())[: ends.pods]:
                word, exempt = said(ends, source, destination, port), _exempt(origin, there)
                if origin != there and word:
                    attempt = _attempt(origin, there.address, port)
                    yield Try(DIRECT, source, destination, port, origin, attempt, OPEN if exempt else word, exempt)


def _by_service(ends: Ends) -> Iterator[Try]:
    for door in services.doors(ends):
        for source, places in ends.places.items():
            for origin in places:
                if wanted := services.wanted(ends, source, origin, door):
                    first = door.behind[0]
                    attempt = _attempt(origin, door.address, door.port)
                    yield Try(SERVICE, source, first.name, first.port, origin, attempt, wanted)


def _programs(ends: Ends) -> Iterator[Try]:
    for destination, (there,) in ends.nodes.items():
        for number in _listening(there):
            port = Port(number, "TCP")
            for source, places in ends.places.items():
                wanted = said(ends, source, destination, port)
                if wanted and port not in ends.matrix.ports:
                    for origin in places:
                        attempt = _attempt(origin, there.address, port)
                        yield Try(PROGRAMS, source, destination, port, origin, attempt, wanted)


def _listening(node: Place) -> set[int]:
    """The TCP ports on which somebody answers who comes from outside of a machine (proc_net_tcp(5): `0A` is LISTEN)."""
    found = set()
    for table in ("tcp", "tcp6"):
        lines = Path(f"/proc/{node.pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        for _, local, _, state, *_ in map(str.split, lines):
            address, _, number = local.partition(":")
            if state == "0A" and not address.endswith("0100007F"):
                found.add(int(number, 16))
    return found


def _to_itself(ends: Ends) -> Iterator[Try]:
    for name, places in ends.places.items():
        for place in places:
            if place.is_pod:
                for port in _ANY:
                    yield Try(SELF, name, name, port, place, _attempt(place, place.address, port), OPEN)


def _sly(ends: Ends) -> Iterator[Try]:
    pods = {name: place for name, (place, *_) in ends.places.items() if place.is_pod}
    for source, origin in pods.items():
        for destination, there in pods.items():
            for port in _ANY:
                wanted = said(ends, source, destination, port)
                if wanted is None or origin == there:
                    continue
                if source != DNS:
                    attempt = _attempt(origin, there.address, port, source_port=53)
                    yield Try(ANSWER, source, destination, port, origin, attempt, wanted)
                if port.protocol == "UDP":
                    attempt = _attempt(origin, there.address, port, size=4000)
                    yield Try(FRAGMENTS, source, destination, port, origin, attempt, wanted)


def outcomes(tries: Sequence[Try], ends: Ends, wanted: str = "") -> dict[Try, str]:
    """Try them and return what came out; what should be open and is not is tried again, with more time.

    `wanted` is what has to come out of all of them, where that is not the matrix's word.

    Raises:
        AssertionError: packets were lost before they were judged, so that nothing can be said.
    """
    found = _tried(tries, ends, _QUIET)
    for _ in range(3):
        late = [each for each, outcome in found.items() if (wanted or each.wanted) == OPEN != outcome]
        if late:
            found |= _tried(late, ends, 3)
    return found


def _tried(tries: Sequence[Try], ends: Ends, quiet: float) -> dict[Try, str]:
    queues = [node.queue for node in ends.cluster.nodes]
    # What waits although nothing is tried will wait for ever.
    time.sleep(0.5)
    stuck = waiting(queues)
    by_origin: dict[Place, list[Try]] = {}
    for each in tries:
        by_origin.setdefault(each.origin, []).append(each)

    def from_one(origin: Place) -> dict[Try, str]:
        mine = by_origin[origin]
        found = tried(origin.pid, [each.attempt for each in mine], queues, quiet, stuck)
        return dict(zip(mine, found, strict=True))

    found: dict[Try, str] = {}
    with ThreadPoolExecutor(_WORKERS) as pool:
        for outcome in pool.map(from_one, by_origin):
            found |= outcome
    return found


def different(found: Mapping[Try, str], wanted: str = "") -> str:
    """What came out otherwise, a line each; `wanted` as for `outcomes`."""
    lines = [
        f"{each}: {has}, not {wanted or each.wanted}" for each, has in found.items() if has != (wanted or each.wanted)
    ]
    return "\n".join(sorted(lines))


def counted(found: Mapping[Try, str]) -> list[str]:
    """How many of each kind were tried, a line each."""
    kinds = Counter(each.kind for each in found)
    opened = Counter(each.kind for each, outcome in found.items() if outcome == OPEN)
    return [f"  {kind}: {kinds[kind]} tried, {opened[kind]} open ({what})" for kind, what in KINDS.items()]
