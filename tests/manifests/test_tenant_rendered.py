"""Closed workspaces, decided without a cluster; tests/cluster/test_rendered.py asks a real one."""

from __future__ import annotations

from typing import Any

import pytest

from manifests import names
from manifests.tenant import rendered
from manifests.workspace import workspaces
from tests.config.examples import assert_valid, stack, workspace
from tests.manifests.test_tenant_admission import refusals
from tests.manifests.test_tenant_bounds import TENANT, Authorizer

POLICY = rendered.rendered_policy()
OWNER = Authorizer(frozenset({"update pods", "update deployments", "update cronjobs", "update jobs"}))
MAKERS = [Authorizer(frozenset({f"update {kind}/status"})) for kind in ("replicasets", "daemonsets", "jobs")]


def told(
    kind: str,
    new: dict[str, Any] | None,
    old: dict[str, Any] | None = None,
    who: Authorizer = TENANT,
    operation: str | None = None,
) -> list[str]:
    request = {"resource": {"group": "", "resource": kind}, "operation": operation or ("UPDATE" if old else "CREATE")}
    return refusals(POLICY, new, request=request, oldObject=old, authorizer=who)


def template(image: str, path: tuple[str, ...], **annotations: str) -> dict[str, Any]:
    made: dict[str, Any] = {"metadata": {"annotations": annotations}, "spec": {"image": image}}
    for key in reversed(path):
        made = {key: made}
    return {"metadata": {}, **made}


KINDS = {
    "pods": (),
    "deployments": ("spec", "template"),
    "jobs": ("spec", "template"),
    "cronjobs": ("spec", "jobTemplate", "spec", "template"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_tenant_makes_and_changes_no_pods_there(kind: str) -> None:
    path = KINDS[kind]
    was, other = template("ours:1", path), template("theirs:1", path)
    assert len(told(kind, was)) == 1
    assert len(told(kind, other, was)) == 1
    # A restart writes an annotation.
    assert told(kind, template("ours:1", path, restartedAt="now"), was) == []
    for answer in (told(kind, was, who=OWNER), told(kind, other, was, who=OWNER)):
        assert answer == []


def test_controllers_make_pods_of_templates_and_no_templates() -> None:
    for who in MAKERS:
        assert told("pods", template("ours:1", ()), who=who) == []
        assert len(told("deployments", template("ours:1", KINDS["deployments"]), who=who)) == 1


def test_nothing_is_opened_inside_of_a_pod_there() -> None:
    assert len(told("pods", {"command": ["sh"]}, operation="CONNECT")) == 1
    assert told("pods", {"command": ["sh"]}, who=OWNER, operation="CONNECT") == []
    connects = [
        rule for rule in POLICY["spec"]["matchConstraints"]["resourceRules"] if rule["operations"] == ["CONNECT"]
    ]
    assert {kind for rule in connects for kind in rule["resources"]} == {
        *("pods/attach", "pods/exec", "pods/portforward", "pods/proxy"),
    }


def test_it_is_in_force_where_the_namespace_says_so_and_the_namespace_says_so_where_it_is_closed() -> None:
    assert_valid(POLICY)
    chosen = rendered.bindings()["rendered"]["spec"]["matchResources"]["namespaceSelector"]
    assert chosen == {"matchLabels": {"warren/pods": "rendered"}}
    nodes = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}
    trusting = stack(trust={"team/web": {"clusterRules": [nodes]}})
    for closed, settings, here in (
        (False, stack(), workspace()),
        (False, stack(trust={"team/web": {"rules": [nodes]}}), workspace()),
        (False, trusting, workspace(name="other")),
        (True, trusting, workspace()),
        (True, stack(), workspace(podSecurity="privileged")),
    ):
        labels = workspaces.namespace(settings, here)["metadata"]["labels"]
        assert (labels.get(names.PODS_LABEL) == "rendered") is closed
