"""What people with kubectl may do in a workspace, and who they are."""

from __future__ import annotations

import pytest

from manifests.tenant import people
from tests.config.examples import assert_valid, workspace

LABELS = {
    "app.kubernetes.io/name": "team",
    "app.kubernetes.io/part-of": "warren",
    "app.kubernetes.io/managed-by": "pulumi",
    "warren/workspace": "team",
}

FORBIDDEN = {
    "ingresses",
    "ingressclasses",
    "networkpolicies",
    "middlewares",
    "ingressroutes",
    "resourcequotas",
    "limitranges",
    "roles",
    "rolebindings",
    "serviceaccounts",
    "serviceaccounts/token",
    "endpoints",
    "endpointslices",
    "namespaces",
    "nodes",
    "persistentvolumes",
    "pods/ephemeralcontainers",
    "pods/eviction",
    # With the one a drain could be blocked, with the other a budget made to count what is not there.
    "poddisruptionbudgets",
    "replicasets",
    "*",
}
CHANGES = {"create", "update", "patch", "delete", "deletecollection", "*", "bind", "escalate", "impersonate"}


def _rights(role: str) -> set[tuple[str, str]]:
    rules = people.cluster_roles()[role]["rules"]
    return {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}


@pytest.mark.parametrize("role", ["edit", "view"])
def test_people_cannot_change_what_is_the_platforms(role: str) -> None:
    assert {resource for resource, verb in _rights(role) if verb in CHANGES} & FORBIDDEN == set()
    assert {resource for resource, _ in _rights(role)} & {"ingresses", "networkpolicies", "*"} == set()
    groups = {group for rule in people.cluster_roles()[role]["rules"] for group in rule["apiGroups"]}
    assert groups & {"*", "networking.k8s.io", "traefik.io", "rbac.authorization.k8s.io", "dex.coreos.com"} == set()


def test_viewers_change_nothing_and_see_no_secret() -> None:
    rights = _rights("view")
    assert {verb for _, verb in rights} == {"get", "list", "watch"}
    assert {resource for resource, _ in rights} & {"secrets", "pods/exec", "pods/portforward", "pods/attach"} == set()
    assert ("pods/log", "get") in rights


def test_editors_run_their_apps_but_cannot_delete_data() -> None:
    rights = _rights("edit")
    assert {
        ("deployments", "patch"),
        ("deployments/scale", "patch"),
        ("pods/exec", "create"),
        ("jobs", "create"),
    } <= rights
    assert ("persistentvolumeclaims", "delete") not in rights
    assert _rights("view") <= rights


def test_the_roles_are_valid_and_have_the_platforms_names() -> None:
    made = people.cluster_roles()
    for manifest in made.values():
        assert_valid(manifest)
    assert {role: manifest["metadata"]["name"] for role, manifest in made.items()} == {
        "edit": "warren-edit",
        "view": "warren-view",
    }


def test_groups_are_bound_in_their_workspace_only_and_behind_the_api_servers_prefix() -> None:
    made = people.role_bindings(workspace(access={"edit": ["devs", "admins"]}))
    assert list(made) == ["edit"]
    assert_valid(made["edit"])
    assert made["edit"] == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "warren-edit", "namespace": "team", "labels": LABELS},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "warren-edit"},
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "oidc:admins"},
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "oidc:devs"},
        ],
    }
    assert people.role_bindings(workspace()) == {}
