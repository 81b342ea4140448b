"""The kubernetes stand-in as the engine calls it, without an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from sandbox.kubernetes import config, render
from sandbox.kubernetes.provider import Kubernetes, kind_of_token, mark_secrets, object_id
from sandbox.server import Refusal
from sandbox.wire import UNKNOWN, Secret, decode, encode
from tests.sandbox.objects import VALID, changed

SDK = Path(config.__file__).parents[2] / ".venv" / "lib"


class Aborted(Exception):
    """What a servicer's abort raises here."""


class Context:
    """The part of a gRPC context that the stand-ins use."""

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise Aborted(f"{code.name}: {details}")


def urn(kind: str, name: str = "it", parents: str = "") -> str:
    return f"urn:pulumi:dev::warren::{parents}kubernetes:{kind}::{name}"


@pytest.fixture
def cluster(tmp_path: Path) -> Kubernetes:
    provider = Kubernetes("4.32.0", "")
    args = encode({"renderYamlToDirectory": str(tmp_path / "manifests"), "enableSecretMutable": "true"})
    provider.Configure(provider_pb2.ConfigureRequest(args=args), Context())
    return provider


def check(cluster: Kubernetes, manifest: dict[str, Any], where: str, **more: Any) -> tuple[dict[str, Any], list[str]]:
    answer = cluster.Check(provider_pb2.CheckRequest(urn=where, news=encode(manifest), **more), Context())
    return decode(answer.inputs), [failure.reason for failure in answer.failures]


def create(cluster: Kubernetes, manifest: dict[str, Any], where: str, *, preview: bool = False) -> str:
    request = provider_pb2.CreateRequest(urn=where, properties=encode(manifest), preview=preview)
    return str(cluster.Create(request, Context()).id)


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("kubernetes:core/v1:Namespace", ("", "v1", "Namespace")),
        ("kubernetes:apps/v1:Deployment", ("apps", "v1", "Deployment")),
        ("kubernetes:networking.k8s.io/v1:Ingress", ("networking.k8s.io", "v1", "Ingress")),
        ("kubernetes:example.com/v1:Widget", ("example.com", "v1", "Widget")),
    ],
)
def test_a_type_token_names_a_kind(token: str, kind: tuple[str, str, str]) -> None:
    found = kind_of_token(token)
    assert (found.group, found.version, found.kind) == kind


@pytest.mark.parametrize(
    "token",
    [
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:yaml/v2:ConfigGroup",
        "kubernetes:core/v1:ConfigMapList",
        "kubernetes:apps/v1:DeploymentPatch",
    ],
)
def test_what_needs_a_cluster_or_a_chart_is_refused(token: str) -> None:
    with pytest.raises(Refusal, match=token.rpartition(":")[2]):
        kind_of_token(token)


def test_the_type_must_be_the_manifest_s(cluster: Kubernetes) -> None:
    _, found = check(cluster, VALID["secret"], urn("core/v1:ConfigMap"))
    assert found == ["kind: must be ConfigMap, as the resource's type says, not 'Secret'"]


def test_a_removed_api_version_is_refused_with_the_one_to_use(cluster: Kubernetes) -> None:
    manifest = {**VALID["ingress"], "apiVersion": "networking.k8s.io/v1beta1"}
    _, found = check(cluster, manifest, urn("networking.k8s.io/v1beta1:Ingress"))
    assert "did you mean networking.k8s.io/v1 Ingress?" in found[0]


def test_the_parents_types_in_a_urn_do_not_matter(cluster: Kubernetes) -> None:
    _, found = check(cluster, VALID["secret"], urn("core/v1:Secret", parents="warren:components:Workspace$"))
    assert found == []


