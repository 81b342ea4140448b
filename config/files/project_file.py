"""Pulumi.yaml, as far as Warren reads it: which version of Warren the files of a repository are written for.

It is one of the config declarations there, so that the engine takes it. It is read from the file and not asked of the
engine: no stack can say another one, and a mistake has a line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.load import read
from config.mistakes import KeyPath, Mistake, Mistakes
from config.version import OLDEST, VERSION, order

FILE = "Pulumi.yaml"
_NAMES = ("version", "warren:version")


def config_of(file: Any) -> dict[str, Any]:
    """What stands below `config:` in a stack's file or in Pulumi.yaml."""
    config = file.get("config") if isinstance(file, dict) else None
    return config if isinstance(config, dict) else {}


def other_version(root: Path) -> list[Mistake]:
    """Why this Warren is not the one for the files at `root`; whatever else they have wrong would mislead.

    Nothing where there is no Pulumi.yaml: the engine never runs without one.
    """
    if not (root / FILE).exists():
        return []
    try:
        file = read(root / FILE, FILE)
    except Mistakes as refused:
        return refused.mistakes
    config = config_of(file.data)
    name = next((name for name in _NAMES if name in config), None)
    if name is None:
        what = f"is missing; write under config: version: {VERSION}, the Warren that the files here are for"
        return [Mistake(FILE, file.line(("config",)), "version", what)]
    path: KeyPath = ("config", name)
    said = config[name]
    # `version: 0.1.0` is short for a declaration (pulumi/pulumi, sdk/go/common/workspace/project.go).
    for form in ("default", "value"):
        if isinstance(said, dict) and form in said:
            said, path = said[form], (*path, form)
    what = _other(said)
    return [Mistake(FILE, file.line(path), "version", what)] if what else []


def _other(said: object) -> str:
    try:
        wanted = order(said if isinstance(said, str) else "")
    except ValueError:
        return f"must be three numbers with dots between them, such as {VERSION}"
    if wanted > order(VERSION):
        fix = "git submodule update --init brings the one that is pinned here, and make upgrade moves the pin"
        return f"the files here are for Warren {said}, and this is {VERSION}, which is older; {fix}"
    if wanted < order(OLDEST):
        fix = f"Breaking in Warren's CHANGELOG.md has what to change since then; after that, write {VERSION} here"
        return f"the files here are for Warren {said}, and {VERSION} reads those for {OLDEST} and later; {fix}"
    return ""
