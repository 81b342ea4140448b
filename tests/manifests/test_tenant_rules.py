"""All admission policies together."""

from __future__ import annotations

from manifests.ingress.annotations import ALLOWED_ANNOTATIONS
from manifests.tenant import admission, bounds, rules


def test_every_policy_is_put_into_force_by_the_binding_of_its_role() -> None:
    assert list(rules.policies()) == list(rules.bindings()) == ["ingresses", "services", "objects", "config", "pods"]
    for role, binding in rules.bindings().items():
        assert binding["spec"]["policyName"] == rules.policies()[role]["metadata"]["name"]
        assert binding["spec"]["validationActions"] == ["Deny"]


def test_ingresses_may_carry_what_warren_emits() -> None:
    assert rules.policies()["ingresses"] == admission.ingress_policy(ALLOWED_ANNOTATIONS)
    assert rules.policies()["services"] == admission.service_policy()
    assert bounds.policies().items() <= rules.policies().items()
