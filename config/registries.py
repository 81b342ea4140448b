"""Image registries that ask who pulls: what a stack says of one, and which images are there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from config import patterns
from config.fields.secrets import Secret
from config.fields.written import Written, like, matching
from config.together import editor, such_as

RegistryName = Annotated[
    str,
    matching(
        patterns.REGISTRY,
        "is not a registry as images name it, such as ghcr.io, ghcr.io/owner or registry.lan:5000; Docker Hub is "
        "docker.io",
        longest=253,
    ),
    like(
        patterns.REGISTRY,
        "a registry as images name it: a host, a port where it has one, and a path where it is for a part of it",
        "ghcr.io/owner",
        maxLength=253,
    ),
]
"""How an image at the registry begins. A kubelet takes wildcards too, and would tell whoever matches the password."""


class Registry(Written):
    """How to sign in to a registry. Both are in the namespaces of the workspaces that use it, and nowhere else."""

    model_config = editor(example={"username": "robot", "password": {"secret": "ghcr-pull"}})
    username: Annotated[str, such_as("robot")]
    """The account, or what the registry wants beside a token."""
    password: Secret
    """The password or token, which had better be able to pull only. Workspaces use it that may read this secret."""


def at(image: str, registries: Iterable[str]) -> bool:
    """Whether an image is at one of some registries, compared as a kubelet does (credentialprovider, URLsMatch).

    By the name that containerd knows it by, which has one for all ways to write an image of Docker Hub
    (distribution/reference, splitDockerDomain).
    """
    host, slash, path = image.partition("/")
    if not slash or not (set(".:") & set(host) or host == "localhost"):
        host, path = "docker.io", image
    if host in ("docker.io", "index.docker.io"):
        host, path = "docker.io", path if "/" in path else f"library/{path}"
    image = f"{host}/{path}"
    return any(image.startswith(each if "/" in each else f"{each}/") for each in registries)
