"""Dex and the OAuth2-Proxies of a workspace as objects; that the programs accept it is shown elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from config.workspace import Workspace
from manifests import names
from manifests.ingress.annotations import ALLOWED_ANNOTATIONS, Gate
from manifests.signin import dex, door
from tests.config.examples import PEER, assert_valid
from tests.manifests.signin_examples import ALLOWS, PROVIDERS, auth_of, provider, stack, workspace

Manifest = dict[str, Any]
Made = dict[tuple[str, str], Manifest]


def made(of: Workspace) -> Made:
    """The objects of a workspace's door by kind and name."""
    found: list[Manifest] = []
    for part in door.parts(stack(), of):
        found += [part.config_map(), part.secret({"key": "value"}), part.wall(), part.deployment("a-checksum")]
        found += [part.service(), part.ingress()]
        found += [part.account(), part.role(), part.binding()] if part.rules else []
    return {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in found}


def named(among: Made, wanted: str) -> dict[str, Manifest]:
    """The objects of a kind by name."""
    return {name: manifest for (kind, name), manifest in among.items() if kind == wanted}


def pod(among: Made, name: str) -> Manifest:
    """The spec of a Deployment's pods."""
    found: Manifest = among["Deployment", name]["spec"]["template"]["spec"]
    return found


def container(among: Made, name: str) -> Manifest:
    """The only container of a Deployment."""
    (found,) = pod(among, name)["containers"]
    return dict(found)


def from_secrets(found: Manifest) -> list[Manifest]:
    """A container's variables, but for what its memory limit says."""
    return [variable for variable in found["env"] if variable["name"] != "GOMEMLIMIT"]


@pytest.fixture(scope="module")
def mcd() -> Made:
    """A workspace with all providers, a list of e-mails and an app on a host of its own."""
    every = [provider(kind) for kind in PROVIDERS]
    return made(workspace(providers=every, allow=ALLOWS["emails and groups"], own_hosts=("api",)))


def test_every_object_is_what_the_kubernetes_schemas_allow(mcd: Made) -> None:
    for manifest in mcd.values():
        assert_valid(manifest)


def test_the_checksum_is_on_the_pods(mcd: Made) -> None:
    for deployment in named(mcd, "Deployment").values():
        assert deployment["spec"]["template"]["metadata"]["annotations"] == {names.CHECKSUM_ANNOTATION: "a-checksum"}


def test_everything_is_in_the_workspaces_namespace_and_says_whose_it_is(mcd: Made) -> None:
    for manifest in mcd.values():
        assert manifest["metadata"]["namespace"] == "mcd"
        assert manifest["metadata"]["labels"][names.WORKSPACE_LABEL] == "mcd"


def test_rule_16_dex_has_a_role_in_its_namespace_and_no_cluster_role(mcd: Made) -> None:
    assert [kind for kind, _ in mcd if "Role" in kind] == ["Role", "RoleBinding"]
    assert mcd["Role", "dex"]["rules"] == dex.ROLE_RULES
    binding = mcd["RoleBinding", "dex"]
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "dex"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "dex", "namespace": "mcd"}]


def test_rule_18_every_variable_of_the_config_is_in_the_pod_and_cannot_be_missing(mcd: Made) -> None:
    config = yaml.safe_load(mcd["ConfigMap", "dex"]["data"]["config.yaml"])
    auth = auth_of(workspace(providers=[provider(kind) for kind in PROVIDERS]))
    needed = {client["secretEnv"] for client in config["staticClients"]} | set(dex.secret_variables(auth))
    env = from_secrets(container(mcd, "dex"))
    assert {variable["name"] for variable in env} == needed
    for variable in env:
        assert variable["valueFrom"]["secretKeyRef"] == {"name": "dex", "key": variable["name"]}


def test_rule_18_googles_key_is_a_file_where_the_config_says(mcd: Made) -> None:
    config = yaml.safe_load(mcd["ConfigMap", "dex"]["data"]["config.yaml"])
    (google,) = [c["config"] for c in config["connectors"] if c["type"] == "google"]
    (mount,) = [m for m in container(mcd, "dex")["volumeMounts"] if m["name"] == "keys"]
    (volume,) = [v for v in pod(mcd, "dex")["volumes"] if v["name"] == "keys"]
    (item,) = volume["secret"]["items"]
    assert google["serviceAccountFilePath"] == f"{mount['mountPath']}/{item['path']}"
    assert item["key"] in dex.secret_files(auth_of(workspace(providers=[provider("google")])))


