"""What a stack trusts single apps with: that they are there, and that nobody else gets it through their workspace.

Who may start pods in a namespace can start one as any of its accounts, and who may change what an app reads can make it
do things. So a workspace of such an app has nobody who does. `rights` says which rights are given, and `hardware` which
hardware.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from config.checks import rights
from config.mistakes import Loaded, Mistake
from config.stack import Stack
from config.trust import Trust
from config.workspace import Workspace


def reaches_out(stack: Stack, workspace: Workspace) -> tuple[str, ...]:
    """The apps of a workspace that the stack gives something beyond the workspace's own namespace, sorted."""
    return tuple(name for name in sorted(workspace.apps) if _reaches_out(stack.trust.get(f"{workspace.name}/{name}")))


def _reaches_out(trust: Trust | None) -> bool:
    return trust is not None and trust.model_copy(update=_INSIDE) != Trust()


_INSIDE = {"rules": (), "extendedResources": (), "daemonSet": False}
"""What reaches no further than the workspace; quotas hold others to what their files ask for."""


def closed(stack: Stack, workspace: Workspace) -> bool:
    """Whether only the platform makes pods in a workspace.

    Where PodSecurity is off others could take a node over, and elsewhere run as an app that reaches out.
    """
    return workspace.podSecurity == "privileged" or bool(reaches_out(stack, workspace))


def any_closed(stack: Stack, workspaces: Sequence[Workspace]) -> bool:
    """Whether some workspace is closed."""
    return any(closed(stack, workspace) for workspace in workspaces)


def check_stack(file: Loaded[Stack]) -> Iterator[Mistake]:
    """Entries for apps that cannot be there."""
    for key in file.model.trust:
        workspace, slash, app = key.partition("/")
        if not slash or not app:
            yield file.mistake(("trust", key), "does not say which app; write <workspace>/<app>: { ... }")
        elif workspace not in file.model.workspaces:
            what = f"names the workspace {workspace!r}, which this stack does not run; take it out"
            yield file.mistake(("trust", key), what)


def check(stack: Loaded[Stack], files: Sequence[Loaded[Workspace]]) -> Iterator[Mistake]:
    """Entries for apps that are not there, and others who would get what an app is trusted with."""
    by_name = {file.model.name: file.model for file in files}
    for key in stack.model.trust:
        name, _, app = key.partition("/")
        if app and name in by_name and app not in by_name[name].apps:
            there = ", ".join(sorted(by_name[name].apps))
            # Whoever makes an app of that name later would have it.
            yield stack.mistake(("trust", key), f"names no app of the workspace {name}; it has {there}")
    for file in files:
        yield from _others(stack.model, file)


def _others(stack: Stack, file: Loaded[Workspace]) -> Iterator[Mistake]:
    workspace = file.model
    if not closed(stack, workspace):
        return
    trusted = reaches_out(stack, workspace)
    why = f"the stack trusts {', '.join(trusted)}" if trusted else "podSecurity is privileged"
    fix = "a workspace of its own"
    if workspace.access.edit and trusted:
        what = f"would own what {why} with; write view, or give the app {fix}"
        yield file.mistake(("access", "edit"), what)
    for name in workspace.apps:
        if rights.makes_pods(workspace, name):
            what = f"has rights that own the workspace, and {why} here; give it {fix}"
            yield file.mistake(("apps", name, "serviceAccount", "rules"), what)
