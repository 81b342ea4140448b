"""Update or replacement: the rules of the official provider, by table."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.kubernetes import diff
from sandbox.kubernetes.diff import Options, changes, deletes_first, path_text
from sandbox.kubernetes.schema import Kind
from sandbox.wire import UNKNOWN
from tests.sandbox.objects import REMOVED, VALID, changed

MUTABLE = Options(config_map_mutable=True, secret_mutable=True)


def outcome(base: str, path: str, value: Any, options: Options = MUTABLE) -> dict[str, bool]:
    old, new = VALID[base], changed(base, path, value)
    found = changes(Kind.of(old["apiVersion"], old["kind"]), old, new, options)
    return {path_text(change.path): change.replaces for change in found}


@pytest.mark.parametrize(
    ("base", "path", "value"),
    [
        ("config-map", "metadata.name", "other"),
        ("config-map", "metadata.namespace", "other"),
        ("deployment", "spec.selector.matchLabels.app", "other"),
        ("daemon-set", "spec.selector", REMOVED),
        ("stateful-set", "spec.serviceName", "other"),
        ("stateful-set", "spec.volumeClaimTemplates.0.spec.accessModes.0", "ReadWriteMany"),
        ("job", "spec.template.spec.containers.0.image", "other"),
        ("job", "spec.parallelism", 2),
        ("role-binding", "roleRef.name", "other"),
        ("cluster-role-binding", "roleRef.name", "other"),
        ("claim", "spec.storageClassName", "other"),
        ("claim", "spec.accessModes.0", "ReadWriteMany"),
        ("quota", "spec.scopes", ["BestEffort"]),
        ("secret", "type", "example.com/other"),
        ("service", "spec.clusterIP", "None"),
    ],
)
def test_a_change_that_replaces(base: str, path: str, value: Any) -> None:
    assert set(outcome(base, path, value).values()) == {True}


@pytest.mark.parametrize(
    ("base", "path", "value"),
    [
        ("config-map", "metadata.labels", {"a": "b"}),
        ("config-map", "data", {"other": "1"}),
        ("secret", "stringData.b", "other"),
        ("deployment", "spec.replicas", 3),
        ("deployment", "spec.template.spec.containers.0.image", "other"),
        ("stateful-set", "spec.template.spec.containers.0.image", "other"),
        ("job", "spec.backoffLimit", 9),
        ("claim", "spec.resources.requests.storage", "2Gi"),
        ("ingress", "spec.rules.0.host", "other.example.com"),
        ("role-binding", "subjects.0.name", "other"),
        ("budget", "spec.minAvailable", 2),
        ("service", "spec.ports.0.port", 81),
    ],
)
def test_a_change_that_updates_in_place(base: str, path: str, value: Any) -> None:
    assert set(outcome(base, path, value).values()) == {False}


def test_config_maps_and_secrets_are_replaced_unless_the_provider_says_otherwise() -> None:
    assert set(outcome("config-map", "data", {"other": "1"}, Options()).values()) == {True}
    assert outcome("secret", "stringData.b", "other", Options()) == {"stringData.b": True}
    assert outcome("secret", "metadata.labels", {"a": "b"}, Options()) == {"metadata.labels": False}


def test_an_immutable_config_map_is_replaced_whatever_the_provider_says() -> None:
    old = {**VALID["config-map"], "immutable": True}
    new = {**old, "data": {"other": "1"}}
    assert all(change.replaces for change in changes(Kind("", "v1", "ConfigMap"), old, new, MUTABLE))


def test_a_pod_s_containers_are_matched_by_any_index() -> None:
    pod = {"spec": {"containers": [{"image": "a"}, {"image": "b"}]}}
    other = {"spec": {"containers": [{"image": "a"}, {"image": "c"}]}}
    [change] = changes(Kind("", "v1", "Pod"), pod, other, MUTABLE)
    assert (path_text(change.path), change.replaces) == ("spec.containers[1].image", True)


def test_nothing_changed_is_no_change() -> None:
    for manifest in VALID.values():
        assert changes(Kind.of(manifest["apiVersion"], manifest["kind"]), manifest, manifest, MUTABLE) == []


def test_a_value_that_is_not_known_yet_is_a_change() -> None:
    assert outcome("config-map", "metadata.name", UNKNOWN) == {"metadata.name": True}


def test_added_and_removed_items_are_told_apart() -> None:
    kind = Kind("", "v1", "Service")
    found = changes(kind, {"spec": {"ports": [1, 2], "a": 1}}, {"spec": {"ports": [1], "b": 1}}, MUTABLE)
    assert {(path_text(change.path), change.kind) for change in found} == {
        ("spec.ports[1]", "delete"),
        ("spec.a", "delete"),
        ("spec.b", "add"),
    }


def test_a_true_is_not_a_one() -> None:
    assert changes(Kind("", "v1", "Pod"), {"a": True}, {"a": 1}, MUTABLE)


def test_the_old_object_goes_first_when_its_fixed_name_is_needed_again() -> None:
    named = {"metadata": {"name": "a", "namespace": "b"}}
    assert deletes_first(named, named)
    assert not deletes_first({"metadata": {"name": "a", "namespace": "c"}}, named)
    assert not deletes_first({"metadata": {"name": "z", "namespace": "b"}}, named)
    automatic = {"metadata": {"name": "a", "annotations": {diff.AUTONAMED: "true"}}}
    assert not deletes_first(automatic, automatic)


def test_paths_with_dots_are_quoted() -> None:
    assert path_text(("metadata", "labels", "app.kubernetes.io/name")) == 'metadata.labels["app.kubernetes.io/name"]'
