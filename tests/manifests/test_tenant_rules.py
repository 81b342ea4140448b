"""All admission policies together."""

from __future__ import annotations

from manifests.ingress.annotations import ALLOWED_ANNOTATIONS
from manifests.tenant import admission, bounds, rules
from tests.config.examples import assert_valid, workspace


def test_every_policy_is_put_into_force_by_the_binding_of_its_role() -> None:
    always = ["ingresses", "services", "objects", "config", "pods"]
    assert list(rules.policies()) == list(rules.bindings()) == always
    assert list(rules.policies(closed=True)) == list(rules.bindings(closed=True)) == [*always, "rendered"]
    for role, binding in rules.bindings(closed=True).items():
        assert binding["spec"]["policyName"] == rules.policies(closed=True)[role]["metadata"]["name"]
        assert binding["spec"]["validationActions"] == ["Deny"]


def test_ingresses_may_carry_what_warren_emits() -> None:
    assert rules.policies()["ingresses"] == admission.ingress_policy(ALLOWED_ANNOTATIONS)
    assert rules.policies()["services"] == admission.service_policy()
    assert bounds.policies().items() <= rules.policies().items()


def test_no_app_is_above_those_that_say_nothing() -> None:
    low = workspace(apps={"idle": {"image": "x/web:1", "priority": "low"}})
    made = rules.priorities([workspace(), low])
    assert rules.priorities([workspace()]) == {}
    for each in made.values():
        assert_valid(each)
        assert each["value"] < 0
        assert each["preemptionPolicy"] == "Never"
        assert not each.get("globalDefault")
