"""Whether the pods of a workspace fit into its `podSecurity`, and whether it needs one that loose.

What refuses a pod is the API server (`manifests.pod_security`), minutes into an `up`, and it names fields that nobody
wrote; here the app is named, and what to write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from config.environment import with_inherited
from config.fields.containers import PodSecurity
from config.mistakes import Loaded, Mistake
from config.stack import Stack
from config.workspace import Workspace
from manifests.app import apps
from manifests.pod_security import LEVELS, needs

File = Loaded[Workspace]


def check(stack: Stack, files: Sequence[File]) -> Iterator[Mistake]:
    """Apps whose pods the API server would refuse, of files that are right otherwise."""
    for file in files:
        level = file.model.podSecurity
        for name, (needed, what) in _needed(stack, file).items():
            if LEVELS.index(needed) > LEVELS.index(level):
                refused = f"has {what}, which podSecurity {level} refuses"
                yield file.mistake(
                    ("apps", name), f"{refused}; take it out, or write podSecurity: {needed} beside apps"
                )


def warn(stack: Stack, files: Sequence[File]) -> Iterator[Mistake]:
    """Workspaces that are looser than their apps need, and whose people start no pods of their own."""
    for file in files:
        level = file.model.podSecurity
        if level == LEVELS[0] or file.model.access.edit:
            continue
        enough = max((needed for needed, _ in _needed(stack, file).values()), key=LEVELS.index, default=LEVELS[0])
        if LEVELS.index(enough) < LEVELS.index(level):
            fix = "take it out" if enough == LEVELS[0] else f"write podSecurity: {enough}"
            yield file.mistake(("podSecurity",), f"{level} is more than any app here needs; {fix}")


def _needed(stack: Stack, file: File) -> dict[str, tuple[PodSecurity, str]]:
    workspace = with_inherited(stack, file.model)
    return {unit.name: needs(apps.pod_template(unit)["spec"]) for unit in apps.units(stack, workspace, {})}
