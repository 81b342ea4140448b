"""What a volume holds: for as long as it is kept, for those who share it, and for nobody else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.node.cluster import Cluster
from tests.node.posture import look_at
from tests.real.control_plane import wait

KEPT = {
    ("club/archive", "/srv/box"),
    ("club/wiki", "/srv/pages"),
    ("club/wiki", "/srv/media"),
    ("suite/postgres", "/var/lib/postgresql/data"),
    ("suite/web", "/srv/uploads"),
}
"""What has to be there after the pod has gone."""
LOST = {
    ("club/archive", "/tmp"),
    ("club/wiki", "/var/cache/wiki"),
    ("suite/postgres", "/var/run/postgresql"),
    ("suite/postgres", "/tmp"),
    ("suite/web", "/tmp"),
}
"""What has not."""


def ask(cluster: Cluster, name: str, folder: str, script: str) -> str:
    """Run a line of shell in a folder of an app's container, as its user and with its groups; return what it printed.

    The shell is this machine's: there is none in the container.
    """
    namespace, own = name.split("/")
    [pid] = [each.pid for each in cluster.containers() if each.name == f"{namespace}/{own}/{own}"]
    who = look_at(pid).status
    opened = os.open(f"/proc/{pid}/root{folder}", os.O_PATH | os.O_DIRECTORY)
    try:
        done = subprocess.run(
            ["sh", "-c", f"cd /proc/self/fd/{opened} && {script}"],
            capture_output=True,
            text=True,
            check=False,
            pass_fds=[opened],
            user=int(who["Uid"].split()[0]),
            group=int(who["Gid"].split()[0]),
            extra_groups=[int(each) for each in who["Groups"].split()],
        )
    finally:
        os.close(opened)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def marked(everything: Cluster) -> None:
    """Every volume has a file that its app has written, and then every one of these apps has a new pod."""
    for name, folder in KEPT | LOST:
        assert ask(everything, name, folder, f"echo {name} > mark && cat mark") == f"{name}\n"
    assert ask(everything, "club/wiki", "/srv/shared", "cat mark") == "club/archive\n"
    old = set()
    for name in {name for name, _ in KEPT | LOST}:
        [pod] = {each.pod["metadata"]["name"] for each in everything.containers() if each.app == name}
        old.add((namespace := name.split("/")[0], pod))
        assert everything.api.request("DELETE", everything.api.path("v1", "Pod", namespace, pod)).ok

    def gone() -> bool:
        pods = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in everything.pods()}
        return not old & pods

    wait("pods gone", gone, 60, pause=0.5)
    everything.await_ready()


@pytest.mark.usefixtures("marked")
def test_what_is_kept_is_there_after_the_pod_and_the_rest_is_not(everything: Cluster) -> None:
    found = {(name, folder): ask(everything, name, folder, "cat mark") for name, folder in KEPT | LOST}
    assert {each: found[each] for each in KEPT} == {(name, folder): f"{name}\n" for name, folder in KEPT}
    assert all("No such file" in found[each] for each in LOST)


@pytest.mark.usefixtures("marked")
def test_who_shares_a_volume_reads_it_and_does_not_write_it(everything: Cluster) -> None:
    assert ask(everything, "club/wiki", "/srv/shared", "cat mark") == "club/archive\n"
    assert "Read-only file system" in ask(everything, "club/wiki", "/srv/shared", "echo wiki > mark")
    assert ask(everything, "club/archive", "/srv/box", "cat mark") == "club/archive\n"


def test_nobody_else_has_it(everything: Cluster) -> None:
    pods: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    for each in everything.containers():
        declared = {mount["mountPath"] for mount in each.spec.get("volumeMounts", [])}
        for line in Path(f"/proc/{each.pid}/mountinfo").read_text(encoding="utf-8").splitlines():
            # A device and a folder on it: what is mounted, wherever it is seen.
            _, _, device, folder, place, *_ = line.split()
            if place in declared:
                pods.setdefault((device, folder), {})[each.pod["metadata"]["uid"]] = (each.app, place)
    shared = [sorted(places.values()) for places in pods.values() if len(places) > 1]
    assert shared == [[("club/archive", "/srv/box"), ("club/wiki", "/srv/shared")]]
