"""Warren: one tunnel, one ingress controller, and a namespace with its own sign-in for every workspace.

Reads what people wrote, checks all of it, and composes the components. Nothing is decided here: decisions are pure
functions in `manifests/`, and resources are made in `components/`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.config import is_config_secret

from components.ingress import IngressController, IngressControllerArgs
from components.native import Provider
from components.signin import DexCustomResources
from components.tenant import TenancyRules, TenancyRulesArgs
from components.tunnel import Tunnel, TunnelArgs
from components.workspace import Workspace, WorkspaceArgs
from config.checks import trust
from config.checks.check_clients import is_password
from config.columns import text_table
from config.files import kubeconfig
from config.files.stack_file import CLOUDFLARE, SECRETS
from config.mistakes import Mistakes
from config.stack import Stack
from manifests import capacity, connection, k3s, platform, report
from manifests.app import load_balancer

SHOWN_TO_USER = 32
"""By this code Pulumi's language host for Python knows that what went wrong is on screen already."""

settings = pulumi.Config("warren")
cloudflare_token = pulumi.Config("cloudflare").get_secret("apiToken")
secret_values = settings.get_object("secrets") or {}
given = {CLOUDFLARE: cloudflare_token is not None, SECRETS: bool(secret_values)}

# 1. What people wrote. A mistake ends the program here, with all the others, before anything is registered.
try:
    plan = platform.load(
        Path(pulumi.get_root_directory()),
        pulumi.get_stack(),
        {key: value for key in Stack.model_fields if key != "secrets" and (value := settings.get(key)) is not None},
        secrets=sorted(secret_values),
        unfit=[name for name, value in secret_values.items() if not is_password(value)],
        plain=[key for key, there in given.items() if there and not is_config_secret(key)],
        cloudflare_token=cloudflare_token is not None,
        kubeconfig=True,
    )
except Mistakes as mistakes:
    pulumi.error(str(mistakes))
    sys.exit(SHOWN_TO_USER)

stack = plan.stack
knock = kubeconfig.knock(plan.api_server)
secrets = {name: pulumi.Output.secret(value) for name, value in secret_values.items()}

# 2. Explicit providers only: nothing can reach a cluster or an account that the stack does not name.
cluster = Provider(
    "kubernetes",
    "cluster",
    connection.kubernetes(stack, pulumi.get_stack(), os.path.relpath(pulumi.get_root_directory())),
    pulumi.ResourceOptions(ignore_changes=connection.kept(stack)),
)
account = Provider(
    "cloudflare",
    "account",
    {"apiToken": pulumi.Output.secret(connection.SANDBOX_TOKEN) if stack.sandbox else cloudflare_token},
)
opts = pulumi.ResourceOptions(providers=[cluster, account, Provider("random", "random", {})])

# 3. The way in, from the outside: the internet enters through the tunnel, and the tunnel leads to the ingress
# controller.
IngressController(
    "ingress",
    IngressControllerArgs(
        controller=stack.ingress.controller,
        replicas=stack.ingress.replicas,
        cluster=stack.cluster,
        routes=plan.routes,
        sign_in=plan.sign_in,
        secrets=secrets,
    ),
    opts,
)
tunnel = Tunnel(
    "tunnel",
    TunnelArgs(
        tunnel_name=f"warren-{pulumi.get_stack()}",
        account_id=stack.cloudflare.accountId,
        zone_id=stack.cloudflare.zoneId,
        hosts=plan.hosts,
        cluster=stack.cluster,
        replicas=stack.tunnel.replicas,
        protocol=stack.tunnel.protocol,
    ),
    opts,
)

# 4. What all workspaces share: who may claim which host, what people with kubectl may do, and where Dex keeps its
# records.
rules = TenancyRules(
    "tenancy",
    TenancyRulesArgs(plan.workspaces, load_balancer.names(stack), closed=trust.any_closed(stack, plan.workspaces)),
    opts,
)
dex = DexCustomResources("dex", opts) if any(workspace.auth != "none" for workspace in plan.workspaces) else None

# 5. The tenants: each a namespace with its sign-in, its walls and its apps.
for workspace in plan.workspaces:
    Workspace(
        workspace.name,
        WorkspaceArgs(
            workspace=workspace,
            stack=stack,
            static=plan.static[workspace.name],
            between=plan.between,
            rules=rules,
            dex=dex,
            secrets=secrets,
        ),
        opts,
    )


# 6. What came of it.
async def outputs() -> dict[str, pulumi.Input[Any]]:
    """The stack's outputs."""
    # One turn of the event loop starts the registrations above. Before they have begun, the SDK waits for all outputs
    # at once, which takes time by the square of their number (a fifth of a preview with 5000 resources).
    await asyncio.sleep(0)
    table, read = report.url_table(plan.routes), report.secret_table(plan.readers)
    at_home = report.at_home(stack, plan.workspaces)
    told = {
        "For this stack alone": text_table(report.own_files(plan.read_from)),
        "Secrets": text_table(read),
        "Capacity": capacity.text(stack, plan.workspaces),
        "Routes": text_table(table),
        "On the home network, past the tunnel and sign-in": text_table(at_home),
        "Between workspaces": text_table(report.between(plan.between)),
    }
    if plan.warnings:
        pulumi.warn(report.warning_text(plan.warnings))
    if knock is not None and knock.unanswered():
        pulumi.warn(report.UNREACHABLE)
    pulumi.info("\n\n".join(f"{title}\n{text}" for title, text in told.items() if text))
    return {
        "routes": table,
        "secrets": read,
        "workspaces": report.workspace_summary(stack, plan.workspaces),
        "whoCanReach": report.who_can_reach(plan.workspaces, plan.routes, plan.between),
        **({"loadBalancers": at_home} if at_home else {}),
        "tunnelId": tunnel.tunnel_id,
        "k3s": k3s.install_commands(stack),
    }


pulumi.run(outputs)
