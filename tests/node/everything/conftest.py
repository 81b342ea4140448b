"""The stack with every key switched on, the example suite in it, on the three nodes that it names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.node import cluster
from tests.node.cluster import Cluster
from tests.node.everything import jobs, storage
from tests.real.api import Manifest

ARM = "pi-3"
"""The node that says it is an arm64 one, because an app wants such a one; and that it is flaky, which only that app
puts up with."""
NFS = ("10.0.0.7", "/export/media", 1000)
"""The directory of a file server that an app has, and that app's user."""


def pytest_report_header() -> list[str]:
    """Say what stands in for something here alone."""
    return [
        "stand-ins, beside pods: for K3s' local-path provisioner, and for kubelets' NFS client (no such kernel here)",
        f"said of a node by the tests: {ARM} has the label kubernetes.io/arch=arm64 and the taint flaky",
    ]


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


@pytest.fixture(scope="session")
def everything() -> Iterator[Cluster]:
    """Everything of the stack is Ready."""
    with ExitStack() as running:

        def prepare(made: Cluster) -> None:
            another_machine(made)
            storage.serve_files(made.nodes, *NFS)
            running.enter_context(storage.provision(made))

        yield running.enter_context(cluster.bring_up("everything", prepare))


@pytest.fixture(scope="session")
def every_minute(everything: Cluster) -> str:
    """A CronJob (``namespace/name``) that fires every minute from now on, its Jobs are as before."""
    path = everything.api.path("batch/v1", "CronJob", "club", "report")
    answer = everything.api.merge(path, {"spec": {"schedule": "* * * * *"}})
    assert answer.ok, answer.message
    return "club/report"


@pytest.fixture(scope="session")
def by_hand(everything: Cluster) -> list[Manifest]:
    """A Job of every CronJob, begun by hand and ended."""
    return [jobs.begin(everything, each) for each in everything.api.get("batch/v1", "CronJob")]
