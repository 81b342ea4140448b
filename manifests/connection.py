"""How the providers are connected: to the cluster and account of the stack, or to nothing at all in a sandbox."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from config.stack import Stack

REFERENCE_SANDBOX = "sandbox"
"""The sandbox stack that comes with Warren."""

SANDBOX_TOKEN = "sandbox-token-that-opens-no-account-at-all"  # noqa: S105 - it opens nothing
"""What stands for a Cloudflare token in a sandbox: the stand-in serves no other, and Cloudflare would refuse it.

It has the form that the official plugin asks of a token (40 to 80 letters, digits, - and _), so that one previews too.
"""


def kept(stack: Stack) -> list[str]:
    """Settings of the Kubernetes provider that keep the value they had first, whatever the stack says later (rule 63).

    The provider replaces every object when its identifier changes (`DiffConfig` in its provider.go). Stacks from before
    the identifier was the stack's own have the name of a context there, and keep it; a renamed stack keeps its own.
    """
    return [] if stack.sandbox else ["clusterIdentifier"]


def manifests(stack_name: str) -> str:
    """Where a sandbox's manifests are written: a folder of its own for every stack, as each is a cluster of its own.

    Relative to the project's directory, so that moving it changes no provider.
    """
    return f".state/sandbox/manifests{'' if stack_name == REFERENCE_SANDBOX else f'-{stack_name}'}"


def _from(root: str, path: str) -> str:
    """A path of the project as the provider has to be told it; one that needs no project stays as it is."""
    return path if root == "." or path.startswith("~") else PurePosixPath(root, path).as_posix()


def kubernetes(stack: Stack, stack_name: str, root: str = ".") -> dict[str, Any]:
    """The Kubernetes provider's settings.

    Args:
        stack: The stack.
        stack_name: Its name.
        root: The project's directory, seen from the program's: there the engine starts the providers (`GetPwdMain` in
            pulumi/pulumi, pkg/engine/project.go), and in a platform repository that is a folder below the project.

    A sandbox renders YAML and never connects, with the stand-in and with the official plugin alike. Everything else
    names its kubeconfig by path, so that the contents stay out of the state, and its context, which strict mode
    insists on (rule 36). Secrets and ConfigMaps are changed in place; a checksum restarts the pods that read them
    (rule 34). What somebody changed by hand is overwritten instead of refused as a conflict of server-side apply
    (rule 60).

    A sandbox has no identifier: a stack that stops being one has nothing in a cluster yet, and without an identifier
    its objects are replaced, which makes them there.
    """
    settings = {"enableSecretMutable": "true", "enableConfigMapMutable": "true", "enablePatchForce": "true"}
    if stack.sandbox:
        return {**settings, "renderYamlToDirectory": _from(root, manifests(stack_name))}
    return {
        **settings,
        "clusterIdentifier": f"warren-{stack_name}",
        "kubeconfig": _from(root, stack.cluster.kubeconfig),
        "context": stack.cluster.context,
        "strictMode": "true",
    }
