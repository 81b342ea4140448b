"""What tenants' own objects are held to, on a real API server: sizes, Secret types, and what would not go away.

Rules 51, 55 and 60. The same objects from the platform's owner come in, or there would be nothing to compare with.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from manifests import pods
from manifests.tenant import bounds
from manifests.workspace import counts
from manifests.workspace.workspaces import LIMITS
from tests.cluster.conftest import Cluster, Room, cases, token_request
from tests.cluster.test_walls import CONFIG, POD, SIGNING_KEY, assert_admitted, assert_refused, pod, tried
from tests.manifests.test_tenant_admission import SERVICE, changed
from tests.real.api import Answer, Api, Key, Manifest
from tests.real.control_plane import wait

pytestmark = cases("everything", controllers=("traefik",), plane="tenants")

SECRET: Manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tried", "namespace": "team"}}
DEPLOYMENT: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "tried", "namespace": "team"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "tried"}},
        "template": {"metadata": {"labels": {"app": "tried"}}, "spec": POD["spec"]},
    },
}
CLAIM: Manifest = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "tried", "namespace": "team"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}
KIB = 1024
FULL = bounds.CONFIG_BYTES

HEAVY = "must not weigh more than 64 KiB with its labels and annotations"
PADDED = "labels and annotations must not weigh more than 32 KiB"
FINALIZED = "finalizers must be left out"
OWNED = "ownerReferences must stay as they are"
SLOW = "must not be more than 600: a node's drain waits for it"
TYPE = "the type must be one of Opaque, "


def text(size: int) -> str:
    return "x" * size


def encoded(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


def many(count: int, size: int = 0) -> dict[str, str]:
    return {f"key-{number:05}": text(size) for number in range(count)}


def finalized(manifest: Manifest, name: str = "example.com/mine") -> Manifest:
    return changed(manifest, metadata__finalizers=[name])


GONE = {"apiVersion": "v1", "kind": "ConfigMap", "name": "never-was", "uid": "00000000-0000-0000-0000-000000000000"}
JOB: Manifest = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "tried", "namespace": "team"},
    "spec": {"template": {"spec": {**POD["spec"], "restartPolicy": "Never"}}},
}
CRON_JOB: Manifest = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "tried", "namespace": "team"},
    "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": JOB["spec"]}},
}
SCALER: Manifest = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "tried", "namespace": "team"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "tried"},
        "minReplicas": 1,
        "maxReplicas": 2,
    },
}
EVERY_KIND = (CONFIG, SECRET, changed(SERVICE, metadata__name="tried"), POD, CLAIM, DEPLOYMENT, JOB, CRON_JOB, SCALER)
"""Whatever a tenant may make."""

TOO_LARGE: dict[str, tuple[Manifest, str]] = {
    "a Secret of 900 KB": (changed(SECRET, data={"x": encoded(900_000)}), HEAVY),
    "a Secret that says it in plain text": (changed(SECRET, stringData={"x": text(FULL)}), HEAVY),
    "a ConfigMap": (changed(CONFIG, data={"x": text(FULL)}), HEAVY),
    "a ConfigMap with binary data": (changed(CONFIG, binaryData={"x": encoded(FULL)}), HEAVY),
    "a ConfigMap with half of each": (
        changed(CONFIG, data={"x": text(FULL // 2)}, binaryData={"y": encoded(FULL // 2)}),
        HEAVY,
    ),
    "a ConfigMap of large characters": (changed(CONFIG, data={"x": "\U0001f9a6" * (FULL // 3)}), HEAVY),
    "a ConfigMap of many keys": (changed(CONFIG, data=many(2000)), HEAVY),
    "an immutable ConfigMap": (changed(CONFIG, data={"x": text(FULL)}, immutable=True), HEAVY),
    "a Secret's annotation": (changed(SECRET, metadata__annotations={"x": text(FULL)}), HEAVY),
    "a Secret's labels": (changed(SECRET, metadata__labels=many(1500, 60)), HEAVY),
    "a pod's annotation": (changed(POD, metadata__annotations={"x": text(200 * KIB)}), PADDED),
    "a Deployment's labels": (changed(DEPLOYMENT, metadata__labels=many(1000, 60)), PADDED),
    "a Service's annotation": (changed(SERVICE, metadata__annotations={"x": text(33 * KIB)}), PADDED),
    "a Service of many ports": (
        changed(SERVICE, spec__ports=[{"name": f"p{number}", "port": number} for number in range(1, 22)]),
        "a Service must not have more than 20 ports",
    ),
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_too_large_for_a_tenant_is(case: str, cluster: Cluster, ann: Api) -> None:
    manifest, why = TOO_LARGE[case]
    assert_refused(tried(ann, manifest), why)
    assert_admitted(tried(cluster.api, manifest))


def test_what_people_use_is_not_too_large(ann: Api) -> None:
    assert_admitted(tried(ann, changed(CONFIG, data={"dashboard.json": text(60 * KIB)})))
    assert_admitted(tried(ann, changed(SECRET, data={"key": encoded(45 * KIB)})))
    assert_admitted(tried(ann, changed(CONFIG, data=many(200, 100))))
    # As `kubectl apply` writes it: a copy of the whole in an annotation.
    kept = {"kubectl.kubernetes.io/last-applied-configuration": text(31 * KIB)}
    assert_admitted(tried(ann, changed(CONFIG, metadata__annotations=kept, data={"x": text(30 * KIB)})))
    assert_admitted(tried(ann, changed(DEPLOYMENT, metadata__annotations=kept)))


def test_nothing_grows_past_the_limit_by_changes(room: Room) -> None:
    config = changed(CONFIG, metadata__namespace=room.name, data={"x": "y"})
    assert_admitted(room.ann.create(config))
    path = room.api.path_of(config)
    assert_admitted(room.ann.merge(path, {"data": {"y": text(30 * KIB)}}))
    assert_refused(room.ann.merge(path, {"data": {"z": text(40 * KIB)}}), HEAVY)
    assert_refused(room.ann.apply(changed(config, data={"z": text(40 * KIB)}), "other"), HEAVY)
    json_patch = [{"op": "add", "path": "/data/z", "value": text(40 * KIB)}]
    assert_refused(room.ann.request("PATCH", path, json_patch, "application/json-patch+json"), HEAVY)
    # What the platform has made larger may be read and taken away.
    assert_admitted(room.api.merge(path, {"data": {"z": text(900 * KIB)}}))
    assert_refused(room.ann.merge(path, {"metadata": {"labels": {"seen": "yes"}}}), HEAVY)
    assert_admitted(room.ann.merge(path, {"data": {"z": None}}))


def test_field_managers_do_not_pile_up(room: Room) -> None:
    """Each keeps a list of every key that it has set."""
    config = changed(CONFIG, metadata__namespace=room.name, data=many(100))
    answers = [room.ann.apply(config, f"manager-{number}") for number in range(bounds.MANAGERS)]
    assert answers[0].ok
    assert_refused(answers[-1], HEAVY)
    service = changed(SERVICE, metadata__namespace=room.name, metadata__name="tried")
    answers = [room.ann.apply(service, f"manager-{number}") for number in range(bounds.MANAGERS + 1)]
    assert all(answer.ok for answer in answers[:-1])
    assert_refused(answers[-1], "have no more than 20 field managers")


REFUSED_TYPES = (
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
    "example.com/anything",
    "kubernetes.io/tls ",
)


@pytest.mark.parametrize("kind", REFUSED_TYPES)
def test_a_tenant_makes_no_secret_of_the_type(kind: str, ann: Api) -> None:
    account = {"kubernetes.io/service-account.name": "default"}
    assert_refused(tried(ann, changed(SECRET, type=kind, metadata__annotations=account)), TYPE)


CONTENTS = {
    "kubernetes.io/basic-auth": {"username": "ann", "password": "open"},
    "kubernetes.io/dockercfg": {".dockercfg": "{}"},
    "kubernetes.io/dockerconfigjson": {".dockerconfigjson": "{}"},
    "kubernetes.io/ssh-auth": {"ssh-privatekey": "key"},
    "kubernetes.io/tls": {"tls.crt": "certificate", "tls.key": "key"},
}


def test_secrets_that_only_hold_something_are_admitted(ann: Api) -> None:
    assert set(CONTENTS) < set(bounds.SECRET_TYPES)
    for kind in (None, *bounds.SECRET_TYPES):
        answer = tried(ann, changed(SECRET, type=kind, stringData=CONTENTS.get(kind or "", {"x": "y"})))
        assert answer.ok, answer.message


def test_no_secret_becomes_a_token(room: Room) -> None:
    """The type is set once; the annotation alone is nothing to the controller that fills tokens in."""
    account = {"kubernetes.io/service-account.name": "default"}
    opaque = changed(SECRET, metadata__namespace=room.name, metadata__annotations=account)
    assert_admitted(room.ann.create(opaque))
    path = room.api.path_of(opaque)
    token = {"type": "kubernetes.io/service-account-token"}
    for answer in (room.ann.merge(path, token), room.ann.apply({**opaque, **token}, "other", force="true")):
        assert not answer.ok
    made = changed(opaque, metadata__name="token", **token)
    assert_admitted(room.api.create(made))
    wait("the owner's token", lambda: room.api.get("v1", "Secret", room.name, "token").get("data", {}).get("token"))
    assert "data" not in room.api.get("v1", "Secret", room.name, "tried")


@pytest.mark.parametrize("kind", EVERY_KIND, ids=[each["kind"] for each in EVERY_KIND])
def test_a_tenant_makes_nothing_that_cannot_be_removed(kind: Manifest, cluster: Cluster, ann: Api) -> None:
    assert_refused(tried(ann, finalized(kind)), FINALIZED)
    # Those of controllers, where they have no business; and those that the garbage collector alone sets.
    for name in ("kubernetes.io/pvc-protection", "batch.kubernetes.io/job-tracking", "foregroundDeletion", "orphan"):
        if (kind["kind"], name) != ("PersistentVolumeClaim", "kubernetes.io/pvc-protection"):
            assert_refused(tried(ann, finalized(kind, name)), FINALIZED)
    if kind["kind"] != "PersistentVolumeClaim":
        # Team has no room for one.
        assert_admitted(tried(ann, kind))
        assert_admitted(tried(cluster.api, finalized(kind)))


def test_a_tenant_gives_nothing_a_finalizer_later(room: Room) -> None:
    config = changed(CONFIG, metadata__namespace=room.name)
    assert_admitted(room.ann.create(config))
    path = room.api.path_of(config)
    assert_refused(room.ann.merge(path, {"metadata": {"finalizers": ["example.com/mine"]}}), FINALIZED)
    assert_refused(room.ann.apply(finalized(config), "other"), FINALIZED)
    # One that is there may stay, be taken off, and not be joined by another.
    assert_admitted(room.api.merge(path, {"metadata": {"finalizers": ["example.com/owners"]}}))
    assert_admitted(room.ann.merge(path, {"data": {"x": "y"}}))
    both = {"metadata": {"finalizers": ["example.com/owners", "example.com/mine"]}}
    assert_refused(room.ann.merge(path, both), FINALIZED)
    assert_admitted(room.ann.merge(path, {"metadata": {"finalizers": None}}))


def failures(room: Room) -> list[str]:
    """What kept a controller from making a pod."""
    return [each["message"] for each in room.api.get("v1", "Event", room.name) if each["reason"] == "FailedCreate"]


IN_TEMPLATES: dict[str, tuple[dict[str, Any], str]] = {
    "a finalizer": ({"metadata__finalizers": ["example.com/mine"]}, FINALIZED),
    "a grace period of days": ({"spec__terminationGracePeriodSeconds": 1_000_000}, SLOW),
}


@pytest.mark.parametrize("case", IN_TEMPLATES)
def test_no_controller_makes_for_a_tenant_what_it_may_not(case: str, room: Room) -> None:
    changes, why = IN_TEMPLATES[case]
    template = changed(DEPLOYMENT["spec"]["template"], **changes)
    made = changed(DEPLOYMENT, metadata__namespace=room.name, spec__template=template)
    assert room.ann.create(made).ok
    job = changed(JOB, metadata__namespace=room.name, spec__template=changed(JOB["spec"]["template"], **changes))
    assert room.ann.create(job).ok
    wait("both refusals", lambda: len({each for each in failures(room) if why in each}) >= 2 or None)
    assert room.api.get("v1", "Pod", room.name) == []


def test_a_job_of_a_tenant_runs_and_can_be_removed(room: Room) -> None:
    """Its pods have a finalizer of the Job controller's, which the policy knows."""
    assert_admitted(room.ann.create(changed(JOB, metadata__namespace=room.name)))
    [made] = wait("its pod", lambda: room.api.get("v1", "Pod", room.name) or None)
    assert made["metadata"]["finalizers"] == ["batch.kubernetes.io/job-tracking"]
    path = room.api.path_of({"apiVersion": "v1", "kind": "Pod", **made})
    # With another owner, the Job controller would never take it off.
    owner = {**made["metadata"]["ownerReferences"][0], "kind": "ReplicaSet", "apiVersion": "apps/v1"}
    assert_refused(room.ann.merge(path, {"metadata": {"ownerReferences": [owner]}}), OWNED)
    assert_refused(room.ann.merge(path, {"metadata": {"ownerReferences": None}}), OWNED)
    assert room.ann.request("DELETE", room.api.path("batch/v1", "Job", room.name, "tried")).ok
    assert room.ann.request("DELETE", path, {"gracePeriodSeconds": 0}).ok
    wait("it is gone", lambda: room.api.get("v1", "Pod", room.name) == [])


