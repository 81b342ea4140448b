"""Images that many people run, and what is known of the user that they start as; docs/images.md says it at length.

Nothing here stops an `up`: an image may have changed, or be somebody's own under a known name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from config.app import App
from config.mistakes import Loaded, Mistake
from config.workspace import Workspace

_LINUXSERVER = re.compile(r"(lscr\.io/|(ghcr\.io|docker\.io|quay\.io)/)?linuxserver[/.]").match
_WITHOUT_ROOT = "S6_YES_I_WANT_A_WORLD_WRITABLE_RUN_BECAUSE_KUBERNETES"
"""The variable without which their init refuses to start as anybody but root, where Kubernetes makes /run."""

_OWN_USER = {
    "postgres": "70 in the alpine variants, 999 in the others",
    "redis": "999",
    "mariadb": "999",
    "eclipse-mosquitto": "1883",
}
"""Official images that become another user when they start as root, and need nothing of it."""
_OFFICIAL = re.compile(r"(?:docker\.io/)?(?:library/)?([a-z-]+)[:@]").match


def check(file: Loaded[Workspace]) -> Iterator[Mistake]:
    """Apps whose image is known to start otherwise than it is told to."""
    for name, app in file.model.apps.items():
        if words := _words(app, {*file.model.env, *app.env}):
            yield file.mistake(("apps", name, "image"), f"{words} (Warren's docs/images.md)")


def _words(app: App, variables: set[str]) -> str:
    image = app.image or ""
    if _LINUXSERVER(image):
        if app.user != 0 and _WITHOUT_ROOT not in variables:
            return (
                "its init starts as root and becomes PUID; write user: 0, writableRoot: true and podSecurity: baseline"
            )
        if app.user == 0 and not app.writableRoot:
            return "its init writes to /etc and /run as root; write writableRoot: true"
    official = _OFFICIAL(image)
    if app.user == 0 and official and (known := _OWN_USER.get(official[1])):
        return f"needs no root: write its own user, {known}, and podSecurity: baseline has a reason less"
    return ""
