"""The stack with every key switched on, on nodes that have what it asks for beside Warren."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.node import cluster
from tests.node.cluster import Cluster
from tests.node.everything import storage

STANDINS = (
    "for K3s' local-path provisioner, storage that nodes share, and kubelets' NFS client (a kernel may have none)"
)
"""What is not real beside what `images` says."""
ARM = "pi-3"
"""The node that says it is an arm64 one, because an app wants such a one; and that it is flaky, which only that app
puts up with."""
NFS = ("10.0.0.7", "/export/media", 1000)
"""The directory of a file server that an app has, and that app's user."""


def another_machine(made: Cluster) -> None:
    """Say of a node that it is an arm64 one, and taint it.

    Kubelet takes such a label back with each of its heartbeats, so the API server puts it on with each.
    """
    name = {"name": "arm64.tests"}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["nodes", "nodes/status"]}
    patch = '[JSONPatch{op: "add", path: "/metadata/labels/kubernetes.io~1arch", value: "arm64"}]'
    policy = {
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [{"name": "it", "expression": f"object.metadata.name == '{ARM}'"}],
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
    }
    version = "admissionregistration.k8s.io/v1"
    for kind, spec in (("", policy), ("Binding", {"policyName": name["name"]})):
        kind = f"MutatingAdmissionPolicy{kind}"
        answer = made.api.create({"apiVersion": version, "kind": kind, "metadata": name, "spec": spec})
        assert answer.ok, answer.message
    taint = {"spec": {"taints": [{"key": "flaky", "effect": "NoSchedule"}]}}
    answer = made.api.merge(made.api.path("v1", "Node", None, ARM), taint)
    assert answer.ok, answer.message


@contextmanager
def bring_up(*, empty: bool = False) -> Iterator[Cluster]:
    """Bring it up, as `cluster.bring_up` does."""
    with ExitStack() as running:

        def prepare(made: Cluster) -> None:
            another_machine(made)
            storage.serve_files(made.nodes, *NFS)
            running.enter_context(storage.provision(made))

        yield running.enter_context(cluster.bring_up("everything", prepare, empty=empty))
