"""What an AuthGateway registers, in which order, and that secrets stay secret."""

from __future__ import annotations

import base64
import itertools

import pulumi
import pytest

from components.native import KubernetesObject, RandomBytes
from components.signin import AuthGateway, AuthGatewayArgs, DexCustomResources
from config.workspace import Workspace
from manifests import names
from manifests.signin import door, signin
from tests.manifests.signin_examples import ALLOWS, PROVIDERS, provider, stack, workspace

from .recording import Recording, Secret, providers, random_bytes, record

VALUES = {"client-secret": "the-client-secret", "google-key": "{}", "bind-password": "the-bind-password"}


def gateways(*workspaces: Workspace, values: dict[str, str] = VALUES) -> Recording:
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
            AuthGateway(
                f"{w.name}-auth",
                AuthGatewayArgs(
                    workspace=w,
                    stack=stack(),
                    secrets={name: pulumi.Output.secret(value) for name, value in values.items()},
                    salt=RandomBytes(f"{w.name}-salt", 32, opts),
                    namespace=namespace,
                    crds=crds,
                    guards=[KubernetesObject(f"{w.name}-deny", wall, opts)],
                ),
                opts,
            )

    return record(program)


@pytest.fixture(scope="module")
def mcd() -> Recording:
    """A workspace with all providers, a list of e-mails and an app on a host of its own."""
    every = [provider(kind) for kind in PROVIDERS]
    return gateways(workspace(providers=every, allow=ALLOWS["emails and groups"], own_hosts=("api",)))


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


def test_the_objects_are_those_that_were_decided(mcd: Recording) -> None:
    every = [provider(kind) for kind in PROVIDERS]
    parts = door.parts(stack(), workspace(providers=every, allow=ALLOWS["emails and groups"], own_hosts=("api",)))
    assert [part.name for part in parts] == ["dex", "oauth2-proxy-api", "oauth2-proxy"]
    for part in parts:
        checksum = checksums(mcd)[part.name]
        decided = [part.config_map(), part.wall(), part.deployment(checksum), part.service(), part.ingress()]
        decided += [part.account(), part.role(), part.binding()] if part.rules else []
        for manifest in decided:
            assert mcd.manifest(manifest["kind"], manifest["metadata"]["name"]) == manifest


def test_rule_18_whatever_a_pod_reads_of_its_secret_is_in_it(mcd: Recording) -> None:
    for found in mcd.of("Deployment"):
        pod = found.manifest["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        read = {each["valueFrom"]["secretKeyRef"]["key"] for each in container["env"] if "valueFrom" in each}
        files = [volume["secret"]["items"] for volume in pod["volumes"] if "secret" in volume]
        read |= {item["key"] for items in files for item in items}
        assert read == set(mcd.manifest("Secret", found.key[2])["stringData"])


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


def test_resources_of_two_workspaces_never_share_a_name() -> None:
    seen = gateways(workspace("a", own_hosts=("foo-auth-dex",)), workspace("a-auth-oauth2-proxy-foo"))
    assert len(seen.of("Deployment")) == 3 + 2  # the recording refuses a second one of the same name


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


def test_a_workspace_that_signs_nobody_in_has_no_gateway() -> None:
    with pytest.raises(ValueError, match="signs nobody in"):
        gateways(workspace(auth="none"))
