"""Small valid apps, workspaces and stacks, written as people write them; and the Kubernetes schemas to hold manifests
against."""

from __future__ import annotations

import json
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]

from config.app import App
from config.stack import Stack
from config.workspace import Workspace
from manifests.app.static import StaticFiles

NODES = [
    {"name": "pi-1", "role": "control-plane", "ip": "10.0.0.50", "cpu": 4, "memory": "8Gi"},
    {"name": "pi-2", "role": "worker", "ip": "10.0.0.221", "cpu": 4, "memory": "4Gi"},
]
CLUSTER = {"context": "home", "nodes": NODES}

PEER = {
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "ingress-controller"}},
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "warren-ingress"}},
}
"""The ingress controller's pods, as components hand them on."""

SITE = StaticFiles((("index.html", b"<h1>hi</h1>"), ("logo.png", b"\x89PNG\x00")))


def app(**written: Any) -> App:
    """An app from what a file would say; an image on port 8000 unless said otherwise."""
    if not {"image", "static"} & set(written):
        written = {"image": "ghcr.io/x/web:1.0", **written}
    if not {"static", "schedule", "ports", "port"} & set(written):
        written = {"port": 8000, **written}
    return App.model_validate_json(json.dumps(written))


def workspace(**written: Any) -> Workspace:
    """A workspace without sign-in and with one app, unless said otherwise."""
    plain = {
        "name": "team",
        "host": "team",
        "quota": {"cpu": "2", "memory": "2Gi"},
        "auth": "none",
        "apps": {"web": {"image": "ghcr.io/x/web:1.0", "port": 8000, "routes": ["/"]}},
    }
    return Workspace.model_validate_json(json.dumps({**plain, **written}))


def stack(**written: Any) -> Stack:
    """The reference stack: two nodes, one domain."""
    plain = {
        "domain": "example.com",
        "cluster": CLUSTER,
        "cloudflare": {"accountId": "a" * 32, "zoneId": "b" * 32},
        "workspaces": ["team"],
    }
    return Stack.model_validate_json(json.dumps({**plain, **written}))


def assert_valid(manifest: dict[str, Any]) -> None:
    """Fails unless the newest Kubernetes schema knows every key of the manifest."""
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
