"""The rendered manifests: one readable YAML file an object.

Owns: the names and the content of the files below the provider's ``renderYamlToDirectory``.  A file is written beside
its place and renamed, so a crash leaves either the old one or the new one.  Does not own: which objects there are.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from sandbox.wire import redact, reveal

SHOW_SECRETS = "WARREN_SANDBOX_SHOW_SECRETS"
"""Environment variable that, set to 1, writes secret values instead of ``(redacted)``."""

REDACTED = "(redacted)"
"""What stands for a secret value."""

_CLUSTER = "_cluster"
_OWNER = "# resource: "
_DIGEST = "# written: "
_SHOWN = "# secrets: shown"


def path_of(directory: Path, manifest: dict[str, Any]) -> Path:
    """Return the file of an object: ``<namespace or _cluster>/<kind>-<name>.yaml``."""
    metadata = manifest.get("metadata") or {}
    # A colon is legal in RBAC names and not in every file system.
    name = str(reveal(metadata["name"])).replace(":", "_").replace("/", "_")
    namespace = str(reveal(metadata.get("namespace")) or _CLUSTER)
    return directory / namespace / f"{str(manifest['kind']).lower()}-{name}.yaml"


def write(directory: Path, manifest: dict[str, Any], urn: str) -> Path:
    """Write the manifest, ``Secret`` wrappers included, with the resource that made it, and return its file."""
    shown = _shows_secrets()
    readable = reveal(manifest) if shown else _without_secret_values(manifest)
    notes = [f"{_OWNER}{urn}", f"{_DIGEST}{_digest(readable)}", *([_SHOWN] if shown else [])]
    text = "".join([_text(readable), *(f"{note}\n" for note in notes)])
    path = path_of(directory, manifest)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
    return path


def exists(directory: Path, manifest: dict[str, Any]) -> bool:
    """Say whether an object has a file, whoever wrote it."""
    return path_of(directory, manifest).exists()


def owner(directory: Path, manifest: dict[str, Any]) -> str | None:
    """Return the URN of the resource that wrote an object's file, or None when no resource did."""
    return _note(_lines(directory, manifest), _OWNER)


def content(directory: Path, manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Return what an object's file says now, or None when there is none.

    Raises:
        ValueError: somebody made something else of it.
    """
    lines = _lines(directory, manifest)
    if lines is None:
        return None
    import yaml  # as below

    try:
        found = yaml.safe_load("\n".join(lines))
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"{path_of(directory, manifest)} is no manifest any more; remove it, or run `make clean`")
    return found


def as_applied(directory: Path, manifest: dict[str, Any], now: dict[str, Any]) -> bool:
    """Say whether an object's file still says what was written into it; ``now`` is what it says, by known fields."""
    lines = _lines(directory, manifest)
    shown = now if lines is not None and _SHOWN in lines else _without_secret_values(now)
    return _note(lines, _DIGEST) == _digest(shown)


def shows_otherwise(directory: Path, manifest: dict[str, Any]) -> bool:
    """Say whether a Secret's file shows its values where it was not asked to now, or the other way round."""
    lines = _lines(directory, manifest) if manifest.get("kind") == "Secret" else None
    return lines is not None and (_SHOWN in lines) != _shows_secrets()


def _shows_secrets() -> bool:
    return os.environ.get(SHOW_SECRETS) == "1"


def _lines(directory: Path, manifest: dict[str, Any]) -> list[str] | None:
    try:
        return path_of(directory, manifest).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return None


def _note(lines: list[str] | None, kind: str) -> str | None:
    return next((line.removeprefix(kind) for line in reversed(lines or ()) if line.startswith(kind)), None)


def _digest(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]


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
            plain[key] = dict.fromkeys(value, REDACTED) if isinstance(value, dict) else REDACTED
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