def test_failures_are_in_the_text_and_never_a_property(cluster: Kubernetes) -> None:
    request = provider_pb2.CheckRequest(urn=urn("core/v1:Secret"), news=encode(changed("secret", "data.a", "hunter2!")))
    [failure] = cluster.Check(request, Context()).failures
    # The engine prints the value of a property that it is told about, secret or not.
    assert failure.property == ""
    assert failure.reason == "data[a]: is not base64"


def test_the_data_of_a_secret_is_secret_even_when_the_program_forgot() -> None:
    marked = mark_secrets(VALID["secret"])
    assert marked["stringData"] == Secret({"b": "b"})
    assert marked["data"] == Secret({"a": "YQ=="})


def test_a_list_with_a_secret_in_it_is_secret_as_a_whole_and_an_object_is_not() -> None:
    marked = mark_secrets({"kind": "Pod", "spec": {"a": [1, Secret(2)], "b": {"c": Secret(3), "d": 4}}})
    assert marked["spec"] == {"a": Secret([1, 2]), "b": {"c": Secret(3), "d": 4}}


def test_an_object_without_a_name_gets_one_that_stays(cluster: Kubernetes) -> None:
    manifest = {**VALID["config-map"], "metadata": {"namespace": "team"}}
    named, found = check(cluster, manifest, urn("core/v1:ConfigMap", "settings"), randomSeed=b"\x01" * 32)
    assert found == []
    assert named["metadata"]["name"] == "settings-01010101"
    again, _ = check(
        cluster, manifest, urn("core/v1:ConfigMap", "settings"), randomSeed=b"\x02" * 32, olds=encode(named)
    )
    assert again["metadata"]["name"] == "settings-01010101"


def test_a_generated_name_is_refused_as_in_render_mode(cluster: Kubernetes) -> None:
    manifest = {**VALID["config-map"], "metadata": {"generateName": "x-"}}
    _, found = check(cluster, manifest, urn("core/v1:ConfigMap"))
    assert found == ["the `.metadata.generateName` field is not supported in YAML rendering mode"]


def test_one_object_may_have_one_resource_only(cluster: Kubernetes) -> None:
    assert check(cluster, VALID["config-map"], urn("core/v1:ConfigMap", "one"))[1] == []
    assert check(cluster, VALID["config-map"], urn("core/v1:ConfigMap", "one"))[1] == []
    [reason] = check(cluster, VALID["config-map"], urn("core/v1:ConfigMap", "two"))[1]
    assert "already exists: resource 'one' declares it too" in reason
    elsewhere = changed("config-map", "metadata.namespace", "other")
    assert check(cluster, elsewhere, urn("core/v1:ConfigMap", "two"))[1] == []


@pytest.mark.parametrize(
    "group", ["gateway.networking.k8s.io", "externaldns.k8s.io", "snapshot.storage.k8s.io", "metrics.k8s.io"]
)
def test_a_project_s_own_group_is_installed_and_not_built_in(cluster: Kubernetes, group: str) -> None:
    thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": "default"}}
    assert check(cluster, thing, urn(f"{group}/v1:Thing"))[1] == []
    with pytest.raises(Aborted, match='no matches for kind "Thing"'):
        create(cluster, thing, urn(f"{group}/v1:Thing"))


def test_an_object_needs_its_namespace_first(cluster: Kubernetes) -> None:
    with pytest.raises(Aborted, match='namespaces "team" not found'):
        create(cluster, VALID["config-map"], urn("core/v1:ConfigMap"))
    create(cluster, VALID["namespace"], urn("core/v1:Namespace"), preview=True)
    assert create(cluster, VALID["config-map"], urn("core/v1:ConfigMap")) == "team/it"


@pytest.mark.parametrize("namespace", ["default", "kube-system"])
def test_the_namespaces_of_every_cluster_exist(cluster: Kubernetes, namespace: str) -> None:
    assert create(cluster, changed("config-map", "metadata.namespace", namespace), urn("core/v1:ConfigMap"))


