"""Every object of every stack is admitted by a real API server, again and again, and becomes pods."""

from __future__ import annotations

import base64
import re
from collections import Counter
from typing import Any

from manifests.pods import MAX_GRACE_SECONDS
from tests.cluster.conftest import Cluster, cases
from tests.real.api import Key, Manifest
from tests.real.control_plane import wait

pytestmark = cases()


def test_every_object_is_admitted_without_an_error_or_a_warning(cluster: Cluster) -> None:
    said = {str(key): (answer.message, answer.warnings) for key, answer in cluster.first.items()}
    assert {key: told for key, told in said.items() if any(told)} == {}
    assert len(cluster.first) == len(cluster.rendered.manifests) > 70
    assert all(answer.status == 201 for key, answer in cluster.first.items())


def test_a_second_apply_changes_nothing(cluster: Cluster) -> None:
    changed = []
    for manifest in cluster.manifests:
        before = cluster.api.request("GET", cluster.api.path_of(manifest)).body
        answer = cluster.api.apply(manifest)
        assert answer.ok, f"{Key.of(manifest)}: {answer.message}"
        if ours(answer.body) != ours(before):
            changed.append(str(Key.of(manifest)))
    assert changed == []


def ours(stored: Manifest) -> Manifest:
    """An object without what the server and controllers write; the generation, which counts changes, stays."""
    metadata = {
        key: value for key, value in stored["metadata"].items() if key not in ("resourceVersion", "managedFields")
    }
    return {**{key: value for key, value in stored.items() if key != "status"}, "metadata": metadata}


def test_nobody_else_has_taken_a_field_by_the_third_apply(cluster: Cluster) -> None:
    """After the server's defaults and the controllers' work, the values that we set still stand: whoever applies the
    same again, in the form that pulumi-kubernetes gives it or as it was written, finds no conflict."""
    cluster.settled()
    conflicts = []
    for manifest in cluster.manifests:
        for manager, form in (("pulumi-kubernetes-test", as_the_provider_sends_it(manifest)), ("kubectl", manifest)):
            answer = cluster.api.apply(form, manager)
            if not answer.ok:
                conflicts.append(f"{Key.of(manifest)} as {manager}: {answer.status} {answer.message}")
    assert conflicts == []


def test_every_pod_template_becomes_pods(cluster: Cluster) -> None:
    """PodSecurity, quota and limit range let every pod of every Deployment, CronJob and Job in, all at once."""
    for manifest in cluster.rendered.of("CronJob"):
        answer = cluster.api.create(job_from(cluster.api.get("batch/v1", "CronJob", **place(manifest))))
        assert answer.ok or answer.status == 409, answer.message
    # A CronJob's Job is called as it is.
    expected = Counter(
        {str(Key.of(each)).removeprefix("Cron"): replicas(cluster, each) for each in cluster.workloads()}
    )
    counted: Counter[str] = Counter()

    def all_there() -> bool:
        nonlocal counted
        counted = Counter(owner(pod) for pod in cluster.api.get("v1", "Pod"))
        return all(counted[key] >= number for key, number in expected.items())

    try:
        wait("pods", all_there)
    except AssertionError:
        missing = {key: f"{counted[key]} of {number}" for key, number in expected.items() if counted[key] < number}
        raise AssertionError(f"{missing}: {refusals(cluster)}") from None
    assert refusals(cluster) == []
    assert expected.total() >= 8


def test_rule_67_what_keeps_requests_through_a_roll_out_reaches_the_pods(cluster: Cluster) -> None:
    """A server without the feature would drop these fields without a word."""
    wanted_pods = {str(Key.of(each)) for each in cluster.rendered.of("Deployment") if replicas(cluster, each)}
    wait("pods", lambda: wanted_pods <= {owner(pod) for pod in cluster.api.get("v1", "Pod")})
    waiting = {str(Key.of(each)) for each in cluster.rendered.of("Deployment") if sleeps(each["spec"]["template"])}
    spread = set()
    for pod in cluster.api.get("v1", "Pod"):
        spec, labels = pod["spec"], pod["metadata"]["labels"]
        if "pod-template-hash" not in labels:
            continue  # a job's
        assert bool(sleeps(pod)) == (owner(pod) in waiting)
        assert sleeps(pod) in (0, 10)
        assert sleeps(pod) < spec["terminationGracePeriodSeconds"] <= MAX_GRACE_SECONDS
        for constraint in spec.get("topologySpreadConstraints", []):
            assert constraint["matchLabelKeys"] == ["pod-template-hash"]
            spread.add(owner(pod))
        leaving = {each["key"]: each.get("tolerationSeconds") for each in spec["tolerations"]}
        # 300 is what the API server adds where nothing is said: to pods that cannot move.
        own_data = any({"persistentVolumeClaim", "hostPath"} & volume.keys() for volume in spec.get("volumes", []))
        wanted = {30, 300} if own_data else {30}
        assert {leaving[f"node.kubernetes.io/{taint}"] for taint in ("not-ready", "unreachable")} <= wanted
    controllers = {"Deployment warren-ingress/ingress-controller", "Deployment warren-tunnel/cloudflared"}
    assert controllers <= spread
    assert "Deployment warren-ingress/ingress-controller" in waiting
    assert len(waiting) >= 4


