"""What an AuthGateway registers, object by object; that the programs accept it is shown elsewhere."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
import yaml

from components.auth import AuthGateway, AuthGatewayArgs, DexCustomResources
from components.native import KubernetesObject, RandomBytes
from spec import names
from spec.gateway import dex, signin
from spec.ingress.annotations import ALLOWED_ANNOTATIONS, Gate
from spec.workspace import Workspace
from tests.spec.signin_examples import ALLOWS, PROVIDERS, auth_of, provider, stack, workspace

from .recording import Recording, Secret, providers, random_bytes, record

INGRESS_PEER = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "warren-ingress"}},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "ingress-controller"}},
}
VALUES = {"client-secret": "the-client-secret", "google-key": "{}", "bind-password": "the-bind-password"}


def gateways(
    *workspaces: Workspace, values: dict[str, str] = VALUES, keep: Callable[[AuthGateway], None] = lambda _: None
) -> Recording:
    """The gateways of some workspaces, with a namespace and a default-deny policy each."""

    def program() -> None:
        opts = pulumi.ResourceOptions(providers=providers())
        crds = DexCustomResources("dex", opts)
        for w in workspaces:
            meta = {"name": w.name}
            namespace = KubernetesObject(
                f"{w.name}-ns", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}, opts
            )
            wall = {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {**meta, "namespace": w.name},
            }
            keep(
                AuthGateway(
                    f"{w.name}-auth",
                    AuthGatewayArgs(
                        workspace=w,
                        stack=stack(),
                        secrets={name: pulumi.Output.secret(value) for name, value in values.items()},
                        salt=RandomBytes(f"{w.name}-salt", 32, opts),
                        ingress_peer=INGRESS_PEER,
                        namespace=namespace,
                        crds=crds,
                        guards=[KubernetesObject(f"{w.name}-deny", wall, opts)],
                    ),
                    opts,
                )
            )

    return record(program)


@pytest.fixture(scope="module")
def mcd() -> Recording:
    """A workspace with all providers, a list of e-mails and an app on a host of its own."""
    every = [provider(kind) for kind in PROVIDERS]
    return gateways(workspace(providers=every, allow=ALLOWS["emails and groups"], own_hosts=("api",)))


def from_secrets(container: dict[str, Any]) -> list[dict[str, Any]]:
    """A container's variables, but for what its memory limit says."""
    return [variable for variable in container["env"] if variable["name"] != "GOMEMLIMIT"]


def container(seen: Recording, name: str) -> dict[str, Any]:
    """The only container of a Deployment."""
    (found,) = seen.manifest("Deployment", name)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def test_it_makes_exactly_these_objects(mcd: Recording) -> None:
    made = {r.key[:1] + r.key[2:] for r in mcd.kubernetes() if r.parent == "AuthGateway/mcd-auth"}
    kinds = ("ConfigMap", "Secret", "NetworkPolicy", "Deployment", "Service")
    parts = ("dex", "oauth2-proxy", "oauth2-proxy-api")
    w = workspace()
    assert made == {
        *itertools.product(kinds, parts),
        *(("Ingress", signin.ingress_name(w, part)) for part in parts),
        *((kind, "dex") for kind in ("ServiceAccount", "Role", "RoleBinding")),
    }


def test_everything_is_in_the_workspaces_namespace_and_says_whose_it_is(mcd: Recording) -> None:
    for found in mcd.kubernetes():
        if found.parent == "AuthGateway/mcd-auth":
            meta = found.manifest["metadata"]
            assert meta["namespace"] == "mcd"
            assert meta["labels"][names.WORKSPACE_LABEL] == "mcd"


def test_rule_16_dex_has_a_role_in_its_namespace_and_no_cluster_role(mcd: Recording) -> None:
    assert not mcd.of("ClusterRole")
    assert not mcd.of("ClusterRoleBinding")
    assert mcd.manifest("Role", "dex")["rules"] == dex.ROLE_RULES
    binding = mcd.manifest("RoleBinding", "dex")
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "dex"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "dex", "namespace": "mcd"}]


def test_rule_16_the_custom_resources_are_made_once_and_before_every_dex() -> None:
    seen = gateways(workspace("mcd"), workspace("perso"))
    definitions = {r.id for r in seen.of("CustomResourceDefinition")}
    assert len(definitions) == 10
    for name in ("mcd", "perso"):
        assert definitions <= seen.one("Deployment", f"{name}-auth.dex-deployment").dependencies