def test_without_google_there_is_no_key_volume() -> None:
    seen = made(workspace())
    assert [m["name"] for m in container(seen, "dex")["volumeMounts"]] == ["config"]


def test_a_proxy_reads_its_own_config_and_secret(mcd: Made) -> None:
    for name, host in (("oauth2-proxy", "mcd.example.com"), ("oauth2-proxy-api", "api.example.com")):
        found = container(mcd, name)
        assert {v["valueFrom"]["secretKeyRef"]["name"] for v in from_secrets(found)} == {name}
        assert pod(mcd, name)["volumes"] == [{"name": "config", "configMap": {"name": name}}]
        assert found["args"] == [f"--config={found['volumeMounts'][0]['mountPath']}/oauth2-proxy.cfg"]
        data = mcd["ConfigMap", name]["data"]
        assert f'redirect_url = "https://{host}/oauth2/callback"' in data["oauth2-proxy.cfg"]
        assert data["emails.csv"] == '"ada@example.com"\n'


def test_no_other_oauth2_proxy_variable_overrides_the_file(mcd: Made) -> None:
    assert {v["name"] for v in container(mcd, "oauth2-proxy")["env"]} == {
        "OAUTH2_PROXY_CLIENT_SECRET",
        "OAUTH2_PROXY_COOKIE_SECRET",
        "GOMEMLIMIT",
    }


def test_rule_67_both_serve_on_while_others_still_ask_them_and_leave_a_dead_node(mcd: Made) -> None:
    for name in named(mcd, "Deployment"):
        assert container(mcd, name)["lifecycle"] == {"preStop": {"sleep": {"seconds": 10}}}
        assert pod(mcd, name)["terminationGracePeriodSeconds"] == 40
        assert {each["tolerationSeconds"] for each in pod(mcd, name)["tolerations"]} == {30}


@pytest.mark.parametrize(("name", "limit"), [("dex", 128), ("oauth2-proxy", 96)])
def test_a_go_program_collects_its_garbage_before_the_kernel_ends_it(mcd: Made, name: str, limit: int) -> None:
    found = container(mcd, name)
    assert found["resources"]["limits"]["memory"] == f"{limit}Mi"
    assert {"name": "GOMEMLIMIT", "value": f"{limit * 9 // 10}MiB"} in found["env"]


def test_only_dex_has_a_token_for_the_api_server(mcd: Made) -> None:
    tokens = {name: pod(mcd, name)["automountServiceAccountToken"] for name in named(mcd, "Deployment")}
    assert tokens == {"dex": True, "oauth2-proxy": False, "oauth2-proxy-api": False}
    assert mcd["ServiceAccount", "dex"]["automountServiceAccountToken"] is False


