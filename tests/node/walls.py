"""Every end of the published matrix, really there: the stack's pods, pods that are not the stack's, and addresses.

Owns: which process stands for which end, and trying everything between them.  Names, ports and expectations are those
of tests/cluster/reach.py, so that there is one list of who can reach whom.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.cluster import reach
from tests.cluster.reach import End, Matrix, Port
from tests.node.attempts import CLOSED, OPEN, Attempt, tried
from tests.node.cluster import Cluster
from tests.node.network import SAYS_CLOSED, stand_for
from tests.real.api import Manifest
from tests.real.control_plane import wait

Connection = tuple[str, str, Port]
"""Source, destination, port; as the matrix names them."""


@dataclass(frozen=True)
class Place:
    """Where an end is: in the network of a process, or at an address of the home network's router (no process)."""

    address: str
    pid: int | None = None


@dataclass(frozen=True)
class Ends:
    """What stands for the ends, and what is left out with the reason."""

    places: Mapping[str, Place]
    left_out: Mapping[str, str]


def stand_in(cluster: Cluster, matrix: Matrix) -> Ends:
    """Make the pods and addresses that the matrix has beside the stack's, and return where everything is."""
    image = next(
        own["image"]
        for each in cluster.rendered.of("Deployment")
        for own in each["spec"]["template"]["spec"]["containers"]
        if "whoami" in own["image"]
    )
    api, namespace = cluster.api, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": reach.ELSEWHERE}}
    assert api.create(namespace).ok
    wait("its ServiceAccount", lambda: api.get("v1", "ServiceAccount", reach.ELSEWHERE))
    made = {}
    for end in matrix.ends.values():
        if end.kind in ("stray", "strange") and end.name != reach.DNS:
            pod = _pod(end, image)
            answer = api.create(pod)
            assert answer.ok, f"{end.name}: {answer.message}"
            made[pod["metadata"]["namespace"], pod["metadata"]["name"]] = end.name
    wait("pods that are not the stack's", lambda: _running(cluster, made), 60)

    places: dict[str, Place] = {}
    left_out: dict[str, str] = {}
    for each in cluster.containers():
        metadata = each.pod["metadata"]
        name = made.get((metadata["namespace"], metadata["name"]), each.app)
        # Of two replicas, the first; the other one has the same labels.
        places.setdefault(
            {"kube-system/coredns": reach.DNS}.get(name, name), Place(each.pod["status"]["podIP"], each.pid)
        )
    for place in places.values():
        command = ["nsenter", f"--target={place.pid}", "--net", "--", "sh", "-c", SAYS_CLOSED]
        subprocess.run(command, check=True)
    for end in matrix.ends.values():
        if end.kind == "outside":
            if ":" in end.ip:
                left_out[end.name] = "the cluster has no IPv6"
            elif end.name.startswith("service "):
                left_out[end.name] = "a Service's address becomes that of a pod or a node before policies see it"
            else:
                places[end.name] = Place(end.ip)
    nodes = {node.host.address for node in cluster.nodes}
    stand_for(place.address for place in places.values() if place.pid is None and place.address not in nodes)
    return Ends(places, left_out)


def _pod(end: End, image: str) -> Manifest:
    name = end.name.partition("/")[2].strip("()").replace(" ", "-")
    limits = {"cpu": "100m", "memory": "64Mi", "ephemeral-storage": "64Mi"}
    container: dict[str, Any] = {
        "name": "echo",
        "image": image,
        "resources": {"requests": {**limits, "cpu": "1m", "memory": "8Mi"}, "limits": limits},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": end.namespace, "labels": dict(end.labels)},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        },
    }


def _running(cluster: Cluster, wanted: Mapping[tuple[str, str], str]) -> bool:
    running = {
        (pod["metadata"]["namespace"], pod["metadata"]["name"])
        for pod in cluster.pods()
        if pod["status"].get("phase") == "Running"
    }
    return wanted.keys() <= running


def connections(matrix: Matrix, ends: Ends) -> list[Connection]:
    """What the matrix judges and can be tried here: an end never tries itself, and nobody speaks as a node."""
    return [
        (source, destination, port)
        for source, destination, port in matrix.halves
        if source in ends.places
        and destination in ends.places
        and source != destination
        and not source.startswith("node ")
        # What a neighbour sends to another one never passes a node.
        and (ends.places[source].pid is not None or ends.places[destination].pid is not None)
    ]


def outcomes(wanted: Mapping[Connection, str], ends: Ends) -> dict[Connection, str]:
    """Try connections and return what came out; what is not as wanted is tried again, with more time."""
    found = _tried(list(wanted), ends, 1.5)
    for _ in range(2):
        wrong = [each for each, outcome in found.items() if outcome != wanted[each] and wanted[each] == OPEN]
        if wrong:
            found |= _tried(wrong, ends, 4)
    return found


def _tried(some: Sequence[Connection], ends: Ends, seconds: float) -> dict[Connection, str]:
    by_pid: dict[int | None, list[Connection]] = {}
    for each in some:
        by_pid.setdefault(ends.places[each[0]].pid, []).append(each)

    def from_one(pid: int | None) -> dict[Connection, str]:
        mine = by_pid[pid]
        attempts = [
            Attempt(
                ends.places[destination].address,
                port.number,
                port.protocol,
                "" if pid is not None else ends.places[source].address,
            )
            for source, destination, port in mine
        ]
        return dict(zip(mine, tried(pid, attempts, seconds), strict=True))

    found: dict[Connection, str] = {}
    with ThreadPoolExecutor(8) as pool:
        for outcome in pool.map(from_one, by_pid):
            found |= outcome
    return found


def expected(matrix: Matrix, some: Sequence[Connection]) -> dict[Connection, str]:
    """What the published matrix says of connections."""
    return {each: OPEN if all(matrix.halves[each]) else CLOSED for each in some}
