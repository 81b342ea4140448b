"""Connections that are really tried, from inside a network namespace.

Owns: a small program that tries many at once, and what its outcome means.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

OPEN = "open"
"""Somebody answered: a connection, a refusal because nobody listens, or a packet."""
CLOSED = "closed"
"""Nobody said anything although every packet was judged: what a wall does."""

# A kernel answers a packet at once, however busy the machine is. Only the program that judges packets may take its
# time, so nothing is called closed while packets wait in its queue.
_TRY = """
import errno, json, resource, select, socket, sys, time
# A question that a DNS server answers, and that nobody else minds.
packet = b"\\x12\\x34\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\1"
tries, queues, stuck, quiet = json.loads(sys.stdin.read())
files = len(tries) + 100
resource.setrlimit(resource.RLIMIT_NOFILE, (files, max(files, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
poll, waiting, said = select.poll(), {}, [None] * len(tries)
def close(handle, text):
    number, connection = waiting.pop(handle)
    poll.unregister(handle)
    connection.close()
    said[number] = text
def outcome(code):
    return "open" if code in (0, errno.ECONNREFUSED) else errno.errorcode.get(code, str(code))
def state():
    return [line.split() for each in queues for line in open(each)]
# A packet whose judgement was lost waits for ever, so a queue that stands still for long is as good as empty.
still, known, idle = time.monotonic(), state(), stuck
def queued():
    global still, known, idle
    now = state()
    counts = [int(fields[2]) for fields in now]
    if now != known:
        still, known = time.monotonic(), now
    elif time.monotonic() > still + 5:
        idle = counts
    return any(count > least for count, least in zip(counts, idle))
def listen(seconds):
    ends = time.monotonic() + seconds
    while waiting and (time.monotonic() < ends or queued()):
        for handle, _ in poll.poll(20):
            number, connection = waiting[handle]
            close(handle, outcome(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)))
def lost():
    return [fields[5:7] for fields in state()]
def begin(number):
    address, port, protocol, source, source_port, size = tries[number]
    udp = protocol == "UDP"
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        if source or source_port:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.bind((source, source_port))
        code = connection.connect_ex((address, port))
        if udp and code == 0:
            connection.send(packet.ljust(size, b"\\0"))
    except OSError as error:
        code = error.errno
    if code not in (0, errno.EINPROGRESS) or (code == 0 and not udp):
        said[number] = outcome(code)
        connection.close()
        return
    waiting[connection.fileno()] = (number, connection)
    poll.register(connection, select.POLLIN if udp else select.POLLOUT)
# Few at a time. Where the kernel lost packets on their way to be judged, they are sent again, and those before them.
few, seen = 32, lost()
for first in range(0, len(tries), few):
    for number in range(first, min(first + few, len(tries))):
        begin(number)
    for _ in range(50):
        listen(0)
        if lost() == seen:
            break
        seen = lost()
        for handle, (number, _) in list(waiting.items()):
            if number >= first - few:
                close(handle, None)
                begin(number)
    else:
        sys.exit("packets are lost before they are judged")
listen(quiet)
for handle in list(waiting):
    close(handle, "closed")
print(json.dumps(said))
"""


@dataclass(frozen=True)
class Attempt:
    """One connection: to where, and from which address where the namespace has several."""

    address: str
    port: int
    protocol: str
    source: str = ""
    source_port: int = 0
    size: int = 0
    """The bytes of a UDP packet; above the link's 1500 it goes in fragments."""


def inside(pid: int | None) -> list[str]:
    """What runs a command in the network of a process (this one's by default)."""
    return [] if pid is None else ["nsenter", f"--target={pid}", "--net", "--"]


def waiting(queues: Sequence[Path]) -> list[int]:
    """How many packets wait in queues."""
    return [int(line.split()[2]) for each in queues for line in each.read_text(encoding="ascii").splitlines()]


def tried(
    pid: int | None, attempts: Sequence[Attempt], queues: Sequence[Path], quiet: float, stuck: Sequence[int] = ()
) -> list[str]:
    """Try all of it at once in the network of a process; return an outcome for each.

    It is over `quiet` seconds after the last packet, when nothing waits in the `queues` (`Node.queue`) but what is
    `stuck` there.
    An outcome that is neither `OPEN` nor `CLOSED` is the name of an error.
    """
    least = list(stuck or [0] * len(queues))
    text = json.dumps([list(map(astuple, attempts)), list(map(str, queues)), least, quiet])
    command = [*inside(pid), sys.executable, "-I", "-S", "-c", _TRY]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found
