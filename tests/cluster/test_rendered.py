"""Closed workspaces, on a real API server: pods are those that were rendered, and nobody gets into them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from manifests.tenant.people import EDIT
from tests.cluster.conftest import ANN, Cluster, cases
from tests.cluster.test_bounds import CRON_JOB, DEPLOYMENT, JOB
from tests.cluster.test_walls import POD
from tests.manifests.test_tenant_admission import changed
from tests.real.api import Answer, Api, Manifest, service_account
from tests.real.control_plane import wait

pytestmark = cases("everything", controllers=("traefik",), plane="rendered")

CLOSED, OPEN = "metal", "legacy"
"""A workspace whose app reads the cluster, and one without such an app."""


@pytest.fixture
def ann(cluster: Cluster) -> Iterator[Api]:
    """Ann with `edit` in both, as somebody may have who got it by hand."""
    for namespace in (CLOSED, OPEN):
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": ANN.groups[0]}
        binding: Manifest = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "by-hand", "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": EDIT},
            "subjects": [subject],
        }
        assert cluster.api.create(binding).status in (201, 409)
    with closing(cluster.api.speaking_for(ANN)) as speaking:
        for namespace in (CLOSED, OPEN):
            wait("her rights", partial(looks, speaking, namespace))
        yield speaking


def looks(api: Api, namespace: str) -> bool:
    """Whether somebody may see what runs there."""
    return api.request("GET", api.path("v1", "Pod", namespace)).ok


def pods(api: Api, namespace: str) -> list[Manifest]:
    found: list[Manifest] = api.get("v1", "Pod", namespace)
    return found


def refused(answer: Answer) -> bool:
    return answer.status == 403 and "an app of this workspace has more than its people" in answer.message


MAKERS = {"a pod": POD, "a Deployment": DEPLOYMENT, "a Job": JOB, "a CronJob": CRON_JOB}


@pytest.mark.parametrize("what", MAKERS)
def test_a_tenant_makes_no_pods_there(cluster: Cluster, ann: Api, what: str) -> None:
    here, elsewhere = (changed(MAKERS[what], metadata__namespace=name) for name in (CLOSED, OPEN))
    assert refused(ann.create(here, dryRun="All"))
    # The same is nobody's business elsewhere, nor when the platform's owner does it.
    assert ann.create(elsewhere, dryRun="All").ok
    assert cluster.api.create(here, dryRun="All").ok


def test_a_tenant_runs_nothing_as_the_account_that_reads_the_cluster(ann: Api) -> None:
    as_it = changed(POD, metadata__namespace=CLOSED, spec__serviceAccountName="dashboard")
    assert refused(ann.create(as_it, dryRun="All"))


def test_a_rendered_pod_is_there_and_stays_as_it_is(cluster: Cluster, ann: Api) -> None:
    """Controllers make the pods of what the platform rendered, and a person changes them no more than templates."""
    wait("the dashboard's pod", lambda: pods(cluster.api, CLOSED))
    [pod] = [each for each in pods(cluster.api, CLOSED) if each["metadata"]["labels"]["warren/app"] == "dashboard"]
    path = ann.path("v1", "Pod", CLOSED, pod["metadata"]["name"])
    image: dict[str, Any] = {"spec": {"containers": [{"name": "dashboard", "image": "ghcr.io/example/mine:1"}]}}
    strategic = "application/strategic-merge-patch+json"
    assert refused(ann.request("PATCH", path, image, strategic))
    deployment = ann.path("apps/v1", "Deployment", CLOSED, "dashboard")
    assert refused(ann.request("PATCH", deployment, {"spec": {"template": image}}, strategic))
    # What she may: a restart, and more or fewer of them.
    annotation = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}}
    assert ann.request("PATCH", deployment, annotation, strategic, dryRun="All").ok
    assert ann.request("PATCH", f"{deployment}/scale", {"spec": {"replicas": 0}}, strategic, dryRun="All").ok
    for part in ("exec", "attach", "portforward"):
        assert refused(ann.request("POST", f"{path}/{part}", command="sh", container="dashboard", stdin="true"))
        # An open workspace's pod is not there, so its own refusal would be another one.
        assert ann.request("POST", ann.path("v1", "Pod", OPEN, "none") + f"/{part}", command="sh").status == 404


def test_an_app_that_makes_pods_makes_none_there(cluster: Cluster) -> None:
    """As the account of team's runner, given the same rights by hand."""
    subject = {"kind": "ServiceAccount", "name": "runner", "namespace": "team"}
    binding: Manifest = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "runner-by-hand", "namespace": CLOSED},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": EDIT},
        "subjects": [subject],
    }
    assert cluster.api.create(binding).status in (201, 409)
    with closing(cluster.api.speaking_for(service_account("team", "runner"))) as runner:
        wait("its rights", lambda: looks(runner, CLOSED))
        assert refused(runner.create(changed(POD, metadata__namespace=CLOSED), dryRun="All"))
        assert runner.create(changed(POD, metadata__namespace="team"), dryRun="All").ok


def radio(cluster: Cluster, namespace: str) -> Manifest:
    """The pod of an app that has everything of a node that may be given, which no node of the tests could run."""
    [made] = [each for each in cluster.rendered.of("Deployment") if each["metadata"]["name"] == "radio"]
    spec = copy.deepcopy(made["spec"]["template"]["spec"])
    # It has no replicas, so the quota has no GPU for it.
    assert spec["containers"][0]["resources"]["limits"].pop("gpu.intel.com/i915") == "1"
    assert spec["hostNetwork"]
    assert spec["containers"][0]["securityContext"]["privileged"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tried", "namespace": namespace}, "spec": spec}


def test_hardware_comes_in_where_the_workspace_and_the_stack_say_so(cluster: Cluster, ann: Api) -> None:
    answer = cluster.api.create(radio(cluster, CLOSED), dryRun="All")
    assert answer.ok, answer.message
    assert answer.warnings == ()
    assert refused(ann.create(radio(cluster, CLOSED), dryRun="All"))
    # PodSecurity keeps it out elsewhere, whoever asks.
    elsewhere = cluster.api.create(radio(cluster, OPEN), dryRun="All")
    assert elsewhere.status == 403
    assert 'violates PodSecurity "baseline' in elsewhere.message


def test_what_a_device_plugin_brings_is_for_who_asked_in_the_file(cluster: Cluster, ann: Api) -> None:
    taking = changed(POD, metadata__namespace=OPEN)
    taking["spec"]["containers"][0]["resources"] = {"limits": {"gpu.intel.com/i915": "1"}}
    answer = ann.create(taking, dryRun="All")
    assert answer.status == 403
    assert "exceeded quota: warren.limits" in answer.message
    assert "requests.gpu.intel.com/i915=1" in answer.message
