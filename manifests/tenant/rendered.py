"""In workspaces that are closed, pods are those that the platform rendered, and nobody else gets into them.

A workspace is closed where PodSecurity or the stack's `trust` lets an app have what must not come into other hands
(`config.checks.trust`). There a tenant, as `bounds` has the word, makes no pods and nothing that makes some, changes no
pod template, and opens nothing inside of a pod. Restarting, scaling and reading logs go on.
"""

from __future__ import annotations

from typing import Any

from manifests import names
from manifests.tenant.bounds import TENANT
from manifests.tenant.policies import binding, policy, rule

Manifest = dict[str, Any]

RENDERED = "warren-rendered"


def policies() -> dict[str, Manifest]:
    """The policy, by role."""
    return {"rendered": rendered_policy()}


def bindings() -> dict[str, Manifest]:
    """What puts it into force in closed workspaces, by the same role."""
    return {"rendered": binding(RENDERED, labels={names.PODS_LABEL: names.RENDERED_PODS})}


def rendered_policy() -> Manifest:
    """The policy. Controllers make pods of templates, and templates are held to it before them."""
    kind = "request.resource.resource"
    # One condition for each: an authorizer's check is a third of what one may cost.
    makers = {
        f"not-by-{each}": f"{kind} != 'pods' || !authorizer.group('{group}').resource('{each}').subresource('status')"
        ".check('update').allowed()"
        for group, each in (("apps", "replicasets"), ("apps", "daemonsets"), ("batch", "jobs"))
    }
    job, plain = "spec.jobTemplate.spec.template.spec", "spec.template.spec"
    return policy(
        RENDERED,
        rule("", "pods", "pods/ephemeralcontainers", "replicationcontrollers"),
        rule("apps", "daemonsets", "deployments", "replicasets", "statefulsets"),
        rule("batch", "cronjobs", "jobs"),
        rule("", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", operations=("CONNECT",)),
        conditions={**TENANT, **makers},
        validations=[
            (
                "request.operation != 'CONNECT'",
                "nothing is opened inside of pods here: an app of this workspace has more than its people",
            ),
            (
                "request.operation == 'CONNECT' || (oldObject != null && ("
                f"{kind} == 'pods' ? object.spec == oldObject.spec : "
                f"{kind} == 'cronjobs' ? object.{job} == oldObject.{job} : object.{plain} == oldObject.{plain}))",
                "pods and their templates must stay as the platform made them: an app of this workspace has more than "
                "its people",
            ),
        ],
    )
