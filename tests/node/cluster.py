"""A cluster of real nodes with a stack in it: the newest kubelet on the first, the oldest on the others.

Owns: the order in which it comes up, cluster DNS, when it is ready, and which process is which container.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.node import images, machine, network, prepared
from tests.node.figures import FIGURES
from tests.node.node import DNS_ADDRESS, Node, ready
from tests.real import control_plane, stacks
from tests.real.api import Api, Manifest
from tests.real.control_plane import NEWEST, OLDEST, ControlPlane, wait
from tests.real.stacks import Rendered

_COREFILE = """\
.:53 {
    errors
    health :8080
    ready :8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
    }
    cache 30
    loop
    reload
}
"""


_ALL_ITS_PODS = ("DaemonSet", "StatefulSet")
"""What owns its pods itself; a Deployment has ReplicaSets for that."""


@dataclass(frozen=True)
class Container:
    """A running container of a pod, and its process."""

    pod: Manifest
    spec: Manifest
    pid: int

    @property
    def app(self) -> str:
        """``namespace/name`` of what the pod belongs to."""
        return app(self.pod)

    @property
    def name(self) -> str:
        """``namespace/name of the app/name of the container``."""
        return f"{self.app}/{self.spec['name']}"


def app(pod: Manifest) -> str:
    """``namespace/name`` of what a pod belongs to: its Deployment, DaemonSet or StatefulSet."""
    metadata = pod["metadata"]
    for owner in metadata.get("ownerReferences", ()):
        if owner["kind"] in _ALL_ITS_PODS:
            return f"{metadata['namespace']}/{owner['name']}"
    made_from = metadata.get("generateName", metadata["name"])
    name = made_from.removesuffix(f"-{metadata.get('labels', {}).get('pod-template-hash')}-")
    return f"{metadata['namespace']}/{name}"


@dataclass(frozen=True)
class Cluster:
    """The running cluster."""

    rendered: Rendered
    plane: ControlPlane
    api: Api
    nodes: list[Node]

    def pods(self) -> list[Manifest]:
        """Every pod that is not over."""
        return [pod for pod in self.api.get("v1", "Pod") if pod["status"].get("phase") not in ("Succeeded", "Failed")]

    def containers(self) -> list[Container]:
        """Every running container, ordered by name."""
        tasks = {name: pid for node in self.nodes for name, pid in node.tasks().items()}
        found = []
        for pod in self.pods():
            spec, said = pod["spec"], pod["status"]
            # A sidecar is among the init containers.
            specs = {each["name"]: each for each in (*spec.get("initContainers", []), *spec["containers"])}
            for status in (*said.get("initContainerStatuses", []), *said.get("containerStatuses", [])):
                pid = tasks.get(status.get("containerID", "").removeprefix("containerd://"))
                if pid is not None:
                    found.append(Container(pod, specs[status["name"]], pid))
        return sorted(found, key=lambda each: (each.name, each.pod["metadata"]["name"]))

    def await_ready(self, seconds: float = 120) -> None:
        """Wait until everything that keeps pods running has all of them, of the newest generation and ready.

        Raises:
            AssertionError: one is not in time; the message says which pods are not ready, and why.
        """
        try:
            wait("all pods ready", self._complete, seconds, pause=0.5)
        except AssertionError as late:
            raise AssertionError("\n".join([str(late), *self._unready()])) from None

    def _complete(self) -> bool:
        made = [each for kind in ("Deployment", *_ALL_ITS_PODS) for each in self.api.get("apps/v1", kind)]
        return all(map(_complete, made))

    def _unready(self) -> Iterator[str]:
        for pod in self.pods():
            statuses = pod["status"].get("containerStatuses", [])
            if not statuses or not all(each["ready"] for each in statuses):
                metadata = pod["metadata"]
                states = [[each["state"], each.get("lastState")] for each in statuses]
                yield f"{metadata['namespace']}/{metadata['name']}: {json.dumps(states)}"
                for event in self.api.get("v1", "Event", metadata["namespace"]):
                    if event["involvedObject"].get("uid") == metadata["uid"] and event["type"] == "Warning":
                        yield f"  {event['reason']}: {event['message'][:500]}"


def _complete(maker: Manifest) -> bool:
    status = maker["status"]
    if "desiredNumberScheduled" in status:  # a DaemonSet
        count = status["desiredNumberScheduled"]
        ready = status.get("updatedNumberScheduled", 0) == status["numberReady"] == count
        return bool(status.get("observedGeneration", 0) >= maker["metadata"]["generation"] and ready)
    count = maker["spec"]["replicas"]
    return bool(
        status.get("observedGeneration", 0) >= maker["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == status.get("readyReplicas", 0) == status.get("replicas", 0) == count
    )


def _nothing(_: Cluster) -> None:
    pass


@contextmanager
def bring_up(stack: str, prepare: Callable[[Cluster], object] = _nothing, *, empty: bool = False) -> Iterator[Cluster]:
    """Bring a stack up on the nodes that it names; say in the figures how long it took.

    `prepare` is what a stack needs of its nodes beside that; they are Ready then, and nothing of the stack is there.

    An `empty` cluster has what the stack needs, its images too, and nothing of the stack.

    Raises:
        AssertionError: something is not ready in time; the message says what.
    """
    if machine.FOLDER not in os.environ:
        pytest.exit("these tests need namespaces of their own: run `python -m tests.node`", returncode=2)
    folder = Path(os.environ[machine.FOLDER])
    seconds: dict[str, float] = {}
    began = time.monotonic()

    def done(part: str) -> None:
        nonlocal began
        seconds[part], began = time.monotonic() - began, time.monotonic()

    addresses = {each.name: each.ip for each in stacks.described(stack).stack.cluster.nodes}
    router = network.make_network(addresses)
    with ExitStack() as running:
        coming_up = running.enter_context(ExitStack())
        coming_up.enter_context(prepared.turn())
        done("its turn")
        hosts = network.make_hosts(addresses, router, folder)
        for host in hosts:
            running.callback(host.stop)
        done("network")
        ready_made = prepared.prepare(stack, dns())
        rendered = ready_made.rendered
        done("rendered, and images unpacked")
        first = hosts[0]
        plane = control_plane.start(folder / "plane", host=first.address, nodes=list(addresses), within=first.within)
        running.callback(plane.stop)
        api = plane.api()
        running.callback(api.close)
        done("control plane")
        nodes = []
        for host, module in zip(hosts, itertools.chain([NEWEST], itertools.repeat(OLDEST)), strict=False):
            ready_made.copy_store(host.store)
            nodes.append(Node(host, plane, module))
            running.callback(nodes[-1].stop)
        for node in nodes:
            node.join()
        ready(plane, nodes)
        done("nodes Ready")
        cluster = Cluster(rendered, plane, api, nodes)
        for manifest in dns():
            answer = api.apply(manifest)
            assert answer.ok, answer.message
        cluster.await_ready()
        done("cluster DNS Ready")
        prepare(cluster)
        if not empty:
            said = control_plane.bring_up(api, rendered.manifests)
            assert {str(key): answer.message for key, answer in said.items() if not answer.ok} == {}
            done("applied")
            cluster.await_ready()
            done("everything Ready")
        coming_up.close()
        parts = ", ".join(f"{part} {took:.1f}" for part, took in seconds.items())
        FIGURES.append(f"up in {sum(seconds.values()):.1f} s: {parts}")
        yield cluster


def dns() -> list[Manifest]:
    """Cluster DNS, as K3s has it: CoreDNS with the labels and the address that policies and pods look for."""
    name = "coredns"
    here: dict[str, Any] = {"name": name, "namespace": "kube-system"}
    rbac = "rbac.authorization.k8s.io"
    labels = {"k8s-app": "kube-dns"}
    rules = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    container = {
        "name": name,
        "image": images.DNS,
        "args": ["-conf", "/etc/coredns/Corefile"],
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
        "resources": {"limits": {"memory": "170Mi"}, "requests": {"cpu": "100m", "memory": "70Mi"}},
        "ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}],
        "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}, "initialDelaySeconds": 5},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        },
    }
    pod = {
        "serviceAccountName": name,
        "dnsPolicy": "Default",
        "priorityClassName": "system-cluster-critical",
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": name}}],
    }
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": here},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": "system:coredns"}, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "system:coredns"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "system:coredns"},
            "subjects": [{"kind": "ServiceAccount", **here}],
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": here, "data": {"Corefile": _COREFILE}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {**here, "labels": labels},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": labels},
            "spec": {
                "clusterIP": DNS_ADDRESS,
                "selector": labels,
                "ports": [
                    {"name": "dns", "port": 53, "protocol": "UDP"},
                    {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                ],
            },
        },
    ]
