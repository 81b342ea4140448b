"""WebSockets, as a browser opens them and byte by byte.

Owns: the handshake, one text message out, one in.  A page's own headers (Origin, Sec-Fetch-Site) are the caller's.
"""

from __future__ import annotations

import base64
import json
import socket
import time
from typing import Any

from tests.live.visitor import Header, Reply, Visitor, read_reply

Message = dict[str, Any] | str
HANDSHAKE: list[Header] = [
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", base64.b64encode(b"0123456789abcdef").decode()),
]


class WebSocket:
    """An open one, to echo: its first message is the request as the app saw it, then it repeats what it hears."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.first = self.hear()

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def say(self, text: str) -> Message:
        """Send a short message, and return the answer."""
        message = text.encode()
        self._connection.sendall(bytes([0x81, 0x80 | len(message), 0, 0, 0, 0]) + message)
        return self.hear()

    def hear(self) -> Message:
        """The next message.

        Raises:
            ConnectionError: the connection ended.
        """
        size = self._exactly(2)[1] & 0x7F
        size = int.from_bytes(self._exactly(2)) if size == 126 else size
        text = self._exactly(size).decode()
        found: Message = json.loads(text) if text.startswith("{") else text
        return found

    def _exactly(self, number: int) -> bytes:
        data = b""
        while len(data) < number:
            part = self._connection.recv(number - len(data))
            if not part:
                raise ConnectionError("the connection ended within a message")
            data += part
        return data


def connect(who: Visitor, host: str, path: str, *headers: Header) -> tuple[Reply, WebSocket | None]:
    """Open a WebSocket: the answer, and the open one if the answer is 101."""
    lines = [("Host", host), *who.added(), *who.cookie(host), ("Connection", "Upgrade"), ("Upgrade", "websocket")]
    text = "\r\n".join(
        [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in [*lines, *HANDSHAKE, *headers])]
    )
    connection = who.connect()
    connection.sendall(f"{text}\r\n\r\n".encode())
    while b"\r\n\r\n" not in (head := connection.recv(65536, socket.MSG_PEEK)):
        time.sleep(0.01)
    if b" 101 " not in head.partition(b"\r\n")[0]:
        with connection:
            return read_reply(connection), None
    # Not one byte more: the first message may have come with it.
    connection.recv(head.index(b"\r\n\r\n") + 4)
    return Reply(101, (), b""), WebSocket(connection)