def test_a_namespace_in_the_state_exists(cluster: Kubernetes) -> None:
    check(cluster, VALID["namespace"], urn("core/v1:Namespace"), olds=encode(VALID["namespace"]))
    assert create(cluster, VALID["config-map"], urn("core/v1:ConfigMap"))


def test_a_custom_resource_needs_its_definition_first(cluster: Kubernetes) -> None:
    widget = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": "default"},
        "spec": 1,
    }
    where = urn("example.com/v1:Widget")
    assert check(cluster, widget, where)[1] == []
    with pytest.raises(Aborted, match='no matches for kind "Widget"'):
        create(cluster, widget, where)
    definition = urn("apiextensions.k8s.io/v1:CustomResourceDefinition")
    create(cluster, VALID["custom-definition"], definition)
    assert create(cluster, widget, where) == "default/w"


def test_a_preview_writes_nothing_and_invents_no_id(cluster: Kubernetes, tmp_path: Path) -> None:
    assert create(cluster, VALID["namespace"], urn("core/v1:Namespace"), preview=True) == ""
    assert not (tmp_path / "manifests").exists()


def test_an_update_that_the_api_server_refuses_fails_in_the_preview(cluster: Kubernetes) -> None:
    request = provider_pb2.UpdateRequest(
        urn=urn("core/v1:PersistentVolumeClaim"),
        old_inputs=encode(VALID["claim"]),
        news=encode(changed("claim", "spec.resources.requests.storage", "1Mi")),
        preview=True,
    )
    with pytest.raises(Aborted, match="a claim cannot be made smaller"):
        cluster.Update(request, Context())


def test_ignored_changes_are_no_changes(cluster: Kubernetes) -> None:
    def changes(*ignored: str) -> list[str]:
        request = provider_pb2.DiffRequest(
            urn=urn("apps/v1:Deployment"),
            old_inputs=encode(VALID["deployment"]),
            news=encode(changed("deployment", "spec.replicas", 9)),
            ignoreChanges=ignored,
        )
        return list(cluster.Diff(request, Context()).detailedDiff)

    assert changes() == ["spec.replicas"]
    assert changes("spec.replicas") == []
    assert changes("spec") == []
    assert changes("spec.rep") == ["spec.replicas"]


def test_the_id_is_namespace_and_name() -> None:
    assert object_id(VALID["config-map"]) == "team/it"
    assert object_id(VALID["namespace"]) == "team"


def test_rendered_files_are_private_ordered_and_readable(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "manifests"
    manifest = {"data": {"z": "1", "a": "one\ntwo\n"}, "kind": "ConfigMap", "apiVersion": "v1"}
    path = render.write(directory, manifest | {"metadata": {"namespace": "team", "name": "it"}}, "urn:x")
    assert path == directory / "team" / "configmap-it.yaml"
    assert path.read_text() == (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: it\n  namespace: team\n"
        "data:\n  a: |\n    one\n    two\n  z: '1'\n# resource: urn:x\n"
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700


def test_removing_the_last_file_removes_the_directories_and_removing_again_is_no_error(tmp_path: Path) -> None:
    directory = tmp_path / "manifests"
    render.write(directory, VALID["namespace"], "urn:x")
    render.remove(directory, VALID["namespace"])
    assert not directory.exists()
    render.remove(directory, VALID["namespace"])


def test_a_marked_value_is_redacted_in_any_kind_and_shown_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = {**VALID["config-map"], "data": {"a": Secret("hunter2")}}
    assert "hunter2" not in render.write(tmp_path, manifest, "urn:x").read_text()
    monkeypatch.setenv(render.SHOW_SECRETS, "1")
    assert "hunter2" in render.write(tmp_path, manifest, "urn:x").read_text()


RENDER = {"renderYamlToDirectory": "/x"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "it serves only stacks whose file says `warren:sandbox: true`"),
        ({"kubeconfig": "~/.kube/config", "context": "home"}, "it serves only stacks"),
        (RENDER | {"kubeconfig": "x"}, '"kubeconfig" arg is not compatible'),
        (RENDER | {"context": "x"}, '"context" arg is not compatible'),
        (RENDER | {"strictMode": "true"}, 'strict mode requires Provider "kubeconfig" argument'),
        (RENDER | {"enableSecretsMutable": True}, "did you mean enableSecretMutable?"),
    ],
)
def test_provider_settings_that_are_refused(settings: dict[str, Any], message: str) -> None:
    assert any(message in str(problem) for problem in config.problems(settings))


