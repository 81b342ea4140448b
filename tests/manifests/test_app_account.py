"""An app's account at the API server, and that an app without one has none of it."""

from __future__ import annotations

from typing import Any

from manifests import walls
from manifests.app import account, apps
from tests.config.examples import assert_valid, stack, workspace

LOOKING = {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list", "watch"]}
NODES = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"], "resourceNames": ["pi-1"]}


def _unit(**account: Any) -> apps.Unit:
    app = {"image": "ghcr.io/x/web:1.0", "port": 8000, **({"serviceAccount": account} if account else {})}
    [unit] = apps.units(stack(), workspace(apps={"web": app}), {})
    return unit


def test_an_app_without_an_account_has_no_token_no_role_and_no_way_to_the_api_server() -> None:
    unit = _unit()
    spec = apps.pod_template(unit)["spec"]
    assert account.objects(unit) == {}
    assert spec["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in spec
    assert "egress" not in apps.wall(unit)["spec"]
    assert apps.wall(unit)["spec"]["policyTypes"] == ["Ingress"]


def test_rules_are_a_role_of_the_apps_own_account_in_its_namespace() -> None:
    made = account.objects(_unit(rules=[LOOKING]))
    for each in made.values():
        assert_valid(each)
        assert (each["metadata"]["namespace"], each["metadata"]["name"]) == ("team", "web")
    assert [each["kind"] for each in made.values()] == ["ServiceAccount", "Role", "RoleBinding"]
    assert made["role"]["rules"] == [LOOKING]
    assert made["binding"]["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"}
    assert made["binding"]["subjects"] == [{"kind": "ServiceAccount", "name": "web", "namespace": "team"}]
    # Only the app's own pods ask for the token.
    assert made["account"]["automountServiceAccountToken"] is False


def test_what_it_reads_beyond_is_a_cluster_role_that_no_other_app_has() -> None:
    made = account.objects(_unit(clusterRules=[NODES]))
    for each in made.values():
        assert_valid(each)
    assert list(made) == ["account", "cluster-role", "cluster-binding"]
    assert made["cluster-role"]["rules"] == [NODES]
    for role in ("cluster-role", "cluster-binding"):
        assert made[role]["metadata"]["name"] == "warren.team.web"
        assert "namespace" not in made[role]["metadata"]
    assert made["cluster-binding"]["subjects"] == [{"kind": "ServiceAccount", "name": "web", "namespace": "team"}]


def test_its_pods_run_as_it_and_reach_the_api_server() -> None:
    unit = _unit(rules=[LOOKING])
    spec = apps.pod_template(unit)["spec"]
    assert (spec["automountServiceAccountToken"], spec["serviceAccountName"]) == (True, "web")
    wall = apps.wall(unit)
    assert_valid(wall)
    assert wall["spec"]["egress"] == [walls.api_server(stack().cluster)]
    assert wall["spec"]["policyTypes"] == ["Ingress", "Egress"]
