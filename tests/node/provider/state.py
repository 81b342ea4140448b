"""What the connected stand-in keeps in the state: the live object, with its inputs beside it (`checkpointObject`).

Owns: the form of it, secrets in it, and what of a live object is compared with inputs (`pruneLiveState`).

A difference from the official provider: that one also brings inputs into the form that its Go types have, and so do API
servers. Inputs in another form (`1000m` for `1`) would show here as a change in every preview. Warren writes none such;
where it did, `test_again_unchanged` would say so.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Any

from sandbox.kubernetes.live import has_unknown
from sandbox.wire import Secret, has_secret, reveal
from tests.node.provider.server import CREATES_AS, Manifest

_INPUTS, _FIRST, _MANAGER = "__inputs", "__initialApiVersion", "__fieldManager"
_NO_INPUTS = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
_REVISION = "deployment.kubernetes.io/revision"


def normalized(manifest: Manifest) -> Manifest:
    """Inputs as the API server has them: the strings of a Secret as data, and no status of a CustomResourceDefinition.

    A manifest with a value that is not known yet stays as it is.
    """
    if has_unknown(manifest):
        return manifest
    if manifest["kind"] == "Secret" and manifest.get("stringData"):
        texts = {key: base64.b64encode(text.encode()).decode() for key, text in manifest["stringData"].items()}
        rest = {key: value for key, value in manifest.items() if key != "stringData"}
        return {**rest, "data": {**manifest.get("data", {}), **texts}}
    if manifest["kind"] == "CustomResourceDefinition":
        return {key: value for key, value in manifest.items() if key != "status"}
    return manifest


def new_manager() -> str:
    """A name for the field manager of a new object; it stays in the state."""
    return f"{CREATES_AS}-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Kept:
    """What the state has of an object, without secret wrappers."""

    inputs: Manifest
    live: Manifest
    manager: str

    @classmethod
    def of(cls, state: Manifest) -> Kept:
        """Read it from a resource's outputs."""
        rest = {key: value for key, value in state.items() if not key.startswith("__")}
        return cls(state.get(_INPUTS, {}), rest, state.get(_MANAGER) or new_manager())


def outputs(inputs: Manifest, live: Manifest, given: Manifest, manager: str) -> Manifest:
    """A resource's outputs; `given` are inputs that say what is secret."""
    found = {_INPUTS: secret_like(reveal(inputs), given), _FIRST: reveal(inputs)["apiVersion"], _MANAGER: manager}
    return {**secret_like(live, given), **found}


def secret_like(manifest: Manifest, given: Manifest) -> Manifest:
    """An object with secrets where the given one has them, and where a Secret always has them (`annotateSecrets`)."""
    if manifest.get("kind") == "Secret":
        return {key: Secret(value) if key in ("data", "stringData") else value for key, value in manifest.items()}
    return {key: _secret_like(value, given.get(key)) for key, value in manifest.items()}


def _secret_like(value: Any, given: Any) -> Any:
    if isinstance(value, dict) and isinstance(given, dict):
        return {key: _secret_like(item, given.get(key)) for key, item in value.items()}
    return Secret(value) if has_secret(given) or isinstance(given, Secret) else value


def pruned(live: Any, shape: Any) -> Any:
    """A live object with the fields that `shape` has, and as many items of its lists."""
    if isinstance(live, dict) and isinstance(shape, dict):
        return {key: pruned(value, shape[key]) for key, value in live.items() if key in shape}
    if isinstance(live, list) and isinstance(shape, list):
        return [pruned(value, like) for value, like in zip(live, shape, strict=False)]
    return live


def imported(live: Manifest) -> Manifest:
    """The inputs that would make an object that nobody has described yet."""
    metadata = {key: value for key, value in live["metadata"].items() if key not in _NO_INPUTS}
    if "annotations" in metadata:
        metadata["annotations"] = {key: text for key, text in metadata["annotations"].items() if key != _REVISION}
    return {key: value for key, value in live.items() if key not in ("metadata", "status")} | {"metadata": metadata}