def test_rule_06_every_proxy_has_its_own_secrets_in_every_workspace() -> None:
    seen = gateways(workspace("a", own_hosts=("b",)), workspace("a-b", own_hosts=("c", "@")))
    secrets = [r.manifest["stringData"] for r in seen.of("Secret") if r.key[2] != "dex"]
    assert len(secrets) == 5
    for key in ("OAUTH2_PROXY_COOKIE_SECRET", "OAUTH2_PROXY_CLIENT_SECRET"):
        assert len({secret[key] for secret in secrets}) == 5
    assert not {s["OAUTH2_PROXY_COOKIE_SECRET"] for s in secrets} & {s["OAUTH2_PROXY_CLIENT_SECRET"] for s in secrets}


def test_rule_06_a_cookie_secret_is_32_bytes_and_a_client_secret_is_the_one_dex_knows(mcd: Recording) -> None:
    for name, variable in (("oauth2-proxy", "CLIENT_SECRET"), ("oauth2-proxy-api", "CLIENT_SECRET_API")):
        found = mcd.manifest("Secret", name)["stringData"]
        cookie = found["OAUTH2_PROXY_COOKIE_SECRET"]
        assert not set("+/") & set(cookie)
        assert base64.b64decode(cookie, altchars=b"-_", validate=True) == random_bytes(f"mcd-auth.{name}-cookie", 32)
        client = random_bytes(f"mcd-auth.{name}-client", 32).hex()
        assert found["OAUTH2_PROXY_CLIENT_SECRET"] == client
        assert mcd.manifest("Secret", "dex")["stringData"][variable] == client


def test_secrets_are_secret_and_nowhere_else(mcd: Recording) -> None:
    hidden: set[str] = set()
    for found in mcd.of("Secret"):
        data = found.props["stringData"]
        for key, value in data.value.items() if isinstance(data, Secret) else data.items():
            assert isinstance(data, Secret) or isinstance(value, Secret), (found.id, key)
            hidden.add(value.value if isinstance(value, Secret) else value)
    assert {"the-client-secret", "the-bind-password"} <= hidden
    for found in mcd.kubernetes():
        if found.kind != "Secret":
            shown = repr(dict(found.props))
            assert "Secret(" not in shown, found.id
            assert not [value for value in hidden if value in shown and len(value) > 2], found.id


def test_rule_18_every_variable_of_the_config_is_in_the_pod_and_cannot_be_missing(mcd: Recording) -> None:
    config = yaml.safe_load(mcd.manifest("ConfigMap", "dex")["data"]["config.yaml"])
    auth = auth_of(workspace(providers=[provider(kind) for kind in PROVIDERS]))
    needed = {client["secretEnv"] for client in config["staticClients"]} | set(dex.secret_variables(auth))
    env = from_secrets(container(mcd, "dex"))
    assert {variable["name"] for variable in env} == needed
    held = mcd.manifest("Secret", "dex")["stringData"]
    for variable in env:
        reference = variable["valueFrom"]["secretKeyRef"]
        assert reference == {"name": "dex", "key": variable["name"]}
        assert reference["key"] in held


def test_rule_18_googles_key_is_a_file_where_the_config_says(mcd: Recording) -> None:
    config = yaml.safe_load(mcd.manifest("ConfigMap", "dex")["data"]["config.yaml"])
    (google,) = [c["config"] for c in config["connectors"] if c["type"] == "google"]
    (mount,) = [m for m in container(mcd, "dex")["volumeMounts"] if m["name"] == "keys"]
    (volume,) = [
        v for v in mcd.manifest("Deployment", "dex")["spec"]["template"]["spec"]["volumes"] if v["name"] == "keys"
    ]
    (item,) = volume["secret"]["items"]
    assert google["serviceAccountFilePath"] == f"{mount['mountPath']}/{item['path']}"
    assert item["key"] in mcd.manifest("Secret", "dex")["stringData"]


def test_without_google_there_is_no_key_volume() -> None:
    seen = gateways(workspace())
    assert [m["name"] for m in container(seen, "dex")["volumeMounts"]] == ["config"]


def test_a_proxy_reads_its_own_config_and_secret(mcd: Recording) -> None:
    for name, host in (("oauth2-proxy", "mcd.example.com"), ("oauth2-proxy-api", "api.example.com")):
        found = container(mcd, name)
        assert {v["valueFrom"]["secretKeyRef"]["name"] for v in from_secrets(found)} == {name}
        pod = mcd.manifest("Deployment", name)["spec"]["template"]["spec"]
        assert pod["volumes"] == [{"name": "config", "configMap": {"name": name}}]
        assert found["args"] == [f"--config={found['volumeMounts'][0]['mountPath']}/oauth2-proxy.cfg"]
        data = mcd.manifest("ConfigMap", name)["data"]
        assert f'redirect_url = "https://{host}/oauth2/callback"' in data["oauth2-proxy.cfg"]
        assert data["emails.csv"] == '"ada@example.com"\n'


