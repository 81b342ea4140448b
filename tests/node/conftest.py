"""What every group of tests on real nodes says of itself."""

from __future__ import annotations

import pytest

from tests.node import images, proof
from tests.node.figures import FIGURES
from tests.node.tries import Try
from tests.node.walls import Ends


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


@pytest.fixture(scope="module")
def found(ends: Ends) -> dict[Try, str]:
    """What came out of every try between `ends`, which a group has."""
    return proof.packets(ends)
