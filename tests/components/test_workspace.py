"""Workspace: what a tenant is made of, what waits for what, and what no two tenants share."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.signin import DexCustomResources
from components.tenant import TenancyRules, TenancyRulesArgs
from components.workspace import Workspace, WorkspaceArgs
from config.routes import routes_of
from config.stack import Stack
from config.workspace import Workspace as Model
from manifests import names
from manifests.ingress.check_names import served
from manifests.workspace import mark
from tests.config.examples import PEER, SITE, assert_valid, stack, workspace

from .recording import Recording, Secret, providers, record

AUTH = {
    "providers": [
        {"type": "github", "id": "gh", "clientId": "x", "clientSecret": {"secret": "gh"}, "orgs": [{"name": "o"}]}
    ],
    "allow": {"emailDomains": ["example.com"]},
}
APPS: dict[str, Any] = {
    "landing": {"static": "team/landing", "routes": ["/", "/landing"]},
    "api": {
        "image": "ghcr.io/x/api:1.0",
        "port": 8000,
        "routes": ["/api", {"path": "/open", "public": True}],
        "env": {"PASSWORD": {"secret": "db-password"}},
    },
    "db": {
        "image": "docker.io/x/db:1.0",
        "port": 5432,
        "volumes": {"data": {"mount": "/data", "size": "1Gi"}},
        "env": {"PASSWORD": {"secret": "db-password"}},
    },
    "backup": {"image": "docker.io/x/db:1.0", "schedule": "0 3 * * *"},
}
VALUES = {"gh": "github-secret", "db-password": "hunter2", "htpasswd": "me:$2y$10$x"}


def _record(*models: Model, settings: Stack | None = None) -> Recording:
    settings = settings or stack()

    def program() -> None:
        opts = pulumi.ResourceOptions(providers=providers())
        rules = TenancyRules("tenancy", TenancyRulesArgs(models), opts)
        dex = DexCustomResources("dex", opts)
        for model in models:
            args = WorkspaceArgs(
                workspace=model,
                stack=settings,
                rules=rules,
                dex=dex,
                secrets={name: pulumi.Output.secret(value) for name, value in VALUES.items()},
                static={name: SITE for name, made in model.apps.items() if made.static},
            )
            Workspace(model.name, args, opts)

    return record(program)


def _inside(seen: Recording, namespace: str = "team") -> list[Any]:
    return [made for made in seen.kubernetes() if made.key[1] == namespace]


FULL = workspace(
    auth=AUTH,
    apps=APPS,
    access={"edit": ["devs"], "view": ["guests"]},
)


@pytest.fixture(scope="module")
def full() -> Recording:
    """The full workspace, recorded once: nothing changes a recording."""
    return _record(FULL)


def test_a_small_workspace_is_exactly_this() -> None:
    seen = _record(workspace())
    own = {made.id for made in seen if made.parent == "Workspace/team"}
    (route,) = routes_of(stack(), workspace())
    assert own == {
        "Namespace/team-namespace",
        "ResourceQuota/team-quota",
        "ResourceQuota/team-quota-priority",
        "LimitRange/team-limits",
        "NetworkPolicy/team-wall-deny-all",
        "NetworkPolicy/team-wall-app-egress",
        "RandomBytes/team-salt",
        "TenantApp/team.web",
        f"Ingress/team-ingress-{names.slug(route)}",
    }
    assert seen.one("Workspace").outputs == {
        "namespace": "team",
        "urls": ["https://team.example.com/"],
        "written": mark.of(stack(), workspace(), {}),
    }
    assert seen.one("Workspace").type == "warren:components:Workspace"


def test_a_full_workspace_has_sign_in_its_apps_its_routes_and_its_people(full: Recording) -> None:
    assert [made.name for made in full.of("TenantApp")] == ["team.api", "team.backup", "team.db", "team.landing"]
    assert [made.name for made in full.of("AuthGateway")] == ["team-auth"]
    assert [made.name for made in full.of("RoleBinding") if made.parent == "Workspace/team"] == [
        "team-people-edit",
        "team-people-view",
    ]
    slugs = {names.slug(route) for route in routes_of(stack(), FULL)}
    assert {made.key[2] for made in full.of("Ingress") if made.parent == "Workspace/team"} == slugs
    assert full.one("Workspace").outputs["urls"] == [
        "https://team.example.com/",
        "https://team.example.com/api",
        "https://team.example.com/landing",
        "https://team.example.com/open",
    ]
    for made in full.kubernetes():
        if made.kind != "CustomResourceDefinition":
            assert_valid(made.manifest)


def test_everything_in_the_namespace_waits_for_it_and_has_an_explicit_provider(full: Recording) -> None:
    assert len(_inside(full)) > 30
    for made in _inside(full):
        assert "Namespace/team-namespace" in made.dependencies, made.id
    assert [made.id for made in full if made.custom and not made.type.startswith("pulumi:") and not made.provider] == []


def test_the_namespace_comes_after_the_rules_for_all_tenants() -> None:
    assert {
        "ValidatingAdmissionPolicyBinding/tenancy-binding-ingresses",
        "ValidatingAdmissionPolicyBinding/tenancy-binding-services",
    } <= _record(workspace()).one("Namespace", "team").dependencies


def test_no_pod_starts_before_the_walls_around_it(full: Recording) -> None:
    pods = [made for made in _inside(full) if made.kind in ("Deployment", "CronJob")]
    assert len(pods) == 6
    for made in pods:
        guards = {name for name in made.dependencies if name.startswith("NetworkPolicy/")}
        assert {"NetworkPolicy/team-wall-deny-all", "NetworkPolicy/team-wall-app-egress"} < guards, made.id
        assert len(guards) == 3, f"{made.id} waits for the two policies of the workspace and its own"


def test_whatever_is_counted_waits_until_the_quota_has_grown_by_it(full: Recording) -> None:
    kinds = {"ConfigMap", "CronJob", "Deployment", "PersistentVolumeClaim", "Secret", "Service"}
    counted = [made for made in _inside(full) if made.kind in kinds]
    assert {made.kind for made in counted} == kinds
    assert [made.id for made in counted if "ResourceQuota/team-quota" not in made.dependencies] == []


def test_no_pod_waits_for_a_service_or_an_ingress(full: Recording) -> None:
    for made in _inside(full):
        if made.kind in ("Deployment", "CronJob"):
            assert [name for name in made.dependencies if name.startswith(("Service/", "Ingress/"))] == []


def test_every_pod_of_a_workspace_has_exactly_one_wall_of_its_own(full: Recording) -> None:
    selectors = [
        made.manifest["spec"]["podSelector"].get("matchLabels")
        for made in _inside(full)
        if made.kind == "NetworkPolicy"
    ]
    own = [selector for selector in selectors if selector]
    for made in _inside(full):
        if made.kind in ("Deployment", "CronJob"):
            spec = made.manifest["spec"]
            template = spec["template"] if made.kind == "Deployment" else spec["jobTemplate"]["spec"]["template"]
            labels = template["metadata"]["labels"]
            assert len([selector for selector in own if selector.items() <= labels.items()]) == 1, made.id


def test_only_the_controllers_pods_reach_a_port_with_a_route(full: Recording) -> None:
    for app in ("landing", "api"):
        wall = next(made for made in _inside(full) if made.key == ("NetworkPolicy", "team", app))
        assert [rule["from"] for rule in wall.manifest["spec"]["ingress"]] == [[PEER]]
    database = next(made for made in _inside(full) if made.key == ("NetworkPolicy", "team", "db"))
    assert [set(peer) for rule in database.manifest["spec"]["ingress"] for peer in rule["from"]] == [{"podSelector"}]


@pytest.mark.parametrize("kind", ["Deployment", "CronJob"])
def test_every_pod_meets_pod_security_restricted(full: Recording, kind: str) -> None:
    """The checks of the Pod Security Standards, restricted profile, by hand."""
    found = [made for made in _inside(full) if made.kind == kind]
    assert found
    for made in found:
        spec = made.manifest["spec"]
        pod = (spec["template"] if kind == "Deployment" else spec["jobTemplate"]["spec"]["template"])["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert {key for key in pod if key.startswith("host")} == set()
        kinds = {key for volume in pod["volumes"] for key in volume if key != "name"}
        assert kinds <= {"configMap", "emptyDir", "secret", "persistentVolumeClaim", "projected", "downwardAPI", "csi"}
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["readOnlyRootFilesystem"] is True
            assert "privileged" not in context
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]


def test_a_namespace_with_data_is_protected_unless_the_stack_says_otherwise(full: Recording) -> None:
    assert full.one("Namespace", "team").protect
    assert not _record(workspace()).one("Namespace", "team").protect
    open_handed = _record(FULL, settings=stack(protectData=False))
    assert [made.id for made in open_handed if made.protect] == []


def test_a_workspace_without_sign_in_has_none() -> None:
    seen = _record(workspace())
    assert seen.of("AuthGateway") == []
    assert {made.key[2] for made in _inside(seen) if made.kind == "Deployment"} == {"web"}


def test_protected_routes_ask_the_hosts_own_proxy_and_public_ones_do_not(full: Recording) -> None:
    asked = {
        made.manifest["spec"]["rules"][0]["http"]["paths"][0]["path"]: made.manifest["metadata"]["annotations"].get(
            "nginx.ingress.kubernetes.io/auth-url"
        )
        for made in full.of("Ingress")
        if made.parent == "Workspace/team"
    }
    question = "http://oauth2-proxy.team.svc.cluster.local:4180/oauth2/auth"
    assert asked == {"/": question, "/landing": question, "/api": question, "/open": None}


def test_a_route_with_a_password_comes_after_the_password() -> None:
    apps = {"web": {"image": "x/web:1", "port": 80, "routes": [{"path": "/", "basicAuth": {"secret": "htpasswd"}}]}}
    seen = _record(workspace(apps=apps))
    (route,) = routes_of(stack(), workspace(apps=apps))
    password = seen.one("Secret")
    assert password.props["stringData"] == {"auth": Secret(VALUES["htpasswd"])}
    ingress = seen.one("Ingress", names.slug(route))
    assert password.id in ingress.dependencies
    assert ingress.manifest["metadata"]["annotations"]["nginx.ingress.kubernetes.io/auth-secret"] == password.key[2]
    assert password.name == f"team-password-{names.slug(route)}"


def test_a_workspace_that_uses_a_registry_signs_in_before_its_apps_and_the_password_stays_secret() -> None:
    settings = stack(registries={"ghcr.io/x": {"username": "robot", "password": {"secret": "db-password"}}})
    seen = _record(workspace(registries=["ghcr.io/x"]), workspace(name="other", host="other"), settings=settings)
    made = seen.one("Secret")
    assert (made.id, made.key[1:3]) == ("Secret/team-registries", ("team", names.PULL_SECRET))
    told = '{"auths": {"ghcr.io/x": {"username": "robot", "password": "hunter2"}}}'
    assert made.props["stringData"] == {".dockerconfigjson": Secret(told)}
    assert "ResourceQuota/team-quota" in made.dependencies
    named = {each.key[1]: "imagePullSecrets" in _pod(each) for each in seen.of("Deployment")}
    assert named == {"team": True, "other": False}
    [app] = [each for each in seen.of("Deployment") if each.key[1] == "team"]
    assert made.id in app.dependencies


def test_the_pods_of_an_app_wait_for_those_that_it_names_and_nothing_else_of_it_does() -> None:
    image = "ghcr.io/x/web:1.0"
    seen = _record(
        workspace(
            apps={
                "db": {"image": "docker.io/x/db:1.0", "port": 5432},
                "migrate": {"image": image, "once": "10m", "after": ["db"]},
                "web": {"image": image, "port": 8000, "after": ["migrate"]},
            }
        )
    )
    pods = {made.id for made in seen if made.kind in ("Deployment", "Job")}
    waits = {made.id: sorted(pods & set(made.dependencies)) for made in seen if pods & set(made.dependencies)}
    assert waits == {
        "Job/team.migrate-job": ["Deployment/team.db-deployment"],
        "Deployment/team.web-deployment": ["Job/team.migrate-job"],
    }


def _pod(made: Any) -> dict[str, Any]:
    return made.manifest["spec"]["template"]["spec"]  # type: ignore[no-any-return]


def test_what_a_route_denies_is_denied_before_the_route_is_open() -> None:
    apps = {"web": {"image": "x/web:1", "port": 80, "routes": [{"path": "/", "deny": ["/metrics", "/debug"]}]}}
    seen = _record(workspace(apps=apps))
    (row,) = routes_of(stack(), workspace(apps=apps))
    opening = seen.one("Ingress", f"team-ingress-{names.slug(row)}")
    denials = {made.id for made in seen.of("Ingress") if made.parent == "Workspace/team"} - {opening.id}
    assert len(denials) == 2
    assert denials <= set(opening.dependencies)


def test_rule_48_the_names_of_every_ingress_are_looked_at(full: Recording) -> None:
    """What is checked before a preview is what is made in it."""
    looked_at = {(each.namespace, each.ingress, each.service, each.port) for _, each in served(stack(), FULL)}
    made = set()
    for each in full.of("Ingress"):
        [rule] = each.manifest["spec"]["rules"]
        backends = {
            (p["backend"]["service"]["name"], p["backend"]["service"]["port"]["name"]) for p in rule["http"]["paths"]
        }
        [(service, port)] = backends
        made.add((*each.key[1:3], service, port))
    assert made == looked_at


def test_secrets_are_secret_everywhere(full: Recording) -> None:
    for made in full:
        assert [value for value in VALUES.values() if value in str(_public(made.props))] == [], made.id


def _public(value: Any) -> Any:
    if isinstance(value, Secret):
        return None
    if isinstance(value, dict):
        return {key: _public(item) for key, item in value.items()}
    return [_public(item) for item in value] if isinstance(value, list) else value


def test_the_stack_overrides_the_image_of_one_app() -> None:
    seen = _record(FULL, settings=stack(images={"team/api": "ghcr.io/x/api:2.0"}))
    images = {
        made.key[2]: made.manifest["spec"]["template"]["spec"]["containers"][0]["image"]
        for made in _inside(seen)
        if made.kind == "Deployment"
    }
    assert images["api"] == "ghcr.io/x/api:2.0"
    assert images["db"] == "docker.io/x/db:1.0"


def test_workspaces_whose_names_and_apps_run_together_stay_apart() -> None:
    """App `x-web` of `team` and app `web` of `team-x`; the recording monitor refuses a URN that comes twice."""
    web = APPS["api"]
    one = workspace(apps={"x-web": web, "web": web, "web-data": web})
    two = workspace(
        name="team-x", host="team-x", apps={"web": {**web, "volumes": {"data": {"mount": "/d", "size": "1Gi"}}}}
    )
    seen = _record(one, two)
    keys = [made.key for made in seen.kubernetes()]
    assert len(keys) == len(set(keys))
    assert {made.key[1] for made in seen.of("Deployment")} == {"team", "team-x"}
