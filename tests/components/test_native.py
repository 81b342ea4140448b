"""The short cut around the typed SDKs cannot drift from them: tokens, properties, secrets and versions are read out of
their source.

Read, not imported: importing pulumi_cloudflare takes ten seconds. Nested Kubernetes properties are checked against the
Kubernetes schemas where the manifests are made; nested Cloudflare properties here.
"""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import native
from manifests.tunnel import tunnel

from .recording import TUNNEL_TOKEN, Recording, Registered, Secret, providers, random_bytes, record

GROUPS = {
    "Namespace": "v1",
    "Service": "v1",
    "Secret": "v1",
    "ConfigMap": "v1",
    "ServiceAccount": "v1",
    "PersistentVolume": "v1",
    "PersistentVolumeClaim": "v1",
    "ResourceQuota": "v1",
    "LimitRange": "v1",
    "Deployment": "apps/v1",
    "CronJob": "batch/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "Ingress": "networking.k8s.io/v1",
    "IngressClass": "networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "ClusterRole": "rbac.authorization.k8s.io/v1",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "ValidatingAdmissionPolicy": "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicyBinding": "admissionregistration.k8s.io/v1",
}


def _home(package: str) -> Path:
    spec = util.find_spec(package)
    assert spec is not None, f"{package} is not installed"
    assert spec.origin is not None
    return Path(spec.origin).parent


class Sdk:
    """What one resource class of an SDK says about itself."""

    def __init__(self, source: str) -> None:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
        # `super(X, __self__).__init__('package:module:Type', resource_name, __props__, opts)`
        self.token = next(
            str(call.args[0].value)
            for call in calls
            if len(call.args) == 4 and isinstance(call.args[0], ast.Constant) and ":" in str(call.args[0].value)
        )
        # Up to `get`, which knows the outputs too; those are None where inputs are wired.
        wired = set(
            re.findall(r'__props__\.__dict__\["(\w+)"\] = (?!None$)', source.split("def get(")[0], re.MULTILINE)
        )
        spelled = dict(re.findall(r'@pulumi\.getter\(name="(\w+)"\)\n(?:    @.*\n)*    def (\w+)\(', source))
        camel = {snake: name for name, snake in spelled.items()}
        self.inputs = {camel.get(name, name) for name in wired}
        found = re.search(r"additional_secret_outputs=\[(.*?)\]", source)
        self.secret_outputs = set(re.findall(r'"(\w+)"', found[1])) if found else set()


@cache
def _cloudflare(module: str) -> Sdk:
    return Sdk((_home("pulumi_cloudflare") / f"{module}.py").read_text())


@cache
def _inputs() -> str:
    return (_home("pulumi_cloudflare") / "_inputs.py").read_text()


def _nested(name: str) -> set[str]:
    """The wire names of a nested Cloudflare input."""
    text = _inputs()
    start = text.index(f"class {name}:")
    body = text[start : text.index("\nclass ", start)]
    getters = re.findall(r'@pulumi\.getter(?:\(name="(\w+)"\))?\n    def (\w+)\(self\)', body)
    return {camel or plain for camel, plain in getters}


@pytest.mark.parametrize("kind", sorted(GROUPS))
def test_a_kubernetes_object_has_the_token_and_the_secrets_of_the_typed_class(kind: str) -> None:
    version = GROUPS[kind]
    manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}}

    def program() -> None:
        native.KubernetesObject("x", manifest, pulumi.ResourceOptions(provider=providers()[0]))

    made = record(program).one(kind)
    group = version.split("/")[0].removesuffix(".k8s.io").split(".")[0] if "/" in version else "core"
    sdk = Sdk((_home("pulumi_kubernetes") / group / version.split("/")[-1] / f"{kind}.py").read_text())
    assert made.type == sdk.token
    assert made.secret_outputs == sdk.secret_outputs
    assert {"apiVersion", "kind", "metadata"} <= sdk.inputs
    assert made.version == metadata.version("pulumi-kubernetes")


