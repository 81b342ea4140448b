"""The kubernetes stand-in as the engine calls it, without an engine."""

from __future__ import annotations

import sysconfig
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

SDK = Path(sysconfig.get_paths()["purelib"]) / "pulumi_kubernetes"


class Aborted(Exception):
    """What a servicer's abort raises here."""


class Context:
    """The part of a gRPC context that the stand-ins use."""

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise Aborted(f"{code.name}: {details}")


def urn(kind: str, name: str = "it", parents: str = "") -> str:
    return f"urn:pulumi:dev::warren::{parents}kubernetes:{kind}::{name}"


def configured(tmp_path: Path, **settings: str) -> Kubernetes:
    provider = Kubernetes("4.32.0", "")
    known = {"renderYamlToDirectory": str(tmp_path / "manifests"), "enableSecretMutable": "true", **settings}
    provider.Configure(provider_pb2.ConfigureRequest(args=encode(known)), Context())
    return provider


@pytest.fixture
def cluster(tmp_path: Path) -> Kubernetes:
    return configured(tmp_path)


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
        "data:\n  a: |\n    one\n    two\n  z: '1'\n# resource: urn:x\n# written: a26e583f5f2ad83d\n"
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
    names = set()
    for line in (SDK / "provider.py").read_text(encoding="utf-8").splitlines():
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


def test_what_an_interrupted_create_left_already_exists_also_for_the_same_resource(cluster: Kubernetes) -> None:
    create(cluster, VALID["namespace"], urn("core/v1:Namespace"))
    create(cluster, VALID["config-map"], urn("core/v1:ConfigMap"))
    # As with the official provider, whose preview takes "already exists" for no answer.
    assert create(cluster, VALID["config-map"], urn("core/v1:ConfigMap"), preview=True) == ""
    with pytest.raises(Aborted, match=r"already exists, and the state does not know it.*UPSERT_EXISTING_OBJECTS=true"):
        create(cluster, VALID["config-map"], urn("core/v1:ConfigMap"))


@pytest.mark.parametrize(
    ("variable", "setting", "taken"),
    [("true", None, True), ("1", None, False), (None, "true", True), ("true", "false", False), (None, None, False)],
)
def test_an_object_that_exists_is_taken_over_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None, setting: str | None, taken: bool
) -> None:
    if variable:
        monkeypatch.setenv("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", variable)
    cluster = configured(tmp_path, **({"upsertExistingObjects": setting} if setting else {}))
    create(cluster, VALID["namespace"], urn("core/v1:Namespace"))
    render.write(tmp_path / "manifests", VALID["config-map"], "urn:x")
    if taken:
        assert create(cluster, VALID["config-map"], urn("core/v1:ConfigMap")) == "team/it"
    else:
        with pytest.raises(Aborted, match="already exists"):
            create(cluster, VALID["config-map"], urn("core/v1:ConfigMap"))


def test_a_deleted_resource_leaves_an_object_that_another_one_has_taken_over(
    cluster: Kubernetes, tmp_path: Path
) -> None:
    create(cluster, VALID["namespace"], urn("core/v1:Namespace"))
    create(cluster, VALID["config-map"], urn("core/v1:ConfigMap", "old"))
    check(cluster, VALID["config-map"], urn("core/v1:ConfigMap", "new"))
    request = provider_pb2.DeleteRequest(urn=urn("core/v1:ConfigMap", "old"), properties=encode(VALID["config-map"]))
    cluster.Delete(request, Context())
    assert (tmp_path / "manifests" / "team" / "configmap-it.yaml").exists()


def test_a_file_that_no_resource_wrote_is_an_object_all_the_same(cluster: Kubernetes, tmp_path: Path) -> None:
    create(cluster, VALID["namespace"], urn("core/v1:Namespace"))
    path = render.path_of(tmp_path / "manifests", VALID["config-map"])
    path.parent.mkdir()
    path.write_text("kind: ConfigMap\n")
    with pytest.raises(Aborted, match="already exists"):
        create(cluster, VALID["config-map"], urn("core/v1:ConfigMap"))


# By hand: a file stands for its object.


FORCE = {"enablePatchForce": "true"}
WHERE = urn("apps/v1:Deployment")


def made(tmp_path: Path, **settings: str) -> Kubernetes:
    """A stand-in whose Deployment of two replicas is there."""
    cluster = configured(tmp_path, **settings)
    create(cluster, VALID["namespace"], urn("core/v1:Namespace"))
    create(cluster, VALID["deployment"], WHERE)
    return cluster


def by_hand(tmp_path: Path, old: str, new: str, manifest: dict[str, Any] = VALID["deployment"]) -> Path:
    path = render.path_of(tmp_path / "manifests", manifest)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def update(
    cluster: Kubernetes, news: dict[str, Any], olds: dict[str, Any] = VALID["deployment"], *, preview: bool = False
) -> None:
    request = provider_pb2.UpdateRequest(
        urn=WHERE, olds=encode(olds), old_inputs=encode(olds), news=encode(news), preview=preview
    )
    cluster.Update(request, Context())


def read(cluster: Kubernetes, manifest: dict[str, Any], where: str = WHERE) -> dict[str, Any]:
    known = encode(manifest)
    return decode(
        cluster.Read(provider_pb2.ReadRequest(id="x", urn=where, properties=known, inputs=known), None).inputs
    )


