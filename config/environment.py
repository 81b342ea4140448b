"""Variables that apps inherit: those of the stack, then of the workspace, then their own. The nearest one wins."""

from __future__ import annotations

from config.app import App
from config.containers import EnvValue
from config.stack import Stack
from config.workspace import Workspace


def inherited(stack: Stack, workspace: Workspace, app: App) -> dict[str, EnvValue]:
    """What an app gets without saying so; nothing for a static folder, whose server is the platform's."""
    return {} if app.static is not None else {**stack.env, **workspace.env}


def with_inherited(stack: Stack, workspace: Workspace) -> Workspace:
    """The workspace with all of its apps' variables written at the apps."""
    apps = {
        # An app that inherits nothing stays what was written, which the next preview compares (`workspace.mark`).
        name: app.model_copy(update={"env": given | app.env}) if (given := inherited(stack, workspace, app)) else app
        for name, app in workspace.apps.items()
    }
    return workspace.model_copy(update={"apps": apps})
