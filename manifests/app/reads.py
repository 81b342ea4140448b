"""What an app's pods read: its ConfigMap, its Secret, and the checksum that restarts them when either changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from config.app_files import Template
from config.fields.secrets import SecretRef
from manifests.app import containers, static
from manifests.app.apps import Unit

Manifest = dict[str, Any]


def config_map(unit: Unit) -> Manifest | None:
    """The app's config files and static files; None when it has neither."""
    data = {containers.file_key(path): text for path, text in containers.plain_files(unit.app).items()}
    binary: dict[str, str] = {}
    if unit.files is not None:
        text, binary = static.contents(unit.files)
        data |= {**text, static.CONFIG_KEY: static.CONFIG}
    if not data and not binary:
        return None
    found: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": unit.metadata()}
    return {**found, **({"data": data} if data else {}), **({"binaryData": binary} if binary else {})}


def config_digest(config: Manifest | None) -> str | None:
    """What changes when the app's ConfigMap does; None when it has none. Nothing in it is a secret."""
    if config is None:
        return None
    text = json.dumps([config.get("data"), config.get("binaryData")], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def secret(unit: Unit, values: Mapping[str, Any], join: Callable[..., Any]) -> Manifest | None:
    """The Secret with what the app reads of the stack's secrets, by name, and files with some in them; or None.

    The values go in as they are: here nobody knows one. `join` makes one text of several, and of values that are not
    known yet (`pulumi.Output.concat`).
    """
    read = {key: values[key] for key in containers.secrets_of(unit.app)}
    if not read:
        return None
    for path, content in sorted(unit.app.files.items()):
        if isinstance(content, Template):
            pieces = [values[each.secret] if isinstance(each, SecretRef) else each for each in content.pieces()]
            read[containers.file_key(path)] = join(*pieces)
    made: Manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": unit.metadata()}
    return {**made, "type": "Opaque", "stringData": read}


def keyed(digest: str | None, secret: Manifest | None) -> dict[str, Any] | None:
    """What the pods' checksum is keyed over: their config and their secrets; None when there is no secret among it.

    Without one the digest itself will do, and a preview can show it.
    """
    if secret is None:
        return None
    return {**{f"secret/{key}": value for key, value in secret["stringData"].items()}, "config": digest or ""}