def _cloudflare_program() -> None:
    opts = pulumi.ResourceOptions(provider=providers()[1])
    made = native.Tunnel("tunnel", account_id="a", tunnel_name="warren", opts=opts)
    native.TunnelConfig(
        "config", account_id="a", tunnel_id=made.id, rules=tunnel.rules(["x.example.com"], "http://y"), opts=opts
    )
    native.DnsRecord("record", tunnel.record("x.example.com", "z", "c"), opts)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("tunnel", "zero_trust_tunnel_cloudflared"),
        ("config", "zero_trust_tunnel_cloudflared_config"),
        ("record", "dns_record"),
    ],
)
def test_a_cloudflare_resource_is_what_the_typed_class_registers(name: str, module: str) -> None:
    made = next(resource for resource in record(_cloudflare_program) if resource.name == name)
    sdk = _cloudflare(module)
    assert made.type == sdk.token
    assert set(made.props) <= sdk.inputs
    assert made.secret_outputs == sdk.secret_outputs
    assert made.version == metadata.version("pulumi-cloudflare")


def test_the_tunnels_rules_have_the_nested_names_of_the_typed_class() -> None:
    made = next(resource for resource in record(_cloudflare_program) if resource.name == "config")
    assert set(made.props["config"]) <= _nested("ZeroTrustTunnelCloudflaredConfigConfigArgs")
    rules = made.props["config"]["ingresses"]
    assert {key for rule in rules for key in rule} <= _nested("ZeroTrustTunnelCloudflaredConfigConfigIngressArgs")


def _token_program() -> Any:
    parent = pulumi.ComponentResource("a:b:C", "parent", None, pulumi.ResourceOptions(providers=providers()))
    token = native.tunnel_token("account", "tunnel", parent)
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"token": token}}
    native.KubernetesObject("x", manifest, pulumi.ResourceOptions(parent=parent))


def test_the_tunnels_token_is_asked_for_as_the_typed_function_does_and_is_a_secret() -> None:
    source = (_home("pulumi_cloudflare") / "get_zero_trust_tunnel_cloudflared_token.py").read_text()
    asked = {*re.findall(r"__args__\['(\w+)'\]", source)}
    seen = record(_token_program)
    assert [token for token, _ in seen.invokes] == [TUNNEL_TOKEN]
    assert f"'{TUNNEL_TOKEN}'" in source
    assert set(seen.invokes[0][1]) == asked
    assert seen.one("Secret").props["stringData"] == {"token": Secret("a-tunnel-token")}


def _salted(parts: dict[str, str]) -> Recording:
    def program() -> None:
        kubernetes, _, random = providers()
        salt = native.RandomBytes("salt", 32, pulumi.ResourceOptions(provider=random))
        value = native.fingerprint(salt, {name: pulumi.Output.secret(text) for name, text in parts.items()})
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"sum": value}}
        native.KubernetesObject("x", manifest, pulumi.ResourceOptions(provider=kubernetes))

    return record(program)


def _sum(parts: dict[str, str]) -> Any:
    return _salted(parts).one("ConfigMap").props["data"]["sum"]


def test_random_bytes_are_what_the_typed_class_registers() -> None:
    made: Registered = _salted({"a": "1"}).one("RandomBytes")
    sdk = Sdk((_home("pulumi_random") / "random_bytes.py").read_text())
    assert made.type == sdk.token
    assert set(made.props) <= sdk.inputs
    assert made.secret_outputs == sdk.secret_outputs
    assert made.version == metadata.version("pulumi-random")


def test_a_fingerprint_changes_with_any_part_and_is_readable_but_tells_nothing() -> None:
    first = _sum({"a": "1", "b": "2"})
    assert re.fullmatch("[0-9a-f]{16}", first), "a plain text, or every diff of the pod would be hidden"
    assert first == _sum({"b": "2", "a": "1"})
    assert len({first, _sum({"a": "1", "b": "3"}), _sum({"a": "1", "c": "2"}), _sum({"a": "1"})}) == 4
    assert random_bytes("salt", 32).hex() not in first


@pytest.mark.parametrize("package", ["kubernetes", "cloudflare", "random"])
def test_the_version_that_resources_name_is_the_plugins(package: str) -> None:
    plugin = json.loads((_home(f"pulumi_{package}") / "pulumi-plugin.json").read_text())
    assert (plugin["name"], plugin["version"]) == (package, metadata.version(f"pulumi-{package}"))


def test_no_module_of_the_program_imports_a_typed_sdk() -> None:
    root = Path(__file__).parents[2]
    modules = [
        root / "__main__.py",
        *(root / "components").rglob("*.py"),
        *(root / "config").rglob("*.py"),
        *(root / "manifests").rglob("*.py"),
    ]
    imported = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").split(".")[0]
        for path in modules
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert imported & {"pulumi_kubernetes", "pulumi_cloudflare", "pulumi_random"} == set()
    assert "pulumi" in imported
