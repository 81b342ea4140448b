"""The cluster that the rendered manifests stand for, as somebody may have changed it by hand.

Owns: reading an object back from its file, and the conflicts that server-side apply finds in what others changed.  A
file that was edited is an object that was edited with kubectl, and a file that is gone was deleted.  Does not own: the
files (``render``).

The official provider in render mode never reads its files. This stand-in behaves as the provider does when connected
(``Read`` and ``Update`` in its provider.go, ``ssaUpdate`` and ``patchForce`` in its await.go, 4.32.0), because that is
what a sandbox stands in for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.kubernetes import render
from sandbox.wire import UNKNOWN, Secret, reveal

CONFLICT = (
    "server-side apply field conflict detected: somebody else has changed {fields}. "
    "The provider overwrites that only with enablePatchForce"
)


def refreshed(directory: Path, inputs: dict[str, Any]) -> dict[str, Any] | None:
    """Return an object's inputs with the values that its file has now, or None when it is gone.

    Inputs may have ``Secret`` wrappers, and keep them.  Only fields that are inputs are looked at, as in the official
    provider (``pruneLiveState``).
    """
    live = render.content(directory, reveal(inputs))
    if live is None:
        return None
    found: dict[str, Any] = _taken_over(inputs, live)
    return found


def _taken_over(known: Any, live: Any) -> Any:
    if isinstance(known, Secret):
        value = _taken_over(known.value, live)
        return known if value == known.value else Secret(value)
    if live == render.REDACTED:
        return known
    if isinstance(known, dict) and isinstance(live, dict):
        return {key: _taken_over(value, live[key]) for key, value in known.items() if key in live}
    if isinstance(known, list) and isinstance(live, list):
        return [_taken_over(known[i], item) if i < len(known) else item for i, item in enumerate(live)]
    return live


def conflicts(directory: Path, old: dict[str, Any] | None, new: dict[str, Any]) -> list[str]:
    """Return the fields of an object that an apply of ``new`` would take from somebody else.

    ``old`` is what the state has; without it (an object that exists already is taken over) everything is somebody
    else's.
    """
    live = render.content(directory, new)
    if live is None or (old is not None and render.as_applied(directory, new, _taken_over(old, live))):
        return []
    # A refresh has put the other's values into the state; the fields are the other's all the same.
    same = old is None or _taken_over(old, live) == old
    found: list[str] = []
    _collect(None if same else old, live, new, "", found)
    return sorted(found)


def _collect(old: Any, live: Any, new: Any, path: str, found: list[str]) -> None:
    if isinstance(live, dict) and isinstance(new, dict):
        for key in live.keys() & new.keys():
            before = old.get(key, UNKNOWN) if isinstance(old, dict) else None
            _collect(before, live[key], new[key], f"{path}.{key}" if path else key, found)
    elif isinstance(live, list) and isinstance(new, list) and len(live) == len(new):
        for index, (have, want) in enumerate(zip(live, new, strict=True)):
            before = old[index] if isinstance(old, list) and index < len(old) else None
            _collect(before, have, want, f"{path}[{index}]", found)
    elif live not in (new, old, render.REDACTED):
        found.append(path)


def has_unknown(value: Any) -> bool:
    """Say whether anything in the value is not known yet."""
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    return any(has_unknown(item) for item in value) if isinstance(value, list) else value is UNKNOWN