def test_no_other_oauth2_proxy_variable_overrides_the_file(mcd: Recording) -> None:
    assert {v["name"] for v in container(mcd, "oauth2-proxy")["env"]} == {
        "OAUTH2_PROXY_CLIENT_SECRET",
        "OAUTH2_PROXY_COOKIE_SECRET",
        "GOMEMLIMIT",
    }


def test_rule_67_both_serve_on_while_others_still_ask_them_and_leave_a_dead_node(mcd: Recording) -> None:
    for found in mcd.of("Deployment"):
        pod = found.manifest["spec"]["template"]["spec"]
        assert pod["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 10}}}
        assert pod["terminationGracePeriodSeconds"] == 40
        assert {each["tolerationSeconds"] for each in pod["tolerations"]} == {30}


@pytest.mark.parametrize(("name", "limit"), [("dex", 128), ("oauth2-proxy", 96)])
def test_a_go_program_collects_its_garbage_before_the_kernel_ends_it(mcd: Recording, name: str, limit: int) -> None:
    found = container(mcd, name)
    assert found["resources"]["limits"]["memory"] == f"{limit}Mi"
    assert {"name": "GOMEMLIMIT", "value": f"{limit * 9 // 10}MiB"} in found["env"]


def test_only_dex_has_a_token_for_the_api_server(mcd: Recording) -> None:
    tokens = {
        r.key[2]: r.manifest["spec"]["template"]["spec"]["automountServiceAccountToken"] for r in mcd.of("Deployment")
    }
    assert tokens == {"dex": True, "oauth2-proxy": False, "oauth2-proxy-api": False}
    assert mcd.manifest("ServiceAccount", "dex")["automountServiceAccountToken"] is False


def test_pods_are_restricted_small_and_watched(mcd: Recording) -> None:
    for found in mcd.of("Deployment"):
        pod = found.manifest["spec"]["template"]["spec"]
        (only,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["enableServiceLinks"] is False
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(only["resources"]["requests"]) == {"cpu", "memory"}
        assert set(only["resources"]["limits"]) == {"memory"}
        assert all(mount["readOnly"] for mount in only["volumeMounts"])


def test_rule_23_probes_ask_the_ports_that_answer_them(mcd: Recording) -> None:
    def asked(name: str, probe: str) -> tuple[str, int]:
        found = container(mcd, name)
        get = found[probe]["httpGet"]
        return get["path"], {p["name"]: p["containerPort"] for p in found["ports"]}[get["port"]]

    assert asked("dex", "livenessProbe") == asked("dex", "startupProbe") == ("/healthz/live", 5558)
    assert asked("dex", "readinessProbe") == ("/healthz/ready", 5558)
    assert asked("oauth2-proxy", "livenessProbe") == ("/ping", 4180)
    assert asked("oauth2-proxy", "readinessProbe") == ("/ready", 4180)


def test_rule_14_services_publish_neither_metrics_nor_telemetry(mcd: Recording) -> None:
    ports = {
        r.key[2]: [(p["name"], p["port"], p["targetPort"]) for p in r.manifest["spec"]["ports"]]
        for r in mcd.of("Service")
    }
    assert ports == {
        "dex": [("http", 5556, "http")],
        "oauth2-proxy": [("http", 4180, "http")],
        "oauth2-proxy-api": [("http", 4180, "http")],
    }


def test_resources_of_two_workspaces_never_share_a_name() -> None:
    seen = gateways(workspace("a", own_hosts=("foo-auth-dex",)), workspace("a-auth-oauth2-proxy-foo"))
    assert len(seen.of("Deployment")) == 3 + 2  # the recording refuses a second one of the same name


def test_a_service_finds_its_own_pods_only(mcd: Recording) -> None:
    for service in mcd.of("Service"):
        chosen = service.manifest["spec"]["selector"].items()
        matching = [
            r.key[2]
            for r in mcd.of("Deployment")
            if chosen <= r.manifest["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert matching == [service.key[2]]


BROWSERS_NEED = (".well-known", "approval", "auth", "callback", "static", "theme")
"""Not the device flow, and no token (rule 22)."""


def test_rule_14_only_oauth2_and_dex_are_published(mcd: Recording) -> None:
    published = set()
    for found in mcd.of("Ingress"):
        assert set(found.manifest["metadata"]["annotations"]) <= ALLOWED_ANNOTATIONS
        assert not [key for key in found.manifest["metadata"]["annotations"] if "/auth-" in key]
        (rule,) = found.manifest["spec"]["rules"]
        paths = rule["http"]["paths"]
        published |= {(rule["host"], each["path"], each["backend"]["service"]["name"]) for each in paths}
    assert published == {
        *(("mcd.example.com", f"/dex/{path}", "dex") for path in BROWSERS_NEED),
        ("mcd.example.com", "/oauth2", "oauth2-proxy"),
        ("api.example.com", "/oauth2", "oauth2-proxy-api"),
    }


def test_rule_32_a_proxy_hears_the_ingress_controller_and_speaks_to_dex(mcd: Recording) -> None:
    spec = mcd.manifest("NetworkPolicy", "oauth2-proxy-api")["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "oauth2-proxy-api"}}
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [{"from": [INGRESS_PEER], "ports": [{"protocol": "TCP", "port": 4180}]}]
    lookups, back_channel = spec["egress"]
    assert {port["port"] for port in lookups["ports"]} == {53}
    assert back_channel == {
        "to": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "dex"}}}],
        "ports": [{"protocol": "TCP", "port": 5556}],
    }


def test_rule_32_dex_hears_the_ingress_controller_and_its_own_proxies(mcd: Recording) -> None:
    spec = mcd.manifest("NetworkPolicy", "dex")["spec"]
    (rule,) = spec["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 5556}]
    assert rule["from"] == [
        INGRESS_PEER,
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "oauth2-proxy-api"}}},
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "oauth2-proxy"}}},
    ]


