"""Ways around walls, as somebody would try them who has taken over a pod; and how long a new pod's walls take."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.reach import End
from tests.node.attempts import CLOSED, Attempt, inside, tried
from tests.node.cluster import Cluster
from tests.node.figures import FIGURES
from tests.node.newcomers import arrive
from tests.node.visitor import Inside
from tests.node.walls import Ends, Place, an_image
from tests.real.control_plane import wait

ATTACKER, VICTIM, VICTIMS_PORT = "public/landing", "mcd/dex", 5556
STRANGER = "elsewhere/(pod)"
"""A pod without walls."""

_FORGE = """
import errno, json, os, socket, sys
other, victim, port, user = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
os.setgroups([])
os.setresgid(user, user, user)
os.setresuid(user, user, user)
def outcome(*steps):
    try:
        for step in steps:
            step()
        return "done"
    except OSError as error:
        return errno.errorcode.get(error.errno, "nothing came back")
def come_as_other(option):
    connection = socket.socket()
    connection.settimeout(1)
    return (
        lambda: connection.setsockopt(socket.SOL_IP, option, 1),
        lambda: connection.bind((other, 0)),
        lambda: connection.connect((victim, port)),
    )
freebind, transparent = 15, 19
print(json.dumps({
    "a packet of one's own": outcome(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)),
    "a frame of one's own": outcome(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)),
    "an address that is not there": outcome(*come_as_other(freebind)),
    "an address as proxies have it": outcome(*come_as_other(transparent)),
}))
"""
_PING = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as asked:
    asked.settimeout(1)
    # An echo request with its checksum.
    asked.sendto(bytes([8, 0, 0xF7, 0xFC, 0, 1, 0, 2]), (sys.argv[1], 0))
    try:
        print("an answer" if asked.recv(64)[0] == 0 else "an error")
    except TimeoutError:
        print("silence")
"""


@contextmanager
def without_walls(home: Cluster) -> Iterator[None]:
    """Walls off, and on again."""
    for node in home.nodes:
        node.enforce(False)
    try:
        yield
    finally:
        for node in home.nodes:
            node.enforce(True)


def run(place: Place, program: str, *arguments: str | int) -> str:
    """Run a program in the network of a pod."""
    command = [*inside(place.pid), sys.executable, "-I", "-S", "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_nobody_in_a_pod_can_come_with_anothers_address(ends: Ends) -> None:
    attacker, victim = ends.places[ATTACKER][0], ends.places["public/landing"][1]
    controller = ends.places["warren-ingress/ingress-controller"][0]

    def forged(user: int) -> dict[str, str]:
        found: dict[str, str] = json.loads(run(attacker, _FORGE, controller.address, victim.address, 8080, user))
        return found

    assert forged(65532) == {
        "a packet of one's own": "EPERM",
        "a frame of one's own": "EPERM",
        "an address that is not there": "ENETUNREACH",
        "an address as proxies have it": "EPERM",
    }
    # No pod of ours is root, or has what root may; this shows that the tries are ones.
    assert forged(0)["a packet of one's own"] == forged(0)["a frame of one's own"] == "done"


def test_a_ping_is_no_way_through(home: Cluster, ends: Ends) -> None:
    attacker, victim = ends.places[ATTACKER][0], ends.places[VICTIM][0]
    assert run(attacker, _PING, victim.address) == "silence"
    with without_walls(home):
        wait("an answer", lambda: run(attacker, _PING, victim.address) == "an answer")


def test_what_was_connected_before_the_walls_came_goes_on(home: Cluster, ends: Ends) -> None:
    [attacker, *_] = ends.places[ATTACKER]
    victim = next(each.pod["status"]["podIP"] for each in home.containers() if each.app == VICTIM)
    assert attacker.pid
    with without_walls(home):
        connection = Inside(attacker.pid, victim, VICTIMS_PORT).connect()
    with connection:
        queues = [node.queue for node in home.nodes]
        assert tried(attacker.pid, [Attempt(victim, VICTIMS_PORT, "TCP")], queues, 0.6) == [CLOSED]
        connection.sendall(b"GET /dex/keys HTTP/1.1\r\nHost: dex\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 ")


def test_no_socket_of_the_node_is_in_a_pods_network(home: Cluster) -> None:
    for each in home.containers():
        sockets = Path(f"/proc/{each.pid}/net/unix").read_text(encoding="ascii").splitlines()[1:]
        assert [line for line in sockets if line.split()[-1].startswith("@")] == [], each.name


def test_how_long_a_new_pods_walls_take_to_close(home: Cluster, ends: Ends) -> None:
    """Rule 64. What is behind walls of its own is never open, whoever comes."""
    free, shut = ends.places[STRANGER][0].address, ends.places[VICTIM][-1].address
    newcomer: End = ends.matrix.ends["warren-tunnel/(stray)"]
    found = arrive(home, newcomer, an_image(home), {free: 8000, shut: VICTIMS_PORT}, count=4, seconds=3)
    last = sorted(max(each.reached[free], default=float("-inf")) for each in found)
    FIGURES.append(
        "a new pod's walls, four at once: closed "
        + ", ".join(f"{seconds:.2f}" for seconds in last)
        + " s after its program began (before it, below zero); k3s' kube-router is another program, and later"
    )
    assert [each.reached[shut] for each in found] == [[]] * 4
    assert max(last) < 2.5
