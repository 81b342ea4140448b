"""What signs a workspace's pods in to image registries: one Secret, which the kubelet reads and no container sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from config.stack import Stack
from config.workspace import Workspace
from manifests import names

Manifest = dict[str, Any]

KEY = ".dockerconfigjson"


def pull_secret(
    stack: Stack, workspace: Workspace, values: Mapping[str, Any], as_json: Callable[[Any], Any]
) -> Manifest | None:
    """The Secret of the registries that a workspace uses; None where it uses none.

    The passwords go in as they are: here nobody knows one. `as_json` writes what holds values that are not known yet
    (`pulumi.Output.json_dumps`). A kubelet wants no `auth` beside username and password (credentialprovider/config.go).
    """
    used = {registry: stack.registries[registry] for registry in sorted(workspace.registries)}
    if not used:
        return None
    entries = {
        registry: {"username": each.username, "password": values[each.password.secret]}
        for registry, each in used.items()
    }
    labels = names.labels(workspace.name, workspace=workspace.name)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": names.PULL_SECRET, "namespace": workspace.name, "labels": labels},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {KEY: as_json({"auths": entries})},
    }