def sleeps(pod: Manifest) -> int:
    """How long a pod's first container goes on after it was told to end."""
    hook = pod["spec"]["containers"][0].get("lifecycle", {}).get("preStop", {})
    seconds: int = hook.get("sleep", {}).get("seconds", 0)
    return seconds


def test_an_update_of_everything_at_once_is_admitted_too(cluster: Cluster) -> None:
    """Rolling updates need room for one pod more of each Deployment at the same time."""
    for manifest in cluster.rendered.of("Deployment"):
        template = {"metadata": {"annotations": {"warren/config": "changed"}}}
        answer = cluster.api.merge(cluster.api.path_of(manifest), {"spec": {"template": template}})
        assert answer.ok, answer.message
    running = [each for each in cluster.rendered.of("Deployment") if replicas(cluster, each)]

    def updated() -> bool:
        states = [cluster.api.get("apps/v1", "Deployment", **place(each)) for each in running]
        return all(
            each["status"].get("observedGeneration") == each["metadata"]["generation"]
            and each["status"].get("updatedReplicas", 0) >= 1
            for each in states
        )

    # What has just gone counts for a moment more, and its place is asked for again. No old pod goes: none is ready.
    try:
        wait("new pods", updated)
    except AssertionError as late:
        raise AssertionError(f"{late}: {refusals(cluster)}") from None


def place(manifest: Manifest) -> dict[str, str]:
    return {key: manifest["metadata"][key] for key in ("namespace", "name")}


def replicas(cluster: Cluster, manifest: Manifest) -> int:
    """How many pods a workload should have; one for a Job, and for a CronJob, whose Job is made by hand here."""
    if manifest["kind"] in ("CronJob", "Job"):
        return 1
    number: int = cluster.api.get("apps/v1", "Deployment", **place(manifest))["spec"]["replicas"]
    return number


def job_from(cron_job: Manifest) -> Manifest:
    """As `kubectl create job --from=cronjob/...`: now, and not at half past three."""
    metadata = cron_job["metadata"]
    reference = {"apiVersion": "batch/v1", "kind": "CronJob", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "ownerReferences": [{**reference, "controller": True}],
        },
        "spec": cron_job["spec"]["jobTemplate"]["spec"],
    }


def owner(pod: Manifest) -> str:
    """The Deployment or Job that a pod belongs to."""
    metadata = pod["metadata"]
    [reference] = metadata["ownerReferences"]
    if reference["kind"] == "Job":
        return f"Job {metadata['namespace']}/{reference['name']}"
    name = reference["name"].removesuffix(f"-{metadata['labels']['pod-template-hash']}")
    return f"Deployment {metadata['namespace']}/{name}"


def refusals(cluster: Cluster) -> list[str]:
    """What kept a controller from making a pod."""
    return [
        f"{each['involvedObject']['kind']} {each['involvedObject']['namespace']}/{each['involvedObject']['name']}: "
        f"{each['message']}"
        for each in cluster.api.get("v1", "Event")
        if each["reason"] == "FailedCreate"
    ]


def as_the_provider_sends_it(manifest: Manifest) -> Manifest:
    """The same object in pulumi-kubernetes' form: no empty lists, canonical quantities, `data` for `stringData`.

    Seen with the official provider 4.32.0 beside this repository (its Check turns manifests into typed objects).
    """
    form: Manifest = _provider_form(manifest)
    if "stringData" in form:
        form["data"] = {key: base64.b64encode(value.encode()).decode() for key, value in form.pop("stringData").items()}
    return form


def _provider_form(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _provider_form(each, name) for name, each in value.items() if each != [] or key == "rules"}
    if isinstance(value, list):
        return [_provider_form(each) for each in value]
    found = re.fullmatch(r"(\d+)(Ki|Mi|m)", value) if isinstance(value, str) else None
    if found is None:
        return value
    number, unit = int(found[1]), found[2]
    base, larger = (1000, {"m": ""}) if unit == "m" else (1024, {"Ki": "Mi", "Mi": "Gi"})
    return _provider_form(f"{number // base}{larger[unit]}") if number % base == 0 and unit in larger else value