def test_provider_settings_that_are_accepted() -> None:
    assert config.problems(RENDER | {"clusterIdentifier": "home", "enableSecretMutable": "true"}) == []
    assert config.problems({"renderYamlToDirectory": UNKNOWN}) == []


def test_the_known_settings_are_the_sdk_s() -> None:
    [source] = SDK.glob("python3*/site-packages/pulumi_kubernetes/provider.py")
    names = set()
    for line in source.read_text(encoding="utf-8").splitlines():
        if line.strip().startswith('__props__.__dict__["'):
            words = line.split('"')[1].split("_")
            names.add(words[0] + "".join(word.title() for word in words[1:]))
    # The provider's own schema knows strictMode; the generated class leaves it to the environment.
    assert config.KNOWN_SETTINGS - {"strictMode"} == names - {"strictMode"}


def test_a_new_directory_replaces_unless_the_cluster_has_an_identifier() -> None:
    assert config.changes(RENDER, {"renderYamlToDirectory": "/y"}) == (["renderYamlToDirectory"],) * 2
    home = {"clusterIdentifier": "home"}
    assert config.changes(RENDER | home, {"renderYamlToDirectory": "/y"} | home) == (["renderYamlToDirectory"], [])
    assert config.changes(RENDER | home, RENDER | {"clusterIdentifier": "away"})[1] == ["clusterIdentifier"]
    assert config.changes(RENDER, RENDER | home)[1] == []


def test_an_object_that_another_resource_made_already_exists(cluster: Kubernetes) -> None:
    create(cluster, VALID["namespace"], urn("core/v1:Namespace"))
    create(cluster, VALID["config-map"], urn("core/v1:ConfigMap", "old"))
    for preview in (True, False):
        with pytest.raises(Aborted, match="ConfigMap 'it' in namespace team already exists, made by resource 'old'"):
            create(cluster, VALID["config-map"], urn("core/v1:ConfigMap", "new"), preview=preview)


def test_what_an_interrupted_create_left_is_written_again(cluster: Kubernetes) -> None:
    create(cluster, VALID["namespace"], urn("core/v1:Namespace"))
    for _ in range(2):
        assert create(cluster, VALID["config-map"], urn("core/v1:ConfigMap")) == "team/it"


def test_a_deleted_resource_leaves_an_object_that_another_one_has_taken_over(
    cluster: Kubernetes, tmp_path: Path
) -> None:
    create(cluster, VALID["namespace"], urn("core/v1:Namespace"))
    create(cluster, VALID["config-map"], urn("core/v1:ConfigMap", "old"))
    check(cluster, VALID["config-map"], urn("core/v1:ConfigMap", "new"))
    request = provider_pb2.DeleteRequest(urn=urn("core/v1:ConfigMap", "old"), properties=encode(VALID["config-map"]))
    cluster.Delete(request, Context())
    assert (tmp_path / "manifests" / "team" / "configmap-it.yaml").exists()


def test_a_file_that_no_resource_wrote_is_nobody_s_object(cluster: Kubernetes, tmp_path: Path) -> None:
    create(cluster, VALID["namespace"], urn("core/v1:Namespace"))
    path = render.path_of(tmp_path / "manifests", VALID["config-map"])
    path.parent.mkdir()
    path.write_text("kind: ConfigMap\n")
    assert create(cluster, VALID["config-map"], urn("core/v1:ConfigMap")) == "team/it"