def test_a_claim_is_not_deleted_by_giving_it_an_owner_that_never_was(room: Room) -> None:
    """Nobody with `edit` may delete a claim, and the garbage collector would."""
    claim = changed(CLAIM, metadata__namespace=room.name)
    quota = room.api.path("v1", "ResourceQuota", room.name, "warren.limits")
    hard = {"requests.storage": "1Gi", "persistentvolumeclaims": "5"}
    assert room.api.merge(quota, {"spec": {"hard": hard}}).ok
    wait("room for it", lambda: tried(room.ann, claim).ok)
    assert_admitted(room.ann.create(claim))
    path = room.api.path_of(claim)
    assert_refused(room.ann.merge(path, {"metadata": {"ownerReferences": [GONE]}}), OWNED)
    assert_admitted(room.ann.merge(path, {"metadata": {"labels": {"seen": "yes"}}}))
    assert_refused(room.ann.request("DELETE", path), 'cannot delete resource "persistentvolumeclaims"')


SLOW_PODS: dict[str, Manifest] = {
    "the pod": pod(spec__terminationGracePeriodSeconds=pods.MAX_GRACE_SECONDS + 1),
    **{
        f"a container's {probe}": pod(
            container={probe: {"tcpSocket": {"port": 80}, "terminationGracePeriodSeconds": 1_000_000}}
        )
        for probe in ("livenessProbe", "startupProbe")
    },
}


