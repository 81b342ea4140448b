"""What tenants' own objects are held to, decided without a cluster; tests/cluster/test_bounds.py asks a real one."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import pytest

from manifests import names, pods
from manifests.tenant import bounds
from tests.config.examples import assert_valid
from tests.manifests.test_tenant_admission import changed, refusals


@dataclass(frozen=True)
class Authorizer:
    """As the API server's: what somebody may do in every namespace, such as `update secrets`."""

    may: frozenset[str] = frozenset()
    asked: str = ""

    def group(self, name: str) -> Authorizer:
        return self

    def resource(self, name: str) -> Authorizer:
        return Authorizer(self.may, name)

    def subresource(self, name: str) -> Authorizer:
        return Authorizer(self.may, f"{self.asked}/{name}")

    def check(self, verb: str) -> Authorizer:
        return Authorizer(self.may, f"{verb} {self.asked}")

    def allowed(self) -> bool:
        return self.asked in self.may


TENANT = Authorizer()
JOB_CONTROLLER = Authorizer(frozenset({"update jobs/status"}))
TRACKED = "batch.kubernetes.io/job-tracking"


def told(
    policy: dict[str, Any],
    resource: str,
    thing: dict[str, Any] | None,
    old: dict[str, Any] | None = None,
    who: Authorizer = TENANT,
    **options: Any,
) -> list[str]:
    """What a policy says to a request for one of the core group's resources."""
    operation = "DELETE" if thing is None else "CREATE" if old is None else "UPDATE"
    request = {"resource": {"group": "", "resource": resource}, "operation": operation, "options": options}
    return refusals(policy, thing, request=request, oldObject=old, authorizer=who)


def thing(**more: Any) -> dict[str, Any]:
    return changed({"metadata": {"name": "x"}}, **more)


def config(**more: Any) -> dict[str, Any]:
    return changed({"metadata": {"name": "x"}, "data": {}}, **more)


CONFIG, OBJECTS, PODS = bounds.config_policy(), bounds.objects_policy(), bounds.pods_policy()
LIMIT = bounds.CONFIG_BYTES


