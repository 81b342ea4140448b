"""One gRPC server of one stand-in process.

Owns: the port line the engine waits for, the life of the process (it ends with its engine), log lines to the engine
and the answers every provider gives in the same way.  Does not own: any resource type.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, plugin_pb2, provider_pb2, provider_pb2_grpc
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub

from sandbox import STAND_IN

# The engine's own limit, so that a ConfigMap near 1 MiB and its old state fit in one message.
_MESSAGE_BYTES = 400 * 1024 * 1024
_OPTIONS = [
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
]


class Refusal(Exception):
    """An operation that the real service would refuse; the text is shown to the person as it is."""


def failures(problems: Iterable[tuple[str, str]]) -> list[provider_pb2.CheckFailure]:
    """Return problems, each a path and a reason, as the engine takes them.

    The path goes into the text: the engine prints the value of a ``property``, also when it is secret.
    """
    # The wire keeps no order of keys; people compare runs.
    texts = [f"{path}: {reason}" if path else reason for path, reason in sorted(problems)]
    return [provider_pb2.CheckFailure(reason=text) for text in texts]


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """What every stand-in provider answers alike."""

    name: str
    stands_in = STAND_IN
    """How it calls itself in what it logs."""
    mark = "sandbox.stand-in"
    """What its version ends with."""

    def __init__(self, version: str, engine_address: str) -> None:
        self.version = version
        self._engine_address = engine_address
        self._engine: EngineStub | None = None
        self._lock = threading.Lock()
        self._said: set[str] = set()

    def log_once(self, text: str) -> None:
        """Write one info line to the engine, the first time only."""
        with self._lock:
            if text in self._said or not self._engine_address:
                return
            self._said.add(text)
            if self._engine is None:
                self._engine = EngineStub(grpc.insecure_channel(self._engine_address))
        self._engine.Log(
            engine_pb2.LogRequest(severity=engine_pb2.INFO, message=f"{self.stands_in} {self.name}: {text}")
        )

    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:
        """Tell the engine what it may send: secrets as secrets, no output values, no resource references."""
        self._engine_address = request.engine_address
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=False, accept_outputs=False, supports_autonaming_configuration=True
        )

    def Attach(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Serve an engine that was not the one to start this process."""
        self._engine_address = request.address
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        """Give the version, which says that this is a stand-in (build metadata does not affect matching)."""
        return plugin_pb2.PluginInfo(version=f"{self.version}+{self.mark}")

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        """Accept secrets and take part in previews."""
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Answer at once: no operation here takes long enough to be worth stopping."""
        return empty_pb2.Empty()


def serve(add: Any, servicer: Any, threads: int = 8) -> None:
    """Serve until the engine ends this process or ends itself.

    ``add`` is the generated ``add_..._to_server`` function.
    """
    server = grpc.server(ThreadPoolExecutor(max_workers=threads), options=_OPTIONS)
    add(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    server.start()
    print(port, flush=True)
    _wait_for_engine_to_end()
    os._exit(0)


def _leave(number: int, frame: FrameType | None) -> None:
    # Nothing is buffered: an answer that was given is complete, and files are written by rename.
    os._exit(0)


def _wait_for_engine_to_end() -> None:
    """Return when the engine is gone: it holds the other end of standard input, also when it is killed with -9."""
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        while os.read(0, 4096):
            pass
    else:
        threading.Event().wait()
