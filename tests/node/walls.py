"""Every end of the published matrix, really there: the stack's pods, pods that are not the stack's, and addresses.

Owns: which process stands for which end.  Names, ports and expectations are those of tests/cluster/reach.py, so that
there is one list of who can reach whom.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster import reach
from tests.cluster.reach import End, Matrix
from tests.node.attempts import inside
from tests.node.cluster import Cluster, app
from tests.node.network import SAYS_CLOSED, send_through, stand_for
from tests.node.node import SERVICES
from tests.real.api import Api, Manifest
from tests.real.control_plane import wait

IPV6 = "the cluster has no IPv6"
TRANSLATED = "policies never see a Service's address; Services are tried for what they lead to"


@dataclass(frozen=True)
class Place:
    """Where an end is: in the network of a process, or at an address of the home network's router (no process)."""

    address: str
    pid: int | None = None
    node: str = ""
    """The node that a pod stands on, or that it is."""
    is_node: bool = False

    @property
    def is_pod(self) -> bool:
        """Whether it is a pod."""
        return self.pid is not None and not self.is_node


@dataclass(frozen=True)
class Ends:
    """What stands for the ends, and what is left out with the reason."""

    cluster: Cluster
    matrix: Matrix
    pods: int
    """Of how many of an end's pods every port is tried."""
    places: Mapping[str, tuple[Place, ...]]
    """End to where it is: all of its pods, the stack's own and then twins with their labels."""
    left_out: Mapping[str, str]

    @property
    def nodes(self) -> Mapping[str, tuple[Place, ...]]:
        """The nodes among them."""
        return {name: some for name, some in self.places.items() if some[0].is_node}

    @property
    def names(self) -> Mapping[str, str]:
        """Address to the end that is there."""
        return {each.address: name for name, some in self.places.items() for each in some}


def stand_in(cluster: Cluster, pods: int) -> Ends:
    """Make the pods and addresses that the matrix has beside the stack's, and return where everything is now.

    What is there already stays as it is.  Of everything that the stack runs there are at least so many `pods`: its own,
    and then twins with their labels.
    """
    matrix = reach.matrix(cluster.rendered, "traefik")
    places = _pods(cluster, matrix, _made(cluster, matrix, pods), pods)
    left_out: dict[str, str] = {}
    nodes = {node.host.address: node.host for node in cluster.nodes}
    for end in matrix.ends.values():
        if end.ip in nodes:
            host = nodes[end.ip]
            places[end.name] = (Place(end.ip, host.holder.pid, host.name, is_node=True),)
        elif end.kind == "outside" and ":" in end.ip:
            left_out[end.name] = IPV6
        elif end.name.startswith("service "):
            left_out[end.name] = TRANSLATED
        elif end.kind == "outside":
            places[end.name] = (Place(end.ip),)
    stand_for(each.address for [each, *_] in places.values() if each.pid is None)
    # Somebody at home may send what is for a Service to a node, as a router would.
    send_through(cluster.nodes[0].host, SERVICES)
    assert places.keys() | left_out.keys() == matrix.ends.keys()
    return Ends(cluster, matrix, pods, places, left_out)


def _made(cluster: Cluster, matrix: Matrix, pods: int) -> Mapping[tuple[str, str], str]:
    """Make the pods, wait until they run, and return which end each is (by namespace and name)."""
    image = an_image(cluster)
    api, namespace = cluster.api, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": reach.ELSEWHERE}}
    make(api, namespace)
    wait("its ServiceAccount", lambda: api.get("v1", "ServiceAccount", reach.ELSEWHERE))
    running = Counter(map(app, cluster.pods()))
    made = {}
    for end in matrix.ends.values():
        wanted = {"ours": pods - running[end.name], "stray": 1, "strange": end.name != reach.DNS}.get(end.kind, 0)
        for number in range(wanted):
            pod = pod_of(end, image, f"{end.name.partition('/')[2].strip('()').replace(' ', '-')}-tried-{number}")
            make(api, pod)
            made[pod["metadata"]["namespace"], pod["metadata"]["name"]] = end.name
    wait("pods that are not the stack's", lambda: _running(cluster, made), 120)
    return made


def make(api: Api, manifest: Manifest) -> None:
    """Create an object unless it is there."""
    # A quota would count what is refused because it is there.
    if not api.request("GET", api.path_of(manifest)).ok:
        answer = api.create(manifest)
        assert answer.ok, answer.message


def an_image(cluster: Cluster) -> str:
    """An image that the nodes have, and that listens on port 8000 or what else the stack's own pod of it declares."""
    return next(
        str(own["image"])
        for each in cluster.rendered.of("Deployment")
        for own in each["spec"]["template"]["spec"]["containers"]
        if "whoami" in own["image"]
    )


def _pods(
    cluster: Cluster, matrix: Matrix, made: Mapping[tuple[str, str], str], pods: int
) -> dict[str, tuple[Place, ...]]:
    places: dict[str, tuple[Place, ...]] = {}
    # The stack's own first.
    for each in sorted(
        cluster.containers(), key=lambda each: each.pod["metadata"]["name"] in {name for _, name in made}
    ):
        metadata = each.pod["metadata"]
        belongs = {"kube-system/coredns": reach.DNS}.get(each.app, each.app)
        name = made.get((metadata["namespace"], metadata["name"]), belongs)
        place, known = Place(each.pod["status"]["podIP"], each.pid, each.pod["spec"]["nodeName"]), places.get(name, ())
        if name in matrix.ends and place.address not in {other.address for other in known}:
            places[name] = (*known, place)
            subprocess.run([*inside(each.pid), "sh", "-c", SAYS_CLOSED], check=True)
    assert min(len(places[end.name]) for end in matrix.ends.values() if end.kind == "ours") >= pods
    return places


def pod_of(end: End, image: str, name: str) -> Manifest:
    """A pod with the labels of an end, to which no Service leads."""
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
            # Never ready, so that no Service leads to it.
            "readinessGates": [{"conditionType": "tests/said-by-nobody"}],
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
