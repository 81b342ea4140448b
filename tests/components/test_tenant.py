"""TenancyRules: what all tenants share, and what waits for what."""

from __future__ import annotations

import pulumi
import pytest

from components.tenant import TenancyRules, TenancyRulesArgs
from manifests.tenant import people, rules

from .recording import Recording, providers, record

AT_HOME = ("games/minecraft-lan",)


@pytest.fixture(scope="module")
def seen() -> Recording:
    return record(
        lambda: TenancyRules("tenancy", TenancyRulesArgs(AT_HOME), pulumi.ResourceOptions(providers=providers()))
    )


def test_the_rules_for_all_tenants_are_those_that_were_decided(seen: Recording) -> None:
    assert {made.id: made.manifest for made in seen if made.parent == "TenancyRules/tenancy"} == {
        **{f"ValidatingAdmissionPolicy/tenancy-policy-{role}": made for role, made in rules.policies(AT_HOME).items()},
        **{f"ValidatingAdmissionPolicyBinding/tenancy-binding-{role}": made for role, made in rules.bindings().items()},
        "ClusterRole/tenancy-role-edit": people.cluster_roles()["edit"],
        "ClusterRole/tenancy-role-view": people.cluster_roles()["view"],
    }
    assert seen.one("TenancyRules").type == "warren:components:TenancyRules"


def test_a_policy_is_in_place_before_its_binding(seen: Recording) -> None:
    assert set(rules.bindings()) == {"ingresses", "services", "objects", "config", "pods"}
    for role in rules.bindings():
        binding = seen.one("ValidatingAdmissionPolicyBinding", f"tenancy-binding-{role}")
        assert binding.dependencies == {f"ValidatingAdmissionPolicy/tenancy-policy-{role}"}


def test_no_policy_has_variables(seen: Recording) -> None:
    """An API server of 1.33 ends when policies that have some change while it judges (kubernetes#135757)."""
    specs = [made.manifest["spec"] for made in seen if made.id.startswith("ValidatingAdmissionPolicy/")]
    assert len(specs) == len(rules.policies())
    for spec in specs:
        assert "variables" not in spec
        assert "variables." not in str(spec)
