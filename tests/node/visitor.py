"""A visitor whose requests begin in a pod's network, as cloudflared's do."""

from __future__ import annotations

import ctypes
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.live.visitor import ANN, Visitor

_NETWORK = 0x40000000  # CLONE_NEWNET


def enter(network: Path) -> int:
    """Go with the calling thread into a network, for good; return the inode that tells it from others.

    Raises:
        OSError: that is no network.
    """
    handle = os.open(network, os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(handle, _NETWORK) != 0:
            raise OSError(ctypes.get_errno(), f"setns to {network}")
        return os.fstat(handle).st_ino
    finally:
        os.close(handle)


class Inside(Visitor):
    """Somebody at `address` and `port`, from the network of a process."""

    def __init__(self, pid: int, address: str, port: int, client: str = ANN) -> None:
        super().__init__(address, client)
        self.pid, self.port = pid, port

    def another(self) -> Inside:
        """Somebody else, without cookies, who comes the same way."""
        return Inside(self.pid, self.address, self.port)

    def connect(self) -> socket.socket:
        """A connection that is in that network, whoever uses it."""
        # A thread of its own goes there, because what a thread has entered is the thread's.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self._connect_there).result()

    def _connect_there(self) -> socket.socket:
        enter(Path(f"/proc/{self.pid}/ns/net"))
        return socket.create_connection((self.address, self.port), timeout=20)