@pytest.mark.parametrize("resource", ["secrets", "configmaps"])
def test_a_secret_or_config_map_has_a_limit_with_all_that_is_in_it(resource: str) -> None:
    assert told(CONFIG, resource, config(data={"k": "x" * (LIMIT - 33)})) == []
    for heavy in (
        config(data={"k": "x" * (LIMIT - 32)}),
        config(data={f"{number:04}": "" for number in range(4000)}),
        config(data={str(number): "" for number in range(1001)}),
        config(metadata__labels={"k": "x" * LIMIT}),
        config(metadata__annotations={"k": "x" * (LIMIT // 2)}, data={"k": "x" * (LIMIT // 2)}),
        # Each manager keeps a list of the keys.
        config(metadata__managedFields=[{}] * 20, data={"k" * 253 + str(number): "" for number in range(30)}),
    ):
        assert [message for message in told(CONFIG, resource, heavy) if f"more than {LIMIT // 1024} KiB" in message], (
            heavy.keys()
        )


def test_the_weight_is_in_bytes_and_counts_binary_data() -> None:
    otters = "\U0001f9a6" * (LIMIT // 4)
    assert len(told(CONFIG, "configmaps", config(data={"k": otters}))) == 1
    binary = base64.b64encode(bytes(LIMIT)).decode()
    assert len(told(CONFIG, "configmaps", config(binaryData={"k": binary}))) == 1


def test_whoever_may_update_secrets_everywhere_is_no_tenant() -> None:
    """The platform's own static folders are ConfigMaps of up to 900 KiB."""
    heavy = config(data={"k": "x" * (900 * 1024)})
    assert told(CONFIG, "secrets", heavy, who=Authorizer(frozenset({"update secrets"}))) == []
    assert len(told(CONFIG, "secrets", heavy, who=Authorizer(frozenset({"update configmaps"})))) == 1


def test_secrets_are_of_types_that_only_hold_something() -> None:
    for allowed in (None, *bounds.SECRET_TYPES):
        assert told(CONFIG, "secrets", config(type=allowed)) == []
    for refused in ("kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token", "x", ""):
        [message] = told(CONFIG, "secrets", config(type=refused))
        assert message.startswith("the type must be one of Opaque, ")


def test_no_finalizer_is_added() -> None:
    for resource in ("configmaps", "pods", "persistentvolumeclaims", "authrequests"):
        mine = thing(metadata__finalizers=["example.com/mine"])
        for old in (None, thing(), thing(metadata__finalizers=["example.com/other"])):
            assert [each for each in told(OBJECTS, resource, mine, old) if each.startswith("finalizers")], resource
        assert told(OBJECTS, resource, mine, mine) == []


def test_controllers_finalizers_are_theirs() -> None:
    claimed, tracked = (thing(metadata__finalizers=[name]) for name in ("kubernetes.io/pvc-protection", TRACKED))
    assert told(OBJECTS, "persistentvolumeclaims", claimed) == []
    assert len(told(OBJECTS, "pods", claimed)) == 1
    assert told(OBJECTS, "pods", tracked, who=JOB_CONTROLLER) == []
    assert len(told(OBJECTS, "pods", tracked)) == 1
    assert len(told(OBJECTS, "configmaps", tracked, who=JOB_CONTROLLER)) == 1


@pytest.mark.parametrize("resource", ["persistentvolumeclaims", "pods"])
def test_nobody_gives_away_what_the_garbage_collector_would_then_delete_or_keep(resource: str) -> None:
    kept = {"finalizers": [TRACKED]} if resource == "pods" else {}
    before = {"metadata": {"name": "x", **kept, "ownerReferences": [{"kind": "Job", "name": "a"}]}}
    for owners in ([{"kind": "Job", "name": "b"}], []):
        after = changed(before, metadata__ownerReferences=owners)
        [message] = told(OBJECTS, resource, after, before)
        assert message.startswith("ownerReferences must stay")
    assert told(OBJECTS, resource, before, before) == []
    assert told(OBJECTS, "configmaps", thing(), thing(metadata__ownerReferences=[{"name": "a"}])) == []


def test_labels_and_annotations_are_no_storage() -> None:
    assert told(OBJECTS, "pods", thing(metadata__annotations={"k": "x" * 30_000})) == []
    for padded in (
        thing(metadata__annotations={"k": "x" * 33_000}),
        thing(metadata__labels={f"{number:05}": "" for number in range(2000)}),
        thing(metadata__managedFields=[{}] * 21),
    ):
        assert [each for each in told(OBJECTS, "services", padded) if each.startswith("labels and annotations")]


def test_a_service_has_no_thousand_ports() -> None:
    assert told(OBJECTS, "services", thing(spec__ports=[{"port": 1}] * 20)) == []
    assert told(OBJECTS, "services", thing(spec={})) == []
    [message] = told(OBJECTS, "services", thing(spec__ports=[{"port": 1}] * 21))
    assert message == "a Service must not have more than 20 ports"


def test_no_pod_takes_longer_to_end_than_a_drain_waits() -> None:
    most, grace = pods.MAX_GRACE_SECONDS, "terminationGracePeriodSeconds"
    assert most == 600
    for seconds, refused in ((most, 0), (most + 1, 1)):
        assert len(told(PODS, "pods", thing(spec={"containers": [{}], grace: seconds}))) == refused
        for containers in ("containers", "initContainers"):
            for probe in ("livenessProbe", "startupProbe"):
                spec = {"containers": [{}], containers: [{}, {probe: {grace: seconds}}]}
                assert len(told(PODS, "pods", thing(spec=spec))) == refused
        assert len(told(PODS, "pods", None, thing(), gracePeriodSeconds=seconds)) == refused
    assert told(PODS, "pods", None, thing()) == []


def test_no_pod_brings_a_driver_and_a_share_of_its_own() -> None:
    for source, refused in (({"csi": {"driver": "nfs.csi.k8s.io"}}, 1), ({"emptyDir": {}}, 0)):
        spec = {"containers": [{}], "volumes": [{"name": "a", "secret": {}}, {"name": "b", **source}]}
        assert len(told(PODS, "pods", thing(spec=spec))) == refused


def test_no_pod_of_a_tenant_pushes_others_off_a_node() -> None:
    for priority, refused in (
        (None, 0),
        ("", 0),
        (pods.LOW_PRIORITY, 0),
        ("storage-critical", 1),
        ("system-node-critical", 1),
    ):
        spec = {"containers": [{}], **({} if priority is None else {"priorityClassName": priority})}
        assert len(told(PODS, "pods", thing(spec=spec))) == refused
        assert len(told(PODS, "pods", thing(spec=spec), thing())) == refused
        owner = Authorizer(frozenset({"update pods"}))
        assert told(PODS, "pods", thing(spec=spec), who=owner) == []


def test_every_drain_moves_pods_that_are_not_ready() -> None:
    assert pods.disruption_budget({"a": "b"})["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_the_policies_are_valid_and_ask_about_everything_in_workspaces() -> None:
    made = bounds.policies()
    assert set(made) == set(bounds.bindings())
    for role, binding in bounds.bindings().items():
        assert_valid(made[role])
        assert_valid(binding)
        spec = made[role]["spec"]
        assert spec["failurePolicy"] == "Fail"
        assert spec["matchConstraints"]["matchPolicy"] == "Equivalent"
        assert {each["reason"] for each in spec["validations"]} == {"Forbidden"}
        [exists] = binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
        assert exists == {"key": names.WORKSPACE_LABEL, "operator": "Exists"}
    asked = {
        role: [(rule["resources"], rule["operations"]) for rule in policy["spec"]["matchConstraints"]["resourceRules"]]
        for role, policy in made.items()
    }
    both = ["CREATE", "UPDATE"]
    assert asked == {
        "objects": [(["*"], both)],
        "config": [(["secrets", "configmaps"], both)],
        "pods": [(["pods"], both), (["pods"], ["DELETE"])],
    }