def test_a_later_change_of_an_object_that_was_scaled_by_hand_is_a_conflict_without_force(tmp_path: Path) -> None:
    cluster = made(tmp_path)
    by_hand(tmp_path, "replicas: 2", "replicas: 5")
    other = changed("deployment", "spec.revisionHistoryLimit", 3)
    with pytest.raises(
        Aborted, match=r"server-side apply field conflict.*: somebody else has changed spec\.replicas\."
    ):
        update(cluster, other)
    # A refresh tells the state what is there; the field is still somebody else's.
    with pytest.raises(Aborted, match=r"has changed spec\.replicas\."):
        update(cluster, VALID["deployment"], changed("deployment", "spec.replicas", 5))
    # The same value is shared, and what the program has no word about is not the program's.
    update(cluster, changed("deployment", "spec.replicas", 5))


def test_force_takes_back_what_was_changed_by_hand(tmp_path: Path) -> None:
    cluster = made(tmp_path, **FORCE)
    path = by_hand(tmp_path, "replicas: 2", "replicas: 5")
    update(cluster, changed("deployment", "spec.revisionHistoryLimit", 3))
    assert "replicas: 2" in path.read_text()
    assert "revisionHistoryLimit: 3" in path.read_text()


def test_a_field_of_somebody_s_own_is_no_conflict_and_no_drift(tmp_path: Path) -> None:
    cluster = made(tmp_path)
    by_hand(tmp_path, "\nspec:\n", "\nspec:\n  paused: true\n")
    assert read(cluster, VALID["deployment"]) == VALID["deployment"]
    update(cluster, changed("deployment", "spec.revisionHistoryLimit", 3))


def test_a_program_s_own_changes_are_no_conflict(tmp_path: Path) -> None:
    cluster = made(tmp_path)
    update(cluster, changed("deployment", "spec.replicas", 7))
    update(cluster, VALID["deployment"], changed("deployment", "spec.replicas", 7))


def test_a_refresh_sees_what_was_changed_and_what_was_deleted(tmp_path: Path) -> None:
    cluster = made(tmp_path)
    assert read(cluster, VALID["deployment"]) == VALID["deployment"]
    path = by_hand(tmp_path, "replicas: 2", "replicas: 5")
    assert read(cluster, VALID["deployment"]) == changed("deployment", "spec.replicas", 5)
    path.unlink()
    assert read(cluster, VALID["deployment"]) == {}


@pytest.mark.parametrize("preview", [True, False])
def test_a_change_of_what_was_deleted_by_hand_fails(tmp_path: Path, preview: bool) -> None:
    cluster = made(tmp_path, **FORCE)
    render.remove(tmp_path / "manifests", VALID["deployment"])
    with pytest.raises(Aborted, match="Deployment 'team/it' not found: it was deleted by hand"):
        update(cluster, changed("deployment", "spec.replicas", 7), preview=preview)


def test_what_is_redacted_is_no_drift_and_what_was_written_over_it_is(cluster: Kubernetes, tmp_path: Path) -> None:
    create(cluster, VALID["namespace"], urn("core/v1:Namespace"))
    secret, where = mark_secrets(VALID["secret"]), urn("core/v1:Secret")
    create(cluster, secret, where)
    assert read(cluster, secret, where) == secret
    by_hand(tmp_path, "b: (redacted)", "b: mine", VALID["secret"])
    assert read(cluster, secret, where)["stringData"] == Secret({"b": "mine"})


def test_a_file_that_is_no_manifest_any_more_is_named(tmp_path: Path) -> None:
    cluster = made(tmp_path)
    path = render.path_of(tmp_path / "manifests", VALID["deployment"])
    path.write_text("nothing: [of the kind")
    known = encode(VALID["deployment"])
    request = provider_pb2.ReadRequest(id="x", urn=WHERE, properties=known, inputs=known)
    with pytest.raises(Aborted, match=r"deployment-it\.yaml is no manifest any more"):
        cluster.Read(request, Context())


def test_a_taken_over_object_with_other_values_is_a_conflict_without_force(tmp_path: Path) -> None:
    made(tmp_path)
    other = changed("deployment", "spec.replicas", 7)
    with pytest.raises(Aborted, match=r"somebody else has changed spec\.replicas"):
        create(configured(tmp_path, upsertExistingObjects="true"), other, WHERE)
    assert create(configured(tmp_path, upsertExistingObjects="true", **FORCE), other, WHERE) == "team/it"


def test_secrets_are_shown_and_redacted_again_without_another_change(
    cluster: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rewrites(name: str) -> bool:
        known = encode(mark_secrets(VALID[name]))
        where = urn("core/v1:Secret" if name == "secret" else "core/v1:ConfigMap")
        request = provider_pb2.DiffRequest(urn=where, old_inputs=known, news=known)
        return bool(cluster.Diff(request, Context()).changes == provider_pb2.DiffResponse.DIFF_SOME)

    create(cluster, VALID["namespace"], urn("core/v1:Namespace"))
    create(cluster, VALID["config-map"], urn("core/v1:ConfigMap"))
    create(cluster, mark_secrets(VALID["secret"]), urn("core/v1:Secret"))
    assert not rewrites("secret")
    monkeypatch.setenv(render.SHOW_SECRETS, "1")
    assert rewrites("secret")
    assert not rewrites("config-map")
    known = encode(mark_secrets(VALID["secret"]))
    where = urn("core/v1:Secret")
    cluster.Update(provider_pb2.UpdateRequest(urn=where, olds=known, old_inputs=known, news=known), Context())
    assert not rewrites("secret")
    monkeypatch.delenv(render.SHOW_SECRETS)
    assert rewrites("secret")