@pytest.mark.parametrize("case", SLOW_PODS)
def test_a_tenants_pod_ends_in_time_for_a_drain(case: str, cluster: Cluster, ann: Api) -> None:
    assert_refused(tried(ann, SLOW_PODS[case]), SLOW)
    assert_admitted(tried(cluster.api, SLOW_PODS[case]))
    assert_admitted(tried(ann, pod(spec__terminationGracePeriodSeconds=pods.MAX_GRACE_SECONDS)))


def test_whoever_deletes_a_pod_gives_it_no_longer_than_that(room: Room) -> None:
    """A pod that is being deleted with a grace period of days ignores the drain's own wish."""
    made = pod(room.name)
    assert_admitted(room.ann.create(made))
    # A pod that no node has is deleted at once; this one is on a node that nobody plays.
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "tried"}, "target": {"name": "pi-9"}}
    path = room.api.path_of(made)
    assert room.api.request("POST", f"{path}/binding", {**binding, "target": {"kind": "Node", "name": "pi-9"}}).ok

    def deleted(by: Api, **query: str) -> Answer:
        return by.request("DELETE", path, **query)

    assert_refused(deleted(room.ann, gracePeriodSeconds="1000000"), SLOW)
    assert_refused(room.ann.request("DELETE", path, {"gracePeriodSeconds": 601}), SLOW)
    assert deleted(room.ann, gracePeriodSeconds="600").ok
    assert deleted(room.ann, gracePeriodSeconds="0").ok
    assert room.api.request("GET", path).status == 404


