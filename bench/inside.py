"""Runs the Pulumi program of the current directory without an engine, and prints what each part of it took, as JSON.

Usage: `python -P inside.py <stack> [listing.json]`. A monitor that answers at once, in this process, stands for the
engine, so what is left is the program's own work and the SDK's:

- `imports`: Pulumi's SDK and everything that `__main__.py` imports.
- `pure`: inside functions of `config/` and `manifests/`, wherever they are called from: load, check, decide. `load` is
  the part of it in `manifests.platform.load`. Nothing for the bare programs.
- `composing`: the rest of `__main__.py` from its first line to its last, less the SDK's constructor of resources.
- `registration`: those constructors, and the SDK's asynchronous work until everything is registered.

All of it is processor time, which is steadier than time on a busy machine, and the same on an idle one.

With a second argument it also writes the list of resources that the bare programs register. Secrets are marked there,
and every value that only an engine knows is a constant.
"""

from __future__ import annotations

import ast
import asyncio
import functools
import importlib
import inspect
import json
import runpy
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

_STARTED = time.process_time()

import pulumi  # noqa: E402  (its import is measured)
from google.protobuf import empty_pb2, json_format  # noqa: E402
from pulumi.runtime import mocks, settings  # noqa: E402
from pulumi.runtime.proto import resource_pb2  # noqa: E402
from pulumi.runtime.settings import set_root_resource  # noqa: E402
from pulumi.runtime.stack import run_in_stack  # noqa: E402

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  (how the protocol marks a secret)
_TOKEN = "YmVuY2g="  # noqa: S105  (of no tunnel)


class NullMonitor(mocks.MockMonitor):
    """Answers every registration at once with its own inputs, and keeps the requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests: list[tuple[str, Any]] = []
        self.outputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  (the protocol's name, as those below)
        """Answer with the inputs; random bytes are zeros."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        with self._lock:
            self.requests.append((urn, request))
        response = resource_pb2.RegisterResourceResponse(
            urn=urn, id=str(uuid.uuid5(uuid.NAMESPACE_URL, urn)) if request.custom else ""
        )
        response.object.CopyFrom(request.object)
        if request.type.endswith(":RandomBytes"):
            length = int(request.object["length"])
            for key, value in (("base64", "A" * (length * 4 // 3) + "="), ("hex", "00" * length)):
                response.object.update({key: {_SIGNATURE: _SECRET, "value": value}})
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Keep a component's outputs."""
        with self._lock:
            self.outputs[request.urn] = request.outputs
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        """Answer the one function that Warren calls."""
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").update({"token": _TOKEN})
        return response

    def listing(self) -> list[dict[str, Any]]:
        """Every registration as the bare programs read it."""
        places = {urn: place for place, (urn, _) in enumerate(self.requests)}
        return [
            {
                "type": request.type,
                "name": request.name,
                "custom": request.custom,
                "inputs": _plain(json_format.MessageToDict(request.object)),
                "outputs": _plain(json_format.MessageToDict(self.outputs[urn])) if urn in self.outputs else {},
                "parent": places.get(request.parent),
                "dependencies": sorted(places[dependency] for dependency in request.dependencies),
                "protect": request.protect,
                "version": request.version,
                "secretOutputs": list(request.additionalSecretOutputs),
            }
            for urn, request in self.requests
        ]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return {"secret!": _plain(value["value"])}
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Stopwatch:
    """Adds up the time inside some functions. A call inside another one counts once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._running = False

    def watch(self, owner: Any, name: str) -> None:
        """Replaces the function by one that is timed."""
        watched = getattr(owner, name)

        @functools.wraps(watched)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._running:
                return watched(*args, **kwargs)
            self._running = True
            start = time.process_time()
            try:
                return watched(*args, **kwargs)
            finally:
                self.seconds += time.process_time() - start
                self._running = False

        setattr(owner, name, timed)

    def watch_package(self, package: str) -> None:
        """Watches the public functions of a package, in every module of this program that has them by name."""
        for name, module in list(sys.modules.items()):
            for key, value in list(vars(module).items()) if name.startswith((f"{package}.", "components.")) else []:
                if inspect.isfunction(value) and value.__module__.startswith(f"{package}.") and not key.startswith("_"):
                    self.watch(module, key)


def _import_all(program: Path) -> None:
    for node in ast.parse(program.read_text()).body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")


def main(stack: str, listing: str | None = None) -> None:
    """Import, run, print."""
    sys.path.insert(0, str(Path.cwd()))
    _import_all(Path("__main__.py"))
    imports = time.process_time() - _STARTED

    config = json.loads(Path("config.json").read_text())
    values = {key: entry["value"] for key, entry in config.items()}
    pulumi.runtime.set_all_config(values, [key for key, entry in config.items() if entry["secret"]])
    asyncio.set_event_loop(loop := asyncio.new_event_loop())
    monitor = NullMonitor()
    mocks.set_mocks(mocks=None, project="warren", stack=stack, preview=False, monitor=monitor)  # type: ignore[arg-type]  # ours has no use for them
    settings.SETTINGS.root_directory = str(Path.cwd())  # which set_mocks cannot be told
    set_root_resource(None)  # type: ignore[arg-type]  # run_in_stack makes its own, and refuses where there is one
    constructors, pure, load = Stopwatch(), Stopwatch(), Stopwatch()
    constructors.watch(pulumi.Resource, "__init__")
    if platform := sys.modules.get("manifests.platform"):
        load.watch(platform, "load")
        pure.watch_package("config")
        pure.watch_package("manifests")
    body = 0.0

    def program() -> None:
        nonlocal body
        start = time.process_time()
        runpy.run_path("__main__.py", run_name="__main__")
        body = time.process_time() - start

    start = time.process_time()
    loop.run_until_complete(run_in_stack(program))
    composing = body - constructors.seconds - pure.seconds
    registration = time.process_time() - start - pure.seconds - composing
    if listing is not None:
        Path(listing).write_text(json.dumps(monitor.listing()))
    shares = {"imports": imports, "pure": pure.seconds, "load": load.seconds, "composing": composing}
    print(json.dumps({**shares, "registration": registration, "resources": len(monitor.requests)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
