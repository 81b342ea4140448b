"""Services of a cluster, whom each leads to, and what the matrix says of coming that way.

Owns: a stranger's Service that leads to a pod of ours by a NodePort and an address of the internet.  Nobody in a
namespace of ours may make one; from elsewhere nothing but walls is in its way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.cluster.reach import ELSEWHERE, NAMED_BY_NOBODY, Port
from tests.node import walls
from tests.node.attempts import CLOSED, OPEN
from tests.node.network import send_through
from tests.node.walls import Ends, Place
from tests.real.api import Manifest
from tests.real.control_plane import wait

_NODE_PORT = 30080
_TAKEN = "203.0.113.20"
"""An address of the internet that a stranger claims."""
_NAME = "not-mine"
_CONTROLLER = "warren-ingress/ingress-controller"

LEFT_OUT = {
    "a pod that comes back to itself by a Service": "no wall's business: K3s' program lets it, the one here does not",
    "a node by a Service with one pod on it and one elsewhere": "open or closed, by chance",
}
"""Ways by a Service on which the matrix has no word, with the reason."""


@dataclass(frozen=True)
class Behind:
    """What a Service leads to."""

    name: str
    place: Place
    port: Port


@dataclass(frozen=True)
class Door:
    """Where a Service is reached."""

    address: str
    port: Port
    behind: tuple[Behind, ...]
    hides: bool
    """Whether who comes from a pod, too, has the node's address when it goes on to another node."""


def make(ends: Ends) -> None:
    """Let a stranger's Service lead to an app of ours, and wait until every node knows it."""
    ours = ends.matrix.named("ours")
    opened = ends.matrix.open.items()
    prey, port = next((name, port) for (who, name), (port, *_) in opened if who == _CONTROLLER and name in ours)
    # A twin, because roll-outs replace the stack's own.
    place = ends.places[prey][-1]
    here = {"name": _NAME, "namespace": ELSEWHERE}
    named = {"name": "http", "protocol": port.protocol, "port": port.number}
    claims = {"type": "NodePort", "externalIPs": [_TAKEN], "ports": [{**named, "nodePort": _NODE_PORT}]}
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**here, "labels": {"kubernetes.io/service-name": _NAME}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [place.address], "conditions": {"ready": True}, "nodeName": place.node}],
        "ports": [named],
    }
    for manifest in ({"apiVersion": "v1", "kind": "Service", "metadata": here, "spec": claims}, slice_):
        walls.make(ends.cluster.api, manifest)
    send_through(ends.cluster.nodes[0].host, _TAKEN)
    known = ("nft", "list", "map", "ip", "kube-proxy", "service-nodeports")
    wait("the NodePort", lambda: all(str(_NODE_PORT) in node.host.run(*known) for node in ends.cluster.nodes), 60)


def doors(ends: Ends) -> Iterator[Door]:
    """Every port of every Service, at its own address, at the nodes' and at what it claims."""
    api = ends.cluster.api
    slices: dict[tuple[str, str], list[Manifest]] = {}
    for each in api.get("discovery.k8s.io/v1", "EndpointSlice"):
        metadata = each["metadata"]
        slices.setdefault((metadata["namespace"], metadata["labels"]["kubernetes.io/service-name"]), []).append(each)
    nodes = [node.host.address for node in ends.cluster.nodes]
    for service in api.get("v1", "Service"):
        metadata, spec = service["metadata"], service["spec"]
        for port in spec["ports"]:
            behind = tuple(_behind(ends, port, slices.get((metadata["namespace"], metadata["name"]), [])))
            number = Port(port["port"], port["protocol"])
            yield Door(spec["clusterIP"], number, behind, hides=False)
            for address in spec.get("externalIPs", ()):
                yield Door(address, number, behind, hides=True)
            for address in nodes if "nodePort" in port else ():
                yield Door(address, Port(port["nodePort"], port["protocol"]), behind, hides=True)


def _behind(ends: Ends, port: Manifest, slices: list[Manifest]) -> Iterator[Behind]:
    at = {place.address: (name, place) for name, places in ends.places.items() for place in places}
    for each in slices:
        for open_ in each["ports"] or ():
            if open_.get("name", "") == port.get("name", ""):
                for endpoint in each["endpoints"] or ():
                    [address] = endpoint["addresses"]
                    # A stand-in of the tests' own is no end of the matrix.
                    if endpoint["conditions"].get("ready", True) and address in at:
                        yield Behind(*at[address], Port(open_["port"], open_["protocol"]))


def wanted(ends: Ends, source: str, origin: Place, door: Door) -> str | None:
    """The matrix's word on coming by a Service.

    None where it has none: no end is in a namespace of ours, or the way is in `LEFT_OUT`.
    """
    words = {_word(ends, source, origin, door, behind) for behind in door.behind}
    return words.pop() if len(words) == 1 else None


def _word(ends: Ends, source: str, origin: Place, door: Door, behind: Behind) -> str | None:
    """The word of every wall on the way: policies see an address as it is where they stand."""
    if behind.place == origin:
        return None
    nodes = {place.node: name for name, (place, *_) in ends.nodes.items()}
    at = {place.address: place.node for place, *_ in ends.nodes.values()}
    # The node that translates: the one that is asked, else one's own; who has none sends all of it to the first.
    own = origin.node or next(iter(nodes))
    translates = at.get(door.address, own)
    words = [said(ends, source, behind.name, behind.port)]
    if origin.is_pod and translates != own:
        words.append(said(ends, source, nodes[translates], door.port))
    if behind.place.is_node:
        return words[0]
    if translates != behind.place.node and (door.hides or not origin.is_pod):
        words.append(said(ends, nodes[translates], behind.name, behind.port))
    if origin.is_node and origin.node == translates == behind.place.node:
        return OPEN
    return None if None in words else CLOSED if CLOSED in words else OPEN


def said(ends: Ends, source: str, destination: str, port: Port) -> str | None:
    """The matrix's word on a connection; None where no end is in a namespace of ours."""
    known = port if port in ends.matrix.ports else Port(NAMED_BY_NOBODY, port.protocol)
    halves = ends.matrix.halves.get((source, destination, known))
    return None if halves is None else OPEN if all(halves) else CLOSED