def test_pods_are_restricted_small_and_watched(mcd: Made) -> None:
    for name in named(mcd, "Deployment"):
        found, only = pod(mcd, name), container(mcd, name)
        assert found["securityContext"]["runAsNonRoot"] is True
        assert found["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert found["enableServiceLinks"] is False
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(only["resources"]["requests"]) == {"cpu", "memory"}
        assert set(only["resources"]["limits"]) == {"memory"}
        assert all(mount["readOnly"] for mount in only["volumeMounts"])


def test_rule_23_probes_ask_the_ports_that_answer_them(mcd: Made) -> None:
    def asked(name: str, probe: str) -> tuple[str, int]:
        found = container(mcd, name)
        get = found[probe]["httpGet"]
        return get["path"], {p["name"]: p["containerPort"] for p in found["ports"]}[get["port"]]

    assert asked("dex", "livenessProbe") == asked("dex", "startupProbe") == ("/healthz/live", 5558)
    assert asked("dex", "readinessProbe") == ("/healthz/ready", 5558)
    assert asked("oauth2-proxy", "livenessProbe") == ("/ping", 4180)
    assert asked("oauth2-proxy", "readinessProbe") == ("/ready", 4180)


def test_rule_14_services_publish_neither_metrics_nor_telemetry(mcd: Made) -> None:
    ports = {
        name: [(p["name"], p["port"], p["targetPort"]) for p in service["spec"]["ports"]]
        for name, service in named(mcd, "Service").items()
    }
    assert ports == {
        "dex": [("http", 5556, "http")],
        "oauth2-proxy": [("http", 4180, "http")],
        "oauth2-proxy-api": [("http", 4180, "http")],
    }


def test_a_service_finds_its_own_pods_only(mcd: Made) -> None:
    labels = {name: each["spec"]["template"]["metadata"]["labels"] for name, each in named(mcd, "Deployment").items()}
    for name, service in named(mcd, "Service").items():
        assert [other for other in labels if service["spec"]["selector"].items() <= labels[other].items()] == [name]


BROWSERS_NEED = (".well-known", "approval", "auth", "callback", "static", "theme")
"""Not the device flow, and no token (rule 22)."""


def test_rule_14_only_oauth2_and_dex_are_published(mcd: Made) -> None:
    published = set()
    for found in named(mcd, "Ingress").values():
        assert set(found["metadata"]["annotations"]) <= ALLOWED_ANNOTATIONS
        assert not [key for key in found["metadata"]["annotations"] if "/auth-" in key]
        (rule,) = found["spec"]["rules"]
        paths = rule["http"]["paths"]
        published |= {(rule["host"], each["path"], each["backend"]["service"]["name"]) for each in paths}
    assert published == {
        *(("mcd.example.com", f"/dex/{path}", "dex") for path in BROWSERS_NEED),
        ("mcd.example.com", "/oauth2", "oauth2-proxy"),
        ("api.example.com", "/oauth2", "oauth2-proxy-api"),
    }


def test_rule_32_a_proxy_hears_the_ingress_controller_and_speaks_to_dex(mcd: Made) -> None:
    spec = mcd["NetworkPolicy", "oauth2-proxy-api"]["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "oauth2-proxy-api"}}
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [{"from": [PEER], "ports": [{"protocol": "TCP", "port": 4180}]}]
    lookups, back_channel = spec["egress"]
    assert {port["port"] for port in lookups["ports"]} == {53}
    assert back_channel == {
        "to": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "dex"}}}],
        "ports": [{"protocol": "TCP", "port": 5556}],
    }


def test_rule_32_dex_hears_the_ingress_controller_and_its_own_proxies(mcd: Made) -> None:
    spec = mcd["NetworkPolicy", "dex"]["spec"]
    (rule,) = spec["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 5556}]
    assert rule["from"] == [
        PEER,
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "oauth2-proxy-api"}}},
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "oauth2-proxy"}}},
    ]


def test_rule_32_dex_speaks_to_dns_the_api_server_its_providers_and_listed_networks() -> None:
    home = {"internet": False, "allow": [{"cidr": "10.0.0.9/32", "ports": [636]}]}
    seen = made(workspace(providers=[provider("ldap", bare=True, host="10.0.0.9")], egress=home))
    dns, api, internet, directory = seen["NetworkPolicy", "dex"]["spec"]["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert api == {"to": [{"ipBlock": {"cidr": "10.0.0.50/32"}}], "ports": [{"protocol": "TCP", "port": 6443}]}
    assert [port["port"] for port in internet["ports"]] == [443, 636]
    assert "10.0.0.0/8" in internet["to"][0]["ipBlock"]["except"]
    assert directory == {"to": [{"ipBlock": {"cidr": "10.0.0.9/32"}}], "ports": [{"protocol": "TCP", "port": 636}]}


def test_gates_say_which_proxy_guards_a_host() -> None:
    assert door.gates(stack(), workspace(own_hosts=("api",))) == {
        "mcd.example.com": Gate("mcd.example.com", "oauth2-proxy", "mcd"),
        "api.example.com": Gate("api.example.com", "oauth2-proxy-api", "mcd"),
    }


def test_a_workspace_that_signs_nobody_in_has_nobody_at_its_door() -> None:
    assert door.parts(stack(), workspace(auth="none")) == ()
    assert door.gates(stack(), workspace(auth="none")) == {}
