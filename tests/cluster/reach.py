"""Who can reach whom: every connection of a rendered stack, judged by an evaluator that is not ours.

Owns: which ends and ports are tried, and how the answers are written down for a reader. The judgement is that of
Cyclonus, the NetworkPolicy conformance suite's evaluator (`tools/reach`), so a misreading of the rules in
`manifests.walls` is not repeated here. ``python -m tests.cluster.reach`` writes the published files again.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from scripts import parts
from scripts.project import WARREN
from tests.real.programs import program
from tests.real.stacks import Rendered, render

Manifest = dict[str, Any]
Key = TypeVar("Key")
Member = TypeVar("Member")

PUBLISHED = (("everything", "traefik"), ("home", "traefik"))
READABLE = Path(__file__).with_name("who-can-reach-whom.txt")
COMPLETE = Path(__file__).with_name("every-pair.txt")
COMMAND = ".venv/bin/python -m tests.cluster.reach"

DNS = "kube-system/kube-dns"
ELSEWHERE = "elsewhere"
INTERNET = ("internet v4", "internet v6")
METADATA = "metadata 169.254.169.254"
HOME = ("10.0.0.7", "192.168.1.20", "172.16.0.9", "100.64.0.9", "fd00::7", "fe80::7")
"""Machines of a home network: one behind a carrier's NAT and two with private IPv6 addresses are among them."""

ALWAYS_TRIED = (22, 53, 80, 443, 2049, 10250)
NAMED_BY_NOBODY = 9999
"""Stands for every port that neither a container nor a policy names."""


class Port(NamedTuple):
    """A port, written as people do."""

    number: int
    protocol: str

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol.lower()}"


@dataclass(frozen=True)
class End:
    """One end of a connection: a pod, or an address outside of the cluster."""

    name: str
    ip: str
    kind: Literal["ours", "stray", "strange", "outside"]
    """`stray` is a pod without labels in a namespace of ours; `strange` is a pod in a namespace that is not ours."""
    namespace: str = ""
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[Port, str] = field(default_factory=dict)
    """What its containers declare, with the name each port has."""

    @property
    def walled(self) -> bool:
        """Whether it is in a namespace of ours, so that our policies are its walls."""
        return self.kind in ("ours", "stray")


class Halves(NamedTuple):
    """What each side's walls say of a connection. It needs both."""

    ingress: bool
    egress: bool


@dataclass(frozen=True)
class Matrix:
    """Every connection with at least one end in a namespace of ours."""

    title: str
    ends: Mapping[str, End]
    ports: tuple[Port, ...]
    halves: Mapping[tuple[str, str, Port], Halves]
    """By source, destination and port."""

    def named(self, *kinds: str) -> list[str]:
        """The names of the ends of some kinds."""
        return [end.name for end in self.ends.values() if end.kind in kinds]

    @cached_property
    def open(self) -> Mapping[tuple[str, str], tuple[Port, ...]]:
        """Source and destination -> the ports that both sides' walls allow; a pair without any is not here."""
        found: dict[tuple[str, str], tuple[Port, ...]] = {}
        for (source, destination, port), halves in self.halves.items():
            if all(halves):
                found[source, destination] = (*found.get((source, destination), ()), port)
        return found

    def sources(self, destination: str, port: Port) -> set[str]:
        """Everybody who reaches a port."""
        return {source for (source, there), ports in self.open.items() if there == destination and port in ports}

    def allowed_by(self, side: Literal["ingress", "egress"]) -> Mapping[tuple[str, str], tuple[Port, ...]]:
        """Source and destination, both in namespaces of ours -> the ports that one side's walls allow."""
        found: dict[tuple[str, str], tuple[Port, ...]] = {}
        for (source, destination, port), halves in self.halves.items():
            if getattr(halves, side) and self.ends[source].walled and self.ends[destination].walled:
                found[source, destination] = (*found.get((source, destination), ()), port)
        return found


# What is tried.


def policies(stack: Rendered) -> list[Manifest]:
    """The NetworkPolicies of a stack."""
    return stack.of("NetworkPolicy")


