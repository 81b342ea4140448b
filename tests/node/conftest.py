"""Fixtures of the tests on real nodes: one cluster with the home stack for the whole run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node import cluster, images, machine

USERS: list[dict[str, object]] = [
    {"id": "id-of-ann", "name": "Ann", "preferred_username": "ann", "email": "ann@devailab.work"}
    | {"email_verified": True, "groups": ["staff"]},
]
"""Whom Dex's stand-in knows."""
FIGURES: list[str] = []
"""Lines for the end of the run: what was measured."""


@pytest.fixture(scope="session")
def home() -> Iterator[cluster.Cluster]:
    """The home stack, rendered by the engine and run by two nodes; everything in it is Ready."""
    if machine.FOLDER not in os.environ:
        pytest.exit("these tests need namespaces of their own: run `python -m tests.node`", returncode=2)
    folder = Path(os.environ[machine.FOLDER])
    with cluster.bring_up("home", folder, USERS) as running:
        total = sum(running.seconds.values())
        FIGURES.append(f"up in {total:.1f} s: {', '.join(f'{k} {v:.1f}' for k, v in running.seconds.items())}")
        yield running


def pytest_report_header() -> list[str]:
    """Say what is real in this run and what stands in for something."""
    return [
        "real: kubelet (newest and oldest), kube-proxy, the whole control plane, containerd, runc, CNI plugins, "
        f"kube-network-policies; in pods: {', '.join(images.REAL)}",
        f"stand-ins, in pods: for {', '.join(images.STANDINS)}, and echo for cloudflared and every app",
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    if FIGURES:
        terminalreporter.section("figures of this run, on this machine")
        terminalreporter.write_line("\n".join(FIGURES))
