"""What an app may ask of the API server, in the words of Kubernetes' Roles. What of that may be given is `checks`'."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.fields.names import ApiGroup, ApiResource, ObjectName
from config.fields.written import Written
from config.together import editor, has_any, such_as


class ApiRule(Written):
    """A rule as Roles have it; `*` is none of the words."""

    model_config = editor(example={"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]})

    apiGroups: Annotated[tuple[ApiGroup, ...], Field(min_length=1), such_as([""])]
    """The groups of the resources; "" is the core one."""
    resources: Annotated[tuple[ApiResource, ...], Field(min_length=1)]
    """Kinds as URLs have them, such as pods or pods/log."""
    verbs: Annotated[
        tuple[Literal["get", "list", "watch", "create", "update", "patch", "delete"], ...],
        Field(min_length=1),
        such_as(["get", "list", "watch"]),
    ]
    """What may be done with them."""
    resourceNames: Annotated[tuple[ObjectName, ...], such_as(["my-state"])] = ()
    """Objects of these names alone; all of them when left out."""


class ServiceAccount(Written):
    """An account of the app's own, whose token its containers get. Without one an app cannot ask the API server."""

    model_config = editor(
        has_any("rules", "clusterRules", says="an account has rules or clusterRules"),
        example={"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]},
    )

    rules: tuple[ApiRule, ...] = ()
    """What it may do in the workspace's own namespace. What could start pods, read Secrets or change other apps: only
    as far as the stack's `trust` says it too."""
    clusterRules: tuple[ApiRule, ...] = ()
    """What it may read in all namespaces and of the cluster itself, as far as the stack's `trust` says it too."""

    @model_validator(mode="after")
    def _something(self) -> ServiceAccount:
        if not (self.rules or self.clusterRules):
            raise ValueError("may do nothing; write rules or clusterRules, or leave it out")
        return self