def test_people_make_no_budgets_and_no_replica_sets(ann: Api) -> None:
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "tried", "namespace": "team"},
        "spec": {"maxUnavailable": 0, "selector": {}},
    }
    assert_refused(tried(ann, budget), 'cannot create resource "poddisruptionbudgets"')
    spec = {key: DEPLOYMENT["spec"][key] for key in ("selector", "template")}
    replica_set = {**DEPLOYMENT, "kind": "ReplicaSet", "spec": spec}
    assert_refused(tried(ann, replica_set), 'cannot create resource "replicasets"')


def test_the_account_of_sign_in_is_held_to_it_too(bearer: Callable[[str, str], Api]) -> None:
    """Who may start pods can start one as Dex."""
    dex = bearer("team", "dex")
    assert_admitted(tried(dex, SIGNING_KEY))
    assert_refused(tried(dex, finalized(SIGNING_KEY)), FINALIZED)
    assert_refused(tried(dex, changed(SIGNING_KEY, metadata__annotations={"x": text(100 * KIB)})), PADDED)


def test_a_workspace_with_all_that_a_tenant_could_leave_behind_goes(room: Room) -> None:
    """The namespace controller empties it; the room's own end waits for that."""
    for kind in (CONFIG, SECRET, DEPLOYMENT, JOB, CRON_JOB, SCALER):
        assert_admitted(room.ann.create(changed(kind, metadata__namespace=room.name)))
    wait("pods", lambda: len(room.api.get("v1", "Pod", room.name)) >= 2)
    path = room.api.path("v1", "Namespace", name=room.name)
    assert room.api.request("DELETE", path).ok
    wait("it is gone", lambda: room.api.request("GET", path).status == 404)