def templates(manifests: Iterable[Manifest]) -> Iterator[tuple[Manifest, Manifest]]:
    """Every object that makes pods, with its pod template."""
    for manifest in manifests:
        spec = manifest.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "containers" in spec.get("template", {}).get("spec", {}):
            yield manifest, spec["template"]
        elif manifest["kind"] == "Pod":
            yield manifest, manifest


def ends(stack: Rendered) -> dict[str, End]:
    """Every end that is tried, by name: the stack's pods, then pods and addresses that are not the stack's.

    Raises:
        ValueError: two ends have one name, so that one of them would be missing.
    """
    cluster = stack.platform.stack.cluster
    addresses = (str(ip) for ip in ipaddress.ip_network(cluster.podCidr).hosts())
    own = {manifest["metadata"]["name"]: manifest["metadata"]["labels"] for manifest in stack.of("Namespace")}

    def pod(kind: Literal["ours", "stray", "strange"], namespace: str, name: str, labels: Manifest, **more: Any) -> End:
        # The API server adds the name to every namespace.
        known = {**own.get(namespace, {}), "kubernetes.io/metadata.name": namespace}
        return End(f"{namespace}/{name}", next(addresses), kind, namespace, known, labels, **more)

    ours = [
        pod(
            "ours",
            manifest["metadata"]["namespace"],
            manifest["metadata"]["name"],
            template["metadata"]["labels"],
            ports=_declared(template["spec"]),
        )
        for manifest, template in templates(stack.manifests)
        if not template["spec"].get("hostNetwork")
    ]
    found = [
        *sorted(ours, key=lambda end: end.name),
        *(pod("stray", namespace, "(stray)", {}) for namespace in sorted(own)),
        pod("strange", "kube-system", "kube-dns", {"k8s-app": "kube-dns"}, ports=_DNS_PORTS),
        pod("strange", "kube-system", "(other)", {}),
        pod("strange", ELSEWHERE, "(pod)", {}),
        # It wears the labels that walls ask for, in a namespace that they do not.
        *(
            pod("strange", ELSEWHERE, f"(like {end.labels['app.kubernetes.io/name']})", dict(end.labels))
            for end in ours
            if end.namespace.startswith("warren-")
        ),
        *(End(f"node {node.ip} ({node.role})", node.ip, "outside") for node in cluster.nodes),
        End(f"service {_inside(cluster.serviceCidr)}", _inside(cluster.serviceCidr), "outside"),
        *(End(name, ip, "outside") for name, ip in zip(INTERNET, ("203.0.113.10", "2001:db8::10"), strict=True)),
        End(METADATA, METADATA.split()[1], "outside"),
        *(End(f"home {ip}", ip, "outside") for ip in _at_home(stack)),
    ]
    by_name = {end.name: end for end in found}
    if len(by_name) != len(found):
        raise ValueError("two ends have the same name")
    return by_name


_DNS_PORTS = {Port(53, "UDP"): "dns", Port(53, "TCP"): "dns-tcp"}


def _declared(spec: Manifest) -> dict[Port, str]:
    containers = [*spec["containers"], *spec.get("initContainers", ())]
    ports = [port for container in containers for port in container.get("ports", ())]
    return {Port(port["containerPort"], port.get("protocol", "TCP")): port.get("name", "") for port in ports}


def _at_home(stack: Rendered) -> list[str]:
    """Addresses at home: some, and for each network that a policy names, one in it and the two beside it."""
    nodes = {node.ip for node in stack.platform.stack.cluster.nodes}
    specs = [policy["spec"] for policy in policies(stack)]
    rules = [rule for spec in specs for rule in (*spec.get("egress", ()), *spec.get("ingress", ()))]
    peers = [peer for rule in rules for peer in (*rule.get("to", ()), *rule.get("from", ()))]
    blocks = {peer["ipBlock"]["cidr"] for peer in peers if "ipBlock" in peer}
    found = list(HOME)
    for network in sorted(ipaddress.ip_network(block) for block in blocks if not block.endswith("/0")):
        beside = (network.network_address - 1, network.broadcast_address + 1)
        found += [_inside(str(network)), *map(str, beside)]
    return [ip for ip in dict.fromkeys(found) if ip not in nodes]


