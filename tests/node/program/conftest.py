"""The home stack's files, and an empty cluster of the two nodes that it names: the engine fills it.

Cloudflare and random are the sandbox's stand-ins. Kubernetes is the connected one of `tests.node.provider`, which is
not the official plugin.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node import cluster, machine
from tests.node.program.stack import Stack, connect
from tests.real import stacks


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack, of which nothing is up yet, and its cluster."""
    with cluster.bring_up("home", empty=True) as running:
        project = stacks.make(Path(os.environ[machine.FOLDER]) / "connected", "home", "traefik")
        connect(project, running.plane.kubeconfig)
        yield Stack(project, running)
