"""The rendered manifests: one readable YAML file an object.

Owns: the names and the content of the files below the provider's ``renderYamlToDirectory``.  A file is written beside
its place and renamed, so a crash leaves either the old one or the new one.  Does not own: which objects there are.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sandbox.wire import redact, reveal

SHOW_SECRETS = "WARREN_SANDBOX_SHOW_SECRETS"
"""Environment variable that, set to 1, writes secret values instead of ``(redacted)``."""

_CLUSTER = "_cluster"
_OWNER = "# resource: "


def path_of(directory: Path, manifest: dict[str, Any]) -> Path:
    """Return the file of an object: ``<namespace or _cluster>/<kind>-<name>.yaml``."""
    metadata = manifest.get("metadata") or {}
    # A colon is legal in RBAC names and not in every file system.
    name = str(reveal(metadata["name"])).replace(":", "_").replace("/", "_")
    namespace = str(reveal(metadata.get("namespace")) or _CLUSTER)
    return directory / namespace / f"{str(manifest['kind']).lower()}-{name}.yaml"


def write(directory: Path, manifest: dict[str, Any], urn: str) -> Path:
    """Write the manifest, ``Secret`` wrappers included, with the resource that made it, and return its file."""
    show = os.environ.get(SHOW_SECRETS) == "1"
    content = _text(reveal(manifest) if show else _without_secret_values(manifest))
    path = path_of(directory, manifest)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{content}{_OWNER}{urn}\n")
    temporary.replace(path)
    return path


def owner(directory: Path, manifest: dict[str, Any]) -> str | None:
    """Return the URN of the resource that wrote an object's file, or None when no resource did."""
    try:
        content = path_of(directory, manifest).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    _, marker, urn = content.rpartition(_OWNER)
    return urn.strip() if marker else None


def remove(directory: Path, manifest: dict[str, Any]) -> None:
    """Remove the object's file, and its directory when that was the last one.  A missing file is no error."""
    path = path_of(directory, manifest)
    path.unlink(missing_ok=True)
    for parent in (path.parent, directory):
        try:
            parent.rmdir()
        except OSError:
            return


def _without_secret_values(manifest: dict[str, Any]) -> dict[str, Any]:
    """Redact what is marked secret, and the data of a Secret also where it is not; the keys stay readable."""
    plain: dict[str, Any] = {}
    for key, value in manifest.items():
        if manifest.get("kind") == "Secret" and key in ("data", "stringData"):
            value = reveal(value)
            plain[key] = dict.fromkeys(value, "(redacted)") if isinstance(value, dict) else "(redacted)"
        else:
            plain[key] = redact(value)
    return plain


def _text(manifest: dict[str, Any]) -> str:
    # Here and not at the top: a preview writes no file and need not wait 50 ms for the import.
    import yaml

    class Dumper(yaml.SafeDumper):
        """Block style, with multi-line strings as literal blocks."""

    def string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Dumper.add_representer(str, string)
    text: str = yaml.dump(
        _ordered(manifest), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
    )
    return text


_FIRST = ("apiVersion", "kind", "metadata", "name", "namespace")


def _ordered(value: Any) -> Any:
    """Return the value with keys in the order people write them; the wire has none."""
    if isinstance(value, dict):
        keys = [key for key in _FIRST if key in value] + sorted(key for key in value if key not in _FIRST)
        return {key: _ordered(value[key]) for key in keys}
    return [_ordered(item) for item in value] if isinstance(value, list) else value
