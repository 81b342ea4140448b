"""The rules that all tenants live by. Decides nothing (`manifests.tenant.rules`, `manifests.tenant.people`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from config.workspace import Workspace
from manifests.tenant import people, rules

from .native import KubernetesObject


@dataclass(frozen=True)
class TenancyRulesArgs:
    """What `TenancyRules` are made from."""

    workspaces: Sequence[Workspace]
    at_home: Sequence[str] = ()
    """The Services that the stack gives to the home network, as `<namespace>/<name>`."""
    closed: bool = False
    """Whether pods of some workspace have to be those that were rendered."""


class TenancyRules(pulumi.ComponentResource):
    """What holds for every workspace, made once.

    Makes: admission policies with their bindings, ClusterRoles for people, and the PriorityClass where an app asks for
    it.
    """

    def __init__(self, name: str, args: TenancyRulesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:TenancyRules", name, {}, opts)
        here = pulumi.ResourceOptions(parent=self)
        policies = rules.policies(args.at_home, closed=args.closed)
        for role, binding in rules.bindings(closed=args.closed).items():
            policy = KubernetesObject(f"{name}-policy-{role}", policies[role], here)
            after = pulumi.ResourceOptions(parent=self, depends_on=[policy])
            KubernetesObject(f"{name}-binding-{role}", binding, after)
        for role, manifest in people.cluster_roles().items():
            KubernetesObject(f"{name}-role-{role}", manifest, here)
        for role, manifest in rules.priorities(args.workspaces).items():
            KubernetesObject(f"{name}-priority-{role}", manifest, here)
        self.register_outputs({})
