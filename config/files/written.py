"""A stack's config without an engine: what the engine would hand to the program, as far as the files show it.

Owns the merge of Pulumi.<stack>.yaml with Pulumi.yaml, and what cannot be known without an engine. Does not own what is
right in them (`stack_file`, `checks`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.files.project_file import FILE, config_of
from config.files.stack_file import CLOUDFLARE, SECRETS, canonical, file_of, leaves
from config.load import read
from config.mistakes import Document, Mistake, dotted
from config.stack import Stack


@dataclass(frozen=True)
class Written:
    """What the engine would hand to the program, as far as the files show it."""

    config: dict[str, Any]
    """The `warren:` config by key."""
    secrets: list[str]
    """The names under warren:secrets."""
    plain: list[str]
    """Those of CLOUDFLARE and SECRETS that Pulumi.yaml has a value for: nothing there is encrypted."""
    cloudflare_token: bool
    closed: list[Mistake]
    """What only the engine can look at, in places where no secret is needed."""


def as_the_engine_would(root: Path, stack_name: str) -> Written:
    """The config of a stack: its own file over what Pulumi.yaml gives to every stack.

    A key counts as a whole: the engine merges nothing inside it (pulumi/pulumi, pkg/workspace/config.go, mergeConfig).
    Without a Pulumi.yaml the stack's own file is all there is; the engine never runs so.

    Raises:
        Mistakes: one of the files cannot be read.
    """
    shown = file_of(stack_name)
    file = read(root / shown, shown)
    own = {canonical(key): value for key, value in config_of(file.data).items()}
    project = root / FILE
    common = _of_every_stack(read(project, FILE).data) if project.exists() else {}
    merged = common | own
    secrets = merged.get(SECRETS)
    fields = {key: f"warren:{key}" for key in Stack.model_fields if key != "secrets"}
    return Written(
        {key: merged[name] for key, name in fields.items() if name in merged},
        sorted(secrets) if isinstance(secrets, dict) else [],
        [key for key in (CLOUDFLARE, SECRETS) if key not in own and common.get(key)],
        CLOUDFLARE in merged,
        list(_closed(file)),
    )


def _of_every_stack(project: Any) -> dict[str, Any]:
    """The values in Pulumi.yaml by key. Beside a default the engine forgets the value."""
    found = {}
    for key, entry in config_of(project).items():
        value = entry.get("default", entry.get("value")) if isinstance(entry, dict) else entry
        if value is not None:
            found[canonical(key)] = value
    return found


def _closed(file: Document) -> Iterator[Mistake]:
    if isinstance(file.data, dict) and "environment" in file.data:
        what = "brings values that only Pulumi knows, so this stack was not checked; a preview does"
        yield Mistake(file.file, file.line(("environment",)), "environment", what)
    for key, value in config_of(file.data).items():
        name = canonical(key).removeprefix("warren:")
        if name != "secrets" and name in Stack.model_fields:
            for path, _ in leaves(value, ("config", key)):
                if path[-1] == "secure":
                    what = "is encrypted, so this stack was not checked; a preview does, or write it plainly: no secret"
                    yield Mistake(file.file, file.line(path), dotted((name, *path[2:-1])), f"{what} belongs here")
