"""The ingress controller's resources."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pulumi
import pytest

from components.ingress import IngressController, IngressControllerArgs
from config.routes import SignIn
from manifests.ingress import installation, traefik
from tests.manifests.ingress_examples import CLUSTER, route

from .recording import Recording, Secret, providers, record

Which = Literal["traefik", "nginx"]
BOTH = pytest.mark.parametrize("controller", ["traefik", "nginx"])


def _recorded(controller: Which = "traefik", **args: Any) -> Recording:
    def program() -> None:
        opts = pulumi.ResourceOptions(providers=providers())
        values = {name: pulumi.Output.secret(value) for name, value in args.get("secrets", {}).items()}
        given = {**args, "secrets": values}
        IngressController("ingress", IngressControllerArgs(cluster=CLUSTER, controller=controller, **given), opts)

    return record(program)


COMMON = {
    "IngressController/ingress",
    "Namespace/ingress-namespace",
    "ServiceAccount/ingress-account",
    "ClusterRole/ingress-clusterrole",
    "ClusterRoleBinding/ingress-clusterrole-binding",
    "NetworkPolicy/ingress-wall-default-deny",
    "NetworkPolicy/ingress-wall-ingress-controller",
    "IngressClass/ingress-class",
    "Deployment/ingress-deployment",
    "PodDisruptionBudget/ingress-budget",
    "Service/ingress-service",
}
OWN = {
    "traefik": {"ConfigMap/ingress-config-traefik", "Ingress/ingress-ingress-unmeasured-body"},
    "nginx": {
        "ConfigMap/ingress-config-nginx",
        "ConfigMap/ingress-config-nginx-response-headers",
        "Role/ingress-role",
        "RoleBinding/ingress-role-binding",
    },
}


@BOTH
def test_it_makes_exactly_these_resources(controller: Which) -> None:
    assert _recorded(controller).ids() == COMMON | OWN[controller]


@BOTH
def test_every_child_belongs_to_the_component_and_has_its_explicit_provider(controller: Which) -> None:
    for found in _recorded(controller).kubernetes():
        assert (found.parent, found.provider) == ("IngressController/ingress", "kubernetes/kubernetes")


@BOTH
def test_rule_32_the_walls_stand_before_the_pods(controller: Which) -> None:
    seen = _recorded(controller)
    needed = {
        "NetworkPolicy/ingress-wall-default-deny",
        "NetworkPolicy/ingress-wall-ingress-controller",
        "Namespace/ingress-namespace",
    }
    assert needed <= seen.one("Deployment").dependencies


@BOTH
def test_rule_33_the_deployment_does_not_wait_for_its_service(controller: Which) -> None:
    seen = _recorded(controller)
    assert "Service/ingress-service" not in seen.one("Deployment").dependencies
    assert "Deployment/ingress-deployment" in seen.one("Service").dependencies


def test_the_ingress_that_traefik_is_not_ready_without_is_there_before_its_pods() -> None:
    seen = _recorded()
    assert "Ingress/ingress-ingress-unmeasured-body" in seen.one("Deployment").dependencies
    assert not {"Deployment/ingress-deployment", "Service/ingress-service"} & seen.one("Ingress").dependencies
    assert seen.one("Ingress").manifest["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"


def test_rule_2_nginx_warns_and_traefik_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_args, **_rest: said.append(message))
    _recorded("traefik")
    assert said == []
    _recorded("nginx")
    assert len(said) == 1
    assert "retired" in said[0]


@BOTH
def test_the_objects_are_those_that_were_decided(controller: Which) -> None:
    rows, sign_in = [route("/b", "page", rateLimit="1/s")], [SignIn("mcd", "door.example.com", ("door.example.com",))]
    seen = _recorded(controller, replicas=3, routes=rows, sign_in=sign_in)
    told = installation.chosen(controller, CLUSTER, rows, sign_in)
    decided = [
        installation.namespace(told),
        installation.ingress_class(),
        *installation.before_pods(told, CLUSTER).values(),
        installation.deployment(told, 3),
        installation.budget(),
        installation.service(),
        *told.ingresses,
    ]
    made = [found.manifest for found in seen.kubernetes()]
    assert len(made) == len(decided)
    assert [manifest for manifest in decided if manifest not in made] == []


def test_its_outputs_say_where_requests_go() -> None:
    assert _recorded().one("IngressController").outputs == {
        "ingressClass": "warren",
        "serviceUrl": "http://ingress-controller.warren-ingress.svc.cluster.local:80",
    }


def test_passwords_of_programs_are_a_secret_that_is_there_before_the_pods() -> None:
    row = replace(route("/b", "page"), clients=(("backup", "mcd-backup"),))
    seen = _recorded(routes=[row], secrets={"mcd-backup": "made-up", "mcd-other": "another"})
    secret = seen.one("Secret")
    assert secret.id == "Secret/ingress-passwords"
    assert seen.one("Deployment").dependencies >= {secret.id}
    text = traefik.passwords([row], {"mcd-backup": "made-up"})
    assert secret.props["stringData"] in ({"clients.yaml": Secret(text)}, Secret({"clients.yaml": text}))
    assert not _recorded(routes=[route("/b", "page")]).of("Secret")
