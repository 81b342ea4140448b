"""What a workspace tells the next preview: what was written for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from config.stack import Stack
from config.workspace import Workspace
from manifests.app.static import StaticFiles


def of(stack: Stack, workspace: Workspace, static: Mapping[str, StaticFiles]) -> str:
    """A checksum of what is written for a workspace: its file, its static folders, and its images in the stack file.

    By it the next preview tells whose file is another than at the last `up`. Comments, the order of keys and the values
    of secrets are not in it.
    """
    written = [
        workspace.model_dump(mode="json", exclude_unset=True),
        {key: image for key, image in stack.images.items() if key.startswith(f"{workspace.name}/")},
        {app: [[path, hashlib.sha256(text).hexdigest()] for path, text in each.files] for app, each in static.items()},
    ]
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:16]
