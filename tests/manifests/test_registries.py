"""Registries that ask who pulls: the Secret, the pods that name it, and images that others may have brought."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config import registries
from manifests import names
from manifests.app import apps
from manifests.workspace import counts
from manifests.workspace.registries import pull_secret
from tests.config.examples import assert_valid, stack, workspace

REGISTRIES = {
    "ghcr.io/owner": {"username": "robot", "password": {"secret": "ghcr-pull"}},
    "docker.io": {"username": "us", "password": {"secret": "team-hub"}},
}
VALUES = {"ghcr-pull": 'a"quote\\', "team-hub": "hub", "unrelated": "other"}


def _secret(*used: str) -> dict[str, Any] | None:
    return pull_secret(stack(registries=REGISTRIES), workspace(registries=list(used)), VALUES, json.dumps)


def test_the_secret_has_the_registries_that_are_used_and_no_others() -> None:
    made = _secret("ghcr.io/owner")
    assert made is not None
    assert_valid(made)
    assert (made["type"], made["metadata"]["namespace"]) == ("kubernetes.io/dockerconfigjson", "team")
    assert json.loads(made["stringData"][".dockerconfigjson"]) == {
        "auths": {"ghcr.io/owner": {"username": "robot", "password": 'a"quote\\'}}
    }
    assert _secret() is None


def test_the_name_of_the_secret_is_no_apps() -> None:
    assert "." in names.PULL_SECRET
    made = _secret("docker.io")
    assert made is not None
    assert made["metadata"]["name"] == names.PULL_SECRET


def _pods(used: list[str], images: dict[str, str] | None = None, **app: Any) -> list[dict[str, Any]]:
    settings = stack(registries=REGISTRIES, images=images or {})
    made = workspace(registries=used, apps={"web": {"image": "ghcr.io/owner/web:1", "port": 80, **app}})
    return [apps.pod_template(unit)["spec"] for unit in apps.units(settings, made, {})]


def test_pods_name_it_where_the_workspace_uses_one() -> None:
    [pod] = _pods(["ghcr.io/owner"])
    assert pod["imagePullSecrets"] == [{"name": names.PULL_SECRET}]
    [pod] = _pods([])
    assert "imagePullSecrets" not in pod


def test_an_image_that_another_workspace_may_have_brought_is_asked_for_each_time() -> None:
    """Or who may not pull it starts it from the node's disk."""
    policies = {
        (container["name"], container.get("imagePullPolicy"))
        for pod in _pods(
            ["docker.io"],
            init={"a": {"image": "ghcr.io/owner/private:1"}, "b": {"image": "quay.io/owner/c:1"}},
            sidecars={"c": {"image": "docker.io/owner/d:1"}},
        )
        for container in (*pod["containers"], *pod["initContainers"])
    }
    assert policies == {("web", "Always"), ("a", "Always"), ("b", None), ("c", None)}
    [pod] = _pods(["ghcr.io/owner"])
    assert "imagePullPolicy" not in pod["containers"][0]


def test_the_stack_files_own_image_counts() -> None:
    [pod] = _pods([], {"team/web": "quay.io/owner/web:2"})
    assert "imagePullPolicy" not in pod["containers"][0]
    [pod] = _pods([], {"team/web": "owner/web:2"})
    assert pod["containers"][0]["imagePullPolicy"] == "Always"


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("ghcr.io/owner/web:1", "ghcr.io"),
        ("ghcr.io/owner/web:1", "ghcr.io/owner"),
        # As a kubelet compares paths.
        ("ghcr.io/owner-of-more/web:1", "ghcr.io/owner"),
        ("registry.lan:5000/web:1", "registry.lan:5000"),
        ("nas:5000/web:1", "nas:5000"),
        ("postgres:17", "docker.io"),
        ("postgres:17", "docker.io/library"),
        ("owner/web:1", "docker.io/owner"),
        ("docker.io/owner/web:1", "docker.io"),
        # Containerd takes these for the same, so an image that is there is found by both.
        ("index.docker.io/owner/web:1", "docker.io/owner"),
        ("docker.io/postgres:17", "docker.io/library"),
    ],
)
def test_an_image_is_at_a_registry(image: str, registry: str) -> None:
    assert registries.at(image, [registry])


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("ghcr.io.example.com/owner/web:1", "ghcr.io"),
        ("registry.lan/web:1", "registry.lan:5000"),
        ("registry.lan:5001/web:1", "registry.lan:5000"),
        ("ghcr.io/other/web:1", "ghcr.io/owner"),
        ("quay.io/ghcr.io/web:1", "ghcr.io"),
        ("owner/web:1", "ghcr.io"),
    ],
)
def test_an_image_is_not_at_a_registry(image: str, registry: str) -> None:
    assert not registries.at(image, [registry])


def test_the_secret_is_counted() -> None:
    def secrets(*used: str) -> int:
        return counts.objects(stack(registries=REGISTRIES), workspace(registries=list(used)))["secrets"]

    assert secrets("docker.io", "ghcr.io/owner") == secrets() + 1


def test_nothing_changes_for_a_stack_with_registries_that_nobody_uses_and_no_image_is_at() -> None:
    made = workspace(apps={"web": {"image": "quay.io/x/web:1", "port": 80}})
    plain, known = (apps.units(settings, made, {})[0] for settings in (stack(), stack(registries=REGISTRIES)))
    assert apps.deployment(plain) == apps.deployment(known)
