"""A run leaves nothing on the machine, however it ends, and `make cluster` can be used meanwhile."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.node import machine
from tests.node.runs.state import started
from tests.real import stacks
from tests.real.programs import program

CLUSTER = "tests.node.keep"


@pytest.mark.parametrize(
    ("number", "module", "arguments", "code"),
    [
        pytest.param(signal.SIGTERM, "tests.node", ["home", "-k", "test_ready"], 143, id="SIGTERM"),
        pytest.param(signal.SIGINT, CLUSTER, [], 0, id="Ctrl-C"),
    ],
)
def test_nothing_is_left_when_it_is_ended_while_it_comes_up(
    number: signal.Signals, module: str, arguments: list[str], code: int, tmp_path: Path
) -> None:
    with started(tmp_path / "log", module, *arguments, WARREN_STACK="home") as run:
        run.await_file("home/pi-2/kubelet.log")
        left = run.left()
        assert any(each.startswith(f"{tempfile.gettempdir()}/") for each in left)
        assert any(each.startswith(f"{machine.CGROUPS}/") for each in left)
        assert run.end(number) == code, run.said()


def test_a_cluster_can_be_used_from_the_machine_and_leaves_nothing_when_it_is_killed(tmp_path: Path) -> None:
    with started(tmp_path / "log", CLUSTER, WARREN_STACK="home", WARREN_EMPTY="1") as run:
        run.await_line("Ctrl-C ends it")
        [told] = re.findall(r"export KUBECONFIG=(\S+)", run.said())
        kubeconfig = Path(told)
        assert kubeconfig.stat().st_mode & 0o777 == 0o600
        assert kubeconfig.parent.stat().st_mode & 0o777 == 0o700
        command = [str(program("kubernetes", "kubectl")), f"--kubeconfig={kubeconfig}", "--context=home"]
        nodes = json.loads(subprocess.run([*command, "get", "nodes", "-o", "json"], capture_output=True).stdout)
        assert {each["metadata"]["name"]: each["status"]["addresses"][0]["address"] for each in nodes["items"]} == {
            each.name: each.ip for each in stacks.described("home").stack.cluster.nodes
        }
        logs = subprocess.run([*command, "-n", "kube-system", "logs", "deploy/coredns"], capture_output=True, text=True)
        assert "CoreDNS" in logs.stdout, logs.stderr
        namespaces = subprocess.run([*command, "get", "namespaces", "-o", "name"], capture_output=True, text=True)
        assert "namespace/kube-system" in namespaces.stdout
        assert "namespace/public" not in namespaces.stdout
        # From this machine only.
        server = json.loads(kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]["server"]
        port = int(server.rpartition(":")[2])
        listening = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True).stdout
        assert [line.split()[3] for line in listening.splitlines()] == [f"127.0.0.1:{port}"]
        run.end(signal.SIGKILL)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
