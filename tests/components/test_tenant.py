"""TenancyRules: what all tenants share, and what waits for what."""

from __future__ import annotations

import pulumi
import pytest

from components.tenant import TenancyRules, TenancyRulesArgs
from config.workspace import Workspace
from manifests.tenant import people, rules
from tests.config.examples import workspace

from .recording import Recording, providers, record

AT_HOME = ("games/minecraft-lan",)


@pytest.fixture(scope="module")
def seen() -> Recording:
    return _record()


def _record(*workspaces: Workspace) -> Recording:
    def program() -> None:
        args = TenancyRulesArgs(workspaces, AT_HOME, closed=True)
        TenancyRules("tenancy", args, pulumi.ResourceOptions(providers=providers()))

    return record(program)


def test_the_rules_for_all_tenants_are_those_that_were_decided(seen: Recording) -> None:
    assert {made.id: made.manifest for made in seen if made.parent == "TenancyRules/tenancy"} == {
        **{
            f"ValidatingAdmissionPolicy/tenancy-policy-{role}": made
            for role, made in rules.policies(AT_HOME, closed=True).items()
        },
        **{
            f"ValidatingAdmissionPolicyBinding/tenancy-binding-{role}": made
            for role, made in rules.bindings(closed=True).items()
        },
        "ClusterRole/tenancy-role-edit": people.cluster_roles()["edit"],
        "ClusterRole/tenancy-role-view": people.cluster_roles()["view"],
    }
    assert seen.one("TenancyRules").type == "warren:components:TenancyRules"


def test_the_priority_of_apps_is_there_where_one_asks_for_it() -> None:
    app = {"image": "x/web:1", "port": 80}
    made = _record(workspace(), workspace(apps={"web": app, "idle": {**app, "priority": "low"}}))
    assert (
        made.one("PriorityClass").manifest
        == rules.priorities([workspace(apps={"a": {**app, "priority": "low"}})])["low"]
    )
    assert [each.id for each in _record(workspace(apps={"web": app})) if each.kind == "PriorityClass"] == []


def test_a_policy_is_in_place_before_its_binding(seen: Recording) -> None:
    assert set(rules.bindings(closed=True)) == {"ingresses", "services", "objects", "config", "pods", "rendered"}
    for role in rules.bindings(closed=True):
        binding = seen.one("ValidatingAdmissionPolicyBinding", f"tenancy-binding-{role}")
        assert binding.dependencies == {f"ValidatingAdmissionPolicy/tenancy-policy-{role}"}


def test_no_policy_has_variables(seen: Recording) -> None:
    """An API server of 1.33 ends when policies that have some change while it judges (kubernetes#135757)."""
    specs = [made.manifest["spec"] for made in seen if made.id.startswith("ValidatingAdmissionPolicy/")]
    assert len(specs) == len(rules.policies(closed=True))
    for spec in specs:
        assert "variables" not in spec
        assert "variables." not in str(spec)