def test_rule_32_dex_speaks_to_dns_the_api_server_its_providers_and_listed_networks() -> None:
    home = {"internet": False, "allow": [{"cidr": "10.0.0.9/32", "ports": [636]}]}
    seen = gateways(workspace(providers=[provider("ldap", bare=True, host="10.0.0.9")], egress=home))
    dns, api, internet, directory = seen.manifest("NetworkPolicy", "dex")["spec"]["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert api == {"to": [{"ipBlock": {"cidr": "10.0.0.50/32"}}], "ports": [{"protocol": "TCP", "port": 6443}]}
    assert [port["port"] for port in internet["ports"]] == [443, 636]
    assert "10.0.0.0/8" in internet["to"][0]["ipBlock"]["except"]
    assert directory == {"to": [{"ipBlock": {"cidr": "10.0.0.9/32"}}], "ports": [{"protocol": "TCP", "port": 636}]}


def test_rule_32_policies_and_the_namespace_come_before_pods(mcd: Recording) -> None:
    for found in mcd.of("Deployment"):
        before = {"Namespace/mcd-ns", "NetworkPolicy/mcd-deny", f"NetworkPolicy/mcd-auth.{found.key[2]}-wall"}
        assert before <= found.dependencies


def test_rule_33_no_deployment_waits_for_its_service(mcd: Recording) -> None:
    for found in mcd.of("Deployment"):
        assert not [name for name in found.dependencies if name.startswith(("Service/", "Ingress/"))]


def checksums(seen: Recording) -> dict[str, str]:
    """Deployment -> the checksum on its pods."""
    return {
        r.key[2]: r.manifest["spec"]["template"]["metadata"]["annotations"][names.CHECKSUM_ANNOTATION]
        for r in seen.of("Deployment")
    }


def test_rule_34_a_change_restarts_the_pods_that_read_it_and_changes_nothing_else_in_them() -> None:
    def changed(one: Recording, other: Recording) -> set[str]:
        before, after = checksums(one), checksums(other)
        for name in before:
            pods = [seen.manifest("Deployment", name)["spec"]["template"] for seen in (one, other)]
            for pod in pods:
                pod["metadata"]["annotations"].pop(names.CHECKSUM_ANNOTATION)
            assert pods[0] == pods[1]
        return {name for name in before if before[name] != after[name]}

    base = gateways(workspace(own_hosts=("api",)))
    assert changed(base, gateways(workspace(own_hosts=("api",)))) == set()
    rotated = gateways(workspace(own_hosts=("api",)), values={**VALUES, "client-secret": "another"})
    assert changed(base, rotated) == {"dex"}
    others = gateways(workspace(own_hosts=("api",), allow={"emailDomains": ["example.org"]}))
    assert changed(base, others) == {"oauth2-proxy", "oauth2-proxy-api"}


def test_a_list_of_emails_is_part_of_what_restarts_a_proxy() -> None:
    one, other = (gateways(workspace(allow={"emails": [f"{who}@example.com"]})) for who in ("ada", "bob"))
    assert checksums(one)["oauth2-proxy"] != checksums(other)["oauth2-proxy"]
    assert checksums(one)["dex"] == checksums(other)["dex"]


def test_gates_say_which_proxy_guards_a_host() -> None:
    found: list[AuthGateway] = []
    gateways(workspace(own_hosts=("api",)), keep=found.append)
    assert found[0].gates == {
        "mcd.example.com": Gate("mcd.example.com", "oauth2-proxy", "mcd"),
        "api.example.com": Gate("api.example.com", "oauth2-proxy-api", "mcd"),
    }
    assert len(found[0].policies) == 3


def test_a_workspace_that_signs_nobody_in_has_no_gateway() -> None:
    with pytest.raises(ValueError, match="signs nobody in"):
        gateways(workspace(auth="none"))
