"""Connections that are really tried, from inside a network namespace.

Owns: a small program that tries many at once, and what its outcome means.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

OPEN = "open"
"""Somebody answered: a connection, a refusal because nobody listens, or a packet."""
CLOSED = "closed"
"""Nobody said anything in time: what a wall does."""

_TRY = """
import errno, json, select, socket, sys, time
# A question that a DNS server answers, and that nobody else minds.
packet = b"\\x12\\x34\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\1"
tries, seconds = json.loads(sys.stdin.read())
poll, waiting, said = select.poll(), {}, [None] * len(tries)
def close(handle, text):
    number, connection = waiting.pop(handle)
    poll.unregister(handle)
    connection.close()
    said[number] = text
def outcome(code):
    return "open" if code in (0, errno.ECONNREFUSED) else errno.errorcode.get(code, str(code))
for number, (source, address, port, protocol) in enumerate(tries):
    udp = protocol == "UDP"
    connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        if source:
            connection.bind((source, 0))
        code = connection.connect_ex((address, port))
        if udp and code == 0:
            connection.send(packet)
    except OSError as error:
        code = error.errno
    if code not in (0, errno.EINPROGRESS) or (code == 0 and not udp):
        said[number] = outcome(code)
        connection.close()
        continue
    waiting[connection.fileno()] = (number, connection)
    poll.register(connection, select.POLLIN if udp else select.POLLOUT)
ends = time.monotonic() + seconds
again = time.monotonic() + 0.4
while waiting and time.monotonic() < ends:
    for handle, _ in poll.poll(100):
        number, connection = waiting[handle]
        close(handle, outcome(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)))
    if time.monotonic() > again:
        # UDP is not sent again by itself, and a kernel answers only some of many with "nobody listens".
        again = time.monotonic() + 0.4
        for number, connection in list(waiting.values()):
            if tries[number][3] == "UDP":
                try:
                    connection.send(packet)
                except OSError as error:
                    close(connection.fileno(), outcome(error.errno))
for handle in list(waiting):
    close(handle, "closed")
print(json.dumps(said))
"""

_ASK = """
import random, socket, struct, sys
server, name = sys.argv[1:]
number = random.randrange(65536)
question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\\0\\0\\1\\0\\1"
asked = struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + question
connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
connection.settimeout(2)
for _ in range(2):
    connection.sendto(asked, (server, 53))
    try:
        answer = connection.recv(4096)
    except TimeoutError:
        continue
    if answer[:2] == asked[:2]:
        print(socket.inet_ntoa(answer[-4:]) if answer[3] & 15 == 0 and answer[7] else "refused")
        break
"""


@dataclass(frozen=True)
class Attempt:
    """One connection: to where, and from which address where the namespace has several."""

    address: str
    port: int
    protocol: str
    source: str = ""


def _inside(pid: int | None) -> list[str]:
    return [] if pid is None else ["nsenter", f"--target={pid}", "--net", "--"]


def tried(pid: int | None, attempts: Sequence[Attempt], seconds: float) -> list[str]:
    """Try all of it at once in the network of a process (this one's by default); return an outcome for each.

    An outcome that is neither `OPEN` nor `CLOSED` is the name of an error.
    """
    found: list[str] = []
    for start in range(0, len(attempts), 400):
        some = [[each.source, each.address, each.port, each.protocol] for each in attempts[start : start + 400]]
        command = [*_inside(pid), sys.executable, "-I", "-S", "-c", _TRY]
        text = json.dumps([some, seconds])
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found += json.loads(done.stdout)
    return found


def ask(pid: int | None, server: str, name: str) -> str | None:
    """The first address that a DNS server has for a name, asked from the network of a process; None if it is silent."""
    command = [*_inside(pid), sys.executable, "-I", "-S", "-c", _ASK, server, name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip() or None
