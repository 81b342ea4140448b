"""How the providers are connected: to the cluster and account of the stack, or to nothing at all in a sandbox."""

from __future__ import annotations

from typing import Any

from spec.stack import Stack

REFERENCE_SANDBOX = "sandbox"
"""The sandbox stack that comes with Warren."""

SANDBOX_TOKEN = "sandbox-token-that-opens-no-account-at-all"  # noqa: S105 - it opens nothing
"""What stands for a Cloudflare token in a sandbox: the stand-in serves no other, and Cloudflare would refuse it.

It has the form that the official plugin asks of a token (40 to 80 letters, digits, - and _), so that one previews too.
"""


def manifests(stack_name: str) -> str:
    """Where a sandbox's manifests are written: a folder of its own for every stack, as each is a cluster of its own.

    Relative to the project, so that moving the checkout changes no provider.
    """
    return f".state/sandbox/manifests{'' if stack_name == REFERENCE_SANDBOX else f'-{stack_name}'}"


def kubernetes(stack: Stack, stack_name: str) -> dict[str, Any]:
    """The Kubernetes provider's settings.

    A sandbox renders YAML and never connects, with the stand-in and with the official plugin alike. Everything else
    names its kubeconfig by path, so that the contents stay out of the state, and its context, which strict mode
    insists on (rule 36). Secrets and ConfigMaps are changed in place; a checksum restarts the pods that read them
    (rule 34). What somebody changed by hand is overwritten instead of refused as a conflict of server-side apply
    (rule 60).
    """
    settings = {"enableSecretMutable": "true", "enableConfigMapMutable": "true", "enablePatchForce": "true"}
    if stack.sandbox:
        return {**settings, "clusterIdentifier": "sandbox", "renderYamlToDirectory": manifests(stack_name)}
    return {
        **settings,
        "clusterIdentifier": stack.cluster.context,
        "kubeconfig": stack.cluster.kubeconfig,
        "context": stack.cluster.context,
        "strictMode": "true",
    }