# Counts. In a room, which has the quota of team, and nothing of team's in it.


def numbered(kind: Manifest, room: Room, number: int) -> Manifest:
    return changed(kind, metadata__name=f"tried-{number}", metadata__namespace=room.name)


IDLE = changed(DEPLOYMENT, spec__replicas=0)
PAUSED = changed(JOB, spec__suspend=True)
COUNTED: dict[str, Manifest] = {
    counts.SECRETS: SECRET,
    counts.CONFIG_MAPS: CONFIG,
    counts.SERVICES: SERVICE,
    "count/deployments.apps": changed(IDLE, spec__paused=True),
    "count/cronjobs.batch": CRON_JOB,
    "count/jobs.batch": PAUSED,
    "count/horizontalpodautoscalers.autoscaling": SCALER,
}


def hard(room: Room) -> dict[str, str]:
    status: dict[str, str] = room.api.get("v1", "ResourceQuota", room.name, "warren.limits")["status"]["hard"]
    return status


def used(room: Room, kind: str) -> int:
    return int(room.api.get("v1", "ResourceQuota", room.name, "warren.limits")["status"]["used"][kind])


def test_there_is_no_one_too_many_of_anything(room: Room) -> None:
    for kind, manifest in COUNTED.items():
        limit, there = int(hard(room)[kind]), used(room, kind)
        assert limit - there >= counts.ROOM[kind]
        for number in range(there, limit):
            answer = room.ann.create(numbered(manifest, room, number))
            assert answer.ok, answer.message
        refused = room.ann.create(numbered(manifest, room, limit))
        assert_refused(refused, f"exceeded quota: warren.limits, requested: {kind}=1, used: {kind}={limit}")


