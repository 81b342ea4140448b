"""What a workspace tells the next preview: what was written for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple

from config.stack import Stack
from config.workspace import Workspace
from manifests.app.between import Way, concerning
from manifests.app.static import StaticFiles


def of(stack: Stack, workspace: Workspace, static: Mapping[str, StaticFiles], between: Iterable[Way] = ()) -> str:
    """A checksum of what is written for a workspace.

    That is its file, its static folders, its images in the stack file, and the ways to other workspaces. By
    it the next preview tells whose file is another than at the last `up`. Comments, the order of keys and the values of
    secrets are not in it.
    """
    written = [
        workspace.model_dump(mode="json", exclude_unset=True),
        {key: image for key, image in stack.images.items() if key.startswith(f"{workspace.name}/")},
        {app: [[path, hashlib.sha256(text).hexdigest()] for path, text in each.files] for app, each in static.items()},
        # None are nothing: the mark of whoever has none stays what it was before there were any.
        *map(astuple, concerning(between, workspace.name)),
    ]
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:16]