def _inside(cidr: str) -> str:
    return str(next(iter(ipaddress.ip_network(cidr).hosts())))


def tried(stack: Rendered, known: Iterable[End]) -> tuple[Port, ...]:
    """Every port that is tried on every end: each that a container or a policy names, and one that nobody does."""
    rules = [
        rule
        for policy in policies(stack)
        for rule in (*policy["spec"].get("ingress", ()), *policy["spec"].get("egress", ()))
    ]
    named = [port["port"] for rule in rules for port in rule.get("ports", ()) if isinstance(port.get("port"), int)]
    numbers = {*ALWAYS_TRIED, *named, *(port.number for end in known for port in end.ports), NAMED_BY_NOBODY}
    return tuple(Port(number, protocol) for number in sorted(numbers) for protocol in ("TCP", "UDP"))


# What is said of it.


def judge(walls: Sequence[Manifest], known: Iterable[End], traffic: Iterable[tuple[str, str, Port]]) -> list[Halves]:
    """What Cyclonus says of each connection (source, destination, port).

    Raises:
        ValueError: it did not understand the question.
    """
    by_name = {end.name: end for end in known}
    question = {
        "policies": walls,
        "peers": {
            end.name: {
                "ip": end.ip,
                "namespace": end.namespace,
                "namespaceLabels": end.namespace_labels,
                "labels": end.labels,
            }
            for end in by_name.values()
        },
        "traffic": [
            {
                "source": source,
                "destination": destination,
                "protocol": port.protocol,
                "port": port.number,
                "portName": by_name[destination].ports.get(port, ""),
            }
            for source, destination, port in traffic
        ],
    }
    done = subprocess.run([program("reach")], input=json.dumps(question), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(done.stderr.strip())
    return [Halves(answer["ingress"], answer["egress"]) for answer in json.loads(done.stdout)]


def matrix(stack: Rendered, controller: str, walls: Sequence[Manifest] | None = None) -> Matrix:
    """Every connection of a stack, with its own policies or with others in their place."""
    known = ends(stack)
    ports = tried(stack, known.values())
    pairs = itertools.product(known.values(), known.values())
    traffic = [
        (source.name, destination.name, port)
        for source, destination in pairs
        if source.walled or destination.walled
        for port in ports
    ]
    answers = judge(policies(stack) if walls is None else walls, known.values(), traffic)
    return Matrix(f"{stack.stack}, with {controller}", known, ports, dict(zip(traffic, answers, strict=True)))


# How it is written down.

_HEAD = f"""\
Who can reach whom. Written by `{COMMAND}`; tests/cluster/test_reach.py compares it.

Judged are the NetworkPolicies as the sandbox renders them, by Cyclonus (tools/reach), which is not ours. A connection
is open when the walls of both sides allow it: the source's (egress) and the destination's (ingress). Every end is tried
with every other one, in both directions, over tcp and udp, on every port that a container or a policy of the stack
names, and on {NAMED_BY_NOBODY}, which stands for all others. WHAT IS NOT LISTED IS CLOSED.
{COMPLETE.name} has the pairs one by one.

- An app that reaches itself is one of its replicas that reaches another one.
- (stray) is a pod without labels that somebody starts in a namespace of ours. (like x) is a pod in a namespace that is
  not ours, with the labels of our x.
- Home addresses are examples: machines that nobody names, one in each network that a policy names, and its neighbours.
- Policies see addresses of pods, after a Service's address was translated.
- What no policy can forbid is not in here: a node reaches the pods on it (probes need that), and they may reach it.
- So does an app on a node's network (`hostNetwork`), which is none of the pods here: it counts as its node.
"""

_KEY = f"""\
Every pair: the whole of what {READABLE.name} says in words. Written by `{COMMAND}`.

A row is a destination and a port, a column is a source. Ports of one destination that look alike share a row;
{NAMED_BY_NOBODY} stands for every port that is not named.
  x  open: the walls of both sides allow it
  >  the source's walls (egress) allow it, the destination's do not
  <  the destination's walls (ingress) allow it, the source's do not
  .  closed; where only one end is in a namespace of ours, it is that end's walls that say x or .
     (blank) no end is in a namespace of ours, so no policy of ours has a say
"""


def readable(matrices: Iterable[Matrix]) -> str:
    """The file for people: who reaches each port, and where each pod may go outside."""
    return "\n".join([_HEAD, *("\n".join(_chapter(matrix)) for matrix in matrices)])


def _chapter(matrix: Matrix) -> list[str]:
    total, opened = len(matrix.halves), sum(map(len, matrix.open.values()))
    return [
        _title(matrix.title),
        f"{len(matrix.ends)} ends, {len(matrix.ports)} ports, {total} connections tried: {opened} are open.",
        "",
        *statements(matrix),
        "",
    ]


def statements(matrix: Matrix) -> list[str]:
    """Everything that is open, in lines that two stacks can be compared by."""
    return [
        "Inside: each pod's ports, and everybody who reaches them",
        *_indented(line for name in matrix.named("ours") for line in _who_comes_in(matrix, name)),
        "",
        "Outside: where pods may go beyond the pods above",
        *_indented(_where_they_go(matrix)),
        "",
        "Everything else that is open",
        *_indented(_the_rest(matrix) or ["nothing"]),
        "",
        "Half open: the source's walls let it go, the destination's let it in on the ports above only",
        *_indented(_halves(matrix, "egress") or ["nothing"]),
        "",
        "Half open: the destination's walls let it in, the source's do not let it go",
        *_indented(_halves(matrix, "ingress") or ["nothing"]),
    ]


def _who_comes_in(matrix: Matrix, name: str) -> Iterator[str]:
    ports = matrix.ends[name].ports
    yield name if ports else f"{name}: listens nowhere"
    for port in matrix.ports:
        sources = [source for source in matrix.ends if port in matrix.open.get((source, name), ())]
        if port in ports:
            yield f"    {f'{port} {ports[port]}':19} <- {', '.join(sources) or 'nobody'}"
        elif sources:
            yield f"    {f'{port} (undeclared)':19} <- {', '.join(sources)}"


def _where_they_go(matrix: Matrix) -> Iterator[str]:
    def ways(source: str) -> tuple[str, ...]:
        to = {there: matrix.open.get((source, there), ()) for there in matrix.named("strange", "outside")}
        texts = _grouped((there, _ports(matrix, ports)) for there, ports in to.items() if ports)
        return tuple(f"    -> {', '.join(there)}: {ports}" for ports, there in texts)

    for lines, sources in _grouped((source, ways(source)) for source in matrix.named("ours")):
        yield ", ".join(sources)
        yield from lines or ["    nowhere"]


def _the_rest(matrix: Matrix) -> list[str]:
    """What the two lists above have no place for: strays at either end."""
    strays = set(matrix.named("stray"))
    return [
        f"{source} -> {destination}: {_ports(matrix, ports)}"
        for (source, destination), ports in matrix.open.items()
        if destination in strays or (source in strays and matrix.ends[destination].kind != "ours")
    ]


def _halves(matrix: Matrix, side: Literal["ingress", "egress"]) -> list[str]:
    """What one side's walls allow, where it is more than what is open; alike ones together."""
    allowed = {pair: ports for pair, ports in matrix.allowed_by(side).items() if ports != matrix.open.get(pair, ())}

    def lines(source: str) -> tuple[str, ...]:
        to = ((there, _ports(matrix, allowed.get((source, there), ()))) for there in matrix.named("ours", "stray"))
        found = _grouped((there, ports) for there, ports in to if ports)
        return tuple(f"    -> {', '.join(_short(matrix, there))}: {ports}" for ports, there in found)

    return [
        line
        for found, sources in _grouped((source, lines(source)) for source in matrix.named("ours", "stray"))
        if found
        for line in (", ".join(sources), *found)
    ]


def _short(matrix: Matrix, names: Sequence[str]) -> list[str]:
    """Names, with a whole namespace's in one word."""
    whole = {
        namespace: [end.name for end in matrix.ends.values() if end.walled and end.namespace == namespace]
        for namespace in dict.fromkeys(matrix.ends[name].namespace for name in names)
    }
    full = {namespace for namespace, inside in whole.items() if set(inside) <= set(names)}
    return [
        *(f"{namespace}/*" for namespace in sorted(full)),
        *(name for name in names if matrix.ends[name].namespace not in full),
    ]


def _ports(matrix: Matrix, ports: Sequence[Port]) -> str:
    """Ports in few words; nothing for none."""
    words = []
    left = list(ports)
    for word, protocols in (("every port", ("TCP", "UDP")), ("every tcp port", ("TCP",)), ("every udp port", ("UDP",))):
        alike = [port for port in matrix.ports if port.protocol in protocols]
        if set(alike) <= set(left):
            words.append(word)
            left = [port for port in left if port not in alike]
    return ", ".join([*words, *map(str, left)])


def complete(matrices: Iterable[Matrix]) -> str:
    """The file with every pair."""
    return "\n".join([_KEY, *("\n".join(_grid(matrix)) for matrix in matrices)])


def _grid(matrix: Matrix) -> Iterator[str]:
    names = list(matrix.ends)
    yield _title(matrix.title)
    yield from (f"  {number:02} {name}" for number, name in enumerate(names, 1))
    yield ""
    rows: list[tuple[str, str, str]] = []
    for destination in names:
        cells = (
            (str(port), "".join(_cell(matrix, there, destination, port) for there in names)) for port in matrix.ports
        )
        rows += [(destination, _few(ports), row) for row, ports in _grouped(cells)]
    width = max(len(destination) + len(ports) for destination, ports, _ in rows) + 2
    for digit in (0, 1):
        yield " " * width + _spaced("".join(f"{number:02}"[digit] for number in range(1, len(names) + 1)))
    yield from (f"{f'{destination}  {ports}':{width}}{_spaced(row)}".rstrip() for destination, ports, row in rows)
    yield ""


def _few(ports: Sequence[str]) -> str:
    """The ports of one row: by name where they are few, else by the one that stands for the rest."""
    rest = [port for port in ports if port.startswith(str(NAMED_BY_NOBODY))]
    return " ".join(ports) if not rest else " ".join([*rest, *([f"and {len(ports) - len(rest)} more"])])


def _cell(matrix: Matrix, source: str, destination: str, port: Port) -> str:
    halves = matrix.halves.get((source, destination, port))
    if halves is None:
        return " "
    if all(halves):
        return "x"
    if not (matrix.ends[source].walled and matrix.ends[destination].walled):
        return "."
    return ">" if halves.egress else "<" if halves.ingress else "."


def _spaced(row: str) -> str:
    return " ".join(row[start : start + 10] for start in range(0, len(row), 10))


def _title(text: str) -> str:
    return f"== {text} ".ljust(120, "=")


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _grouped(pairs: Iterable[tuple[Member, Key]]) -> list[tuple[Key, list[Member]]]:
    """Members that have the same key together, in order of appearance."""
    found: dict[Key, list[Member]] = {}
    for member, key in pairs:
        found.setdefault(key, []).append(member)
    return list(found.items())


def published(judged: Callable[[str, str], Matrix]) -> dict[Path, str]:
    """The published files' contents."""
    matrices = [judged(stack, controller) for stack, controller in PUBLISHED]
    return {READABLE: readable(matrices), COMPLETE: complete(matrices)}


def main() -> None:
    """Write the published files."""
    parts.build("reach")
    with tempfile.TemporaryDirectory() as folder:

        def judged(stack: str, controller: str) -> Matrix:
            return matrix(render(Path(folder) / f"{stack}-{controller}", stack, controller), controller)

        for path, text in published(judged).items():
            path.write_text(text, encoding="utf-8")
            parts.say(f"{path.relative_to(WARREN)}: {len(text) // 1024} KiB")


if __name__ == "__main__":
    main()