def test_a_deployment_that_changes_without_end_leaves_a_bounded_history(room: Room) -> None:
    """While it is never complete, its ReplicaSets are never cleaned up."""
    limit = int(hard(room)["count/replicasets.apps"])
    made = changed(DEPLOYMENT, metadata__namespace=room.name)
    assert room.ann.create(made).ok
    path = room.api.path_of(made)

    def there() -> int:
        return len(room.api.get("apps/v1", "ReplicaSet", room.name))

    for number in range(limit + 5):
        wait("the one before", partial(lambda wanted: there() >= wanted, min(number + 1, limit)))
        assert room.ann.merge(path, {"spec": {"template": {"metadata": {"annotations": {"x": str(number)}}}}}).ok

    def said() -> str:
        conditions = room.api.get("apps/v1", "Deployment", room.name, "tried")["status"].get("conditions", [])
        return " ".join(str(each.get("message")) for each in conditions)

    wait("the quota's word", lambda: "exceeded quota: warren.limits, requested: count/replicasets.apps=1" in said())
    assert there() == limit


def test_finished_pods_do_not_pile_up(room: Room) -> None:
    """They count for nothing else: neither compute nor `pods`."""
    limit = int(hard(room)["count/pods"])
    for number in range(limit):
        made = numbered(pod(room.name), room, number)
        wait("room for the next", partial(lambda each: room.ann.create(each).ok, made))
        status = {"status": {"phase": "Succeeded"}}
        assert room.api.merge(f"{room.api.path_of(made)}/status", status).ok
    assert_refused(
        room.ann.create(numbered(pod(room.name), room, limit)),
        f"exceeded quota: warren.limits, requested: count/pods=1, used: count/pods={limit}",
    )


def test_the_disk_of_a_node_is_shared_out(ann: Api) -> None:
    answer = tried(ann, pod(spec__volumes=[{"name": "scratch", "emptyDir": {}}]))
    assert_admitted(answer)
    [container] = answer.body["spec"]["containers"]
    assert container["resources"]["requests"]["ephemeral-storage"] == "32Mi"
    assert container["resources"]["limits"]["ephemeral-storage"] == "512Mi"
    for what in ("requests", "limits"):
        resources = {"requests": {"ephemeral-storage": "1Mi"}, "limits": {"ephemeral-storage": "100Gi"}}
        resources[what] = {"ephemeral-storage": "100Gi"}
        large = tried(ann, pod(container={"resources": resources}))
        assert_refused(large, f"{what}.ephemeral-storage=100Gi")


@pytest.mark.parametrize("namespace", ["club", "legacy", "open", "suite", "team"])
def test_the_platforms_own_objects_are_counted_exactly(namespace: str, cluster: Cluster) -> None:
    """What is not counted would be taken from the room of people, and one day stop `up`."""
    cluster.settled()
    platform = cluster.rendered.platform
    [workspace] = [each for each in platform.workspaces if each.name == namespace]
    own = counts.objects(platform.stack, workspace)
    # A quota that was new when a controller made its ConfigMap may leave that out for five minutes. One that comes when
    # all is at rest counts all.
    [limits] = [each for each in cluster.manifests if Key.of(each) == Key("ResourceQuota", namespace, LIMITS)]
    counting = changed(limits, metadata__name="counting")
    assert cluster.api.create(counting).ok
    try:
        read = partial(cluster.api.get, "v1", "ResourceQuota", namespace, "counting")
        counted = wait("the quota has counted", lambda: read().get("status", {}).get("used"))
    finally:
        cluster.api.request("DELETE", cluster.api.path_of(counting))
    used = {kind: int(counted[kind]) for kind in own}
    # Controllers make the rest as time goes by.
    exact = set(own) - {"count/pods", "count/jobs.batch", "count/replicasets.apps"}
    assert {kind: used[kind] for kind in exact} == {kind: own[kind] for kind in exact}
    assert [kind for kind in own if used[kind] > own[kind]] == []


