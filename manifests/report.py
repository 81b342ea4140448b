"""What a stack tells its people: the URL table, who can reach what, and the workspaces at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from config.files.folders import COMMON
from config.load_balancer import offered
from config.mistakes import Mistake
from config.routes import Route, hosts_of
from config.signin import Allow, Narrower
from config.stack import Stack
from config.workspace import Workspace
from manifests.app import load_balancer
from manifests.app.between import Way
from manifests.ingress import redirects

UNREACHABLE = (
    "The API server of warren:cluster.context does not answer, so this shows only what was true when it last did, and "
    "`up` will fail. Look at the control plane and at the address in the kubeconfig. Never set "
    "PULUMI_K8S_DELETE_UNREACHABLE, which `refresh` suggests then: it empties the state. Warren's docs/operations.md "
    "says more."
)
"""What a preview says that nobody answered."""

_AUTH = {"none": "no", "page": "yes", "api": "yes (401)"}


def url_table(routes: Iterable[Route]) -> list[dict[str, Any]]:
    """The `routes` output: one row a URL."""
    return [
        {"url": row.url, "namespace": row.workspace, "service": row.app, "port": row.number, "auth": _AUTH[row.auth]}
        for row in routes
    ]


def secret_table(readers: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """The `secrets` output: one row a secret, with the workspaces that read it."""
    return [{"secret": name, "workspaces": ", ".join(by) or "none"} for name, by in readers.items()]


def own_files(read_from: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """What was read for this stack alone, instead of what all stacks share: one row a file or static folder."""
    return [
        {"workspace": name, "read from": path}
        for name, paths in sorted(read_from.items())
        for path in paths
        if not path.startswith(f"{COMMON}/")
    ]


def warning_text(warnings: Sequence[Mistake]) -> str:
    """Warnings as people read them, a line each."""
    head = "1 warning" if len(warnings) == 1 else f"{len(warnings)} warnings"
    return "\n".join([f"{head}, in case it is not meant:", *(f"  {warning}" for warning in warnings)])


def allow_rule(allow: Allow, narrower: Narrower | None = None) -> str:
    """Who may come in, as a sentence a person can check."""
    who = _people(allow, "everyone in the providers' directories" if allow.directory else "anyone the providers know")
    return who if narrower is None else f"{who}; of those only {_people(narrower, 'who is')}"


def _people(allow: Allow | Narrower, anyone: str) -> str:
    who = [f"@{domain}" for domain in allow.emailDomains] or list(allow.emails) or [anyone]
    groups = f" in {' or '.join(allow.groups)}" if allow.groups else ""
    return f"{', '.join(who)}{groups}"


def between(ways: Iterable[Way]) -> list[dict[str, Any]]:
    """The ways between workspaces: one row an app that uses a port of another one."""
    return [
        {
            "app": f"{way.owner}/{way.offered}",
            "port": f"{way.number}/{way.protocol}",
            "used by": f"{way.user}/{way.app}",
        }
        for way in ways
    ]


def who_can_reach(
    workspaces: Iterable[Workspace], routes: Iterable[Route], ways: Iterable[Way] = ()
) -> list[dict[str, Any]]:
    """The `whoCanReach` output: for each host and path, which providers sign people in and whom they let through.

    Then, for each port that is open between workspaces, its name inside the cluster and which app gets there.
    """
    policies = {workspace.name: workspace.auth for workspace in workspaces}
    rows = []
    for row in routes:
        auth = policies[row.workspace]
        closed = auth != "none" and row.auth != "none"
        rows.append(
            {
                "host": row.host,
                "path": row.path,
                "providers": [provider.id for provider in auth.providers] if auth != "none" and closed else [],
                "allow": allow_rule(auth.allow, row.allow) + _programs(row)
                if auth != "none" and closed
                else _open_to(row),
            }
        )
    inside = [(f"{way.offered}.{way.owner}:{way.number}", f"the app {way.user}/{way.app}") for way in ways]
    return [*rows, *({"host": host, "path": "", "providers": [], "allow": who} for host, who in inside)]


def _programs(row: Route) -> str:
    return f"; with a password {', '.join(name for name, _ in row.clients)}" if row.clients else ""


def _open_to(row: Route) -> str:
    if row.rule.redirect is not None:
        return f"everyone, who is sent to {redirects.target(row)[0]}"
    who = f"clients in {', '.join(row.rule.allowFrom)}" if row.rule.allowFrom else "everyone"
    return f"{who} with the basic-auth password" if row.rule.basicAuth else who


def at_home(stack: Stack, workspaces: Iterable[Workspace]) -> list[dict[str, Any]]:
    """The `loadBalancers` output: one row a port that is offered on the home network, and who may come there."""
    return [
        {
            "app": f"{workspace.name}/{name}",
            "port": offered(port.loadBalancer or 0, port.protocol),
            "address": given.loadBalancerIP or "its pod's node",
            "from": ", ".join(sorted(given.loadBalancerSourceRanges)),
        }
        for workspace in workspaces
        for name, app in sorted(workspace.apps.items())
        if (given := stack.loadBalancers.get(f"{workspace.name}/{name}")) is not None
        for port in load_balancer.taken(app).values()
    ]


def workspace_summary(stack: Stack, workspaces: Iterable[Workspace]) -> dict[str, dict[str, Any]]:
    """The `workspaces` output: name -> hosts, sign-in and apps."""
    return {
        workspace.name: {
            "hosts": list(hosts_of(stack, workspace)),
            "signIn": "none" if workspace.auth == "none" else [provider.id for provider in workspace.auth.providers],
            "apps": sorted(workspace.apps),
        }
        for workspace in workspaces
    }