def test_up_goes_on_beside_people_who_have_filled_their_room(room: Room) -> None:
    """The quota grows by what the file adds, before that is made."""
    limit = int(hard(room)[counts.SECRETS])
    for number in range(limit):
        assert room.ann.create(numbered(SECRET, room, number)).ok
    assert not room.api.create(numbered(SECRET, room, limit)).ok
    path = room.api.path("v1", "ResourceQuota", room.name, "warren.limits")
    assert room.api.merge(path, {"spec": {"hard": {counts.SECRETS: str(limit + 1)}}}).ok
    # pulumi-kubernetes waits for a quota until its status says the same.
    wait("the quota", lambda: hard(room)[counts.SECRETS] == str(limit + 1))
    assert room.api.create(numbered(SECRET, room, limit)).ok


# What docs/operations.md says under "Taking somebody's access away".


def known(cluster: Cluster, token: str) -> int:
    """What the API server answers to somebody who asks who they are."""
    plane = cluster.plane
    with closing(Api(plane.host, plane.port, token, plane.certificate)) as bearer:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        return bearer.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review).status


def test_taking_access_away_takes_the_steps_that_the_page_says(cluster: Cluster, room: Room) -> None:
    api = room.api
    assert_admitted(room.ann.create(changed(DEPLOYMENT, metadata__namespace=room.name)))
    [made] = wait("her pod", lambda: api.get("v1", "Pod", room.name) or None)
    name, uid = made["metadata"]["name"], made["metadata"]["uid"]
    bound = token_request()
    bound["spec"]["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}
    answer = api.request("POST", f"{api.path('v1', 'ServiceAccount', room.name, 'default')}/token", bound)
    assert answer.ok, answer.message
    in_pod = answer.body["status"]["token"]
    # As one could be made before the policy was there.
    old = changed(
        SECRET,
        metadata__namespace=room.name,
        metadata__annotations={"kubernetes.io/service-account.name": "default"},
        type="kubernetes.io/service-account-token",
    )
    assert_admitted(api.create(old))
    data = wait("the old token", lambda: api.request("GET", api.path_of(old)).body.get("data"))
    forever = base64.b64decode(data["token"]).decode()

    # 1. The group is off `access`: she may nothing any more, at once.
    binding = api.path("rbac.authorization.k8s.io/v1", "RoleBinding", room.name, "warren-edit")
    assert api.request("DELETE", binding).ok
    wait("it is out of force", lambda: room.ann.request("GET", api.path("v1", "Pod", room.name)).status == 403)

    # Without the other steps, all of it goes on.
    assert api.request("DELETE", api.path("v1", "Pod", room.name, name)).ok
    wait("another of her pods", lambda: api.get("v1", "Pod", room.name) or None)
    assert known(cluster, forever) == 201

    # 2. to 4. What she made, and every pod.
    assert api.request("DELETE", api.path("apps/v1", "Deployment", room.name, "tried")).ok
    for kind, version in (("ReplicaSet", "apps/v1"), ("Pod", "v1")):
        assert api.request("DELETE", api.path(version, kind, room.name)).ok
    wait("none is left", lambda: api.get("v1", "Pod", room.name) == [])
    wait("its token is none any more", lambda: known(cluster, in_pod) == 401)
    found = api.request("GET", api.path("v1", "Secret"), fieldSelector=f"type={old['type']}").body["items"]
    assert [each["metadata"]["name"] for each in found if each["metadata"]["namespace"] == room.name] == ["tried"]
    assert api.request("DELETE", api.path_of(old)).ok
    wait("nor is the old one", lambda: known(cluster, forever) == 401)
