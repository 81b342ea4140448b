"""Stand-in for ``pulumi-language-python``, used only where the installed Pulumi ships none.

Owns: telling the engine which plugins the installed SDK packages need, and running the program in the project's virtual
environment.  Does not own: installing anything (``make`` does), code generation, policy packs, dynamic providers.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import platform
import signal
import subprocess
import sys
import threading
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from sandbox import STAND_IN
from sandbox.program import INTERRUPTED, SHOWN_TO_USER, take_early
from sandbox.server import Refusal, serve
from sandbox.versions import installed_version


def required_plugins(site: str) -> list[plugin_pb2.PackageDependency]:
    """Return the plugin of every installed SDK package, from the ``pulumi-plugin.json`` each of them ships."""
    found = []
    for path in sorted(glob.glob(os.path.join(site, "*", "pulumi-plugin.json"))):
        with open(path, encoding="utf-8") as file:
            plugin = json.load(file)
        if plugin.get("resource"):
            found.append(
                plugin_pb2.PackageDependency(name=plugin["name"], kind="resource", version=f"v{plugin['version']}")
            )
    return found


def interpreter(root: str, options: dict[str, Any]) -> str:
    """Return the Python of the project's virtual environment.

    Raises:
        Refusal: the environment that Pulumi.yaml names does not exist.
    """
    virtualenv = options.get("virtualenv")
    if not virtualenv:
        return sys.executable
    directory = os.path.join(root, str(virtualenv))
    python = os.path.join(directory, "bin", "python")
    if not os.path.exists(python):
        raise Refusal(
            f"{STAND_IN} python: the virtual environment {directory} does not exist; `make preview` creates it"
        )
    # Two names of one environment must compare equal, or the process that was started early would be thrown away.
    same = os.path.realpath(directory) == os.path.realpath(os.path.dirname(os.path.dirname(sys.executable)))
    return sys.executable if same else python


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The few calls that previews and updates make."""

    def __init__(self, engine_address: str, site: str) -> None:
        self._engine_address = engine_address
        self._site = site
        self._running: subprocess.Popen[str] | None = None

    def Handshake(self, request: Any, context: Any) -> language_pb2.LanguageHandshakeResponse:
        """Remember the engine's address."""
        self._engine_address = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        """Give the SDK's version, marked as a stand-in."""
        return plugin_pb2.PluginInfo(version=f"{installed_version(self._site, 'pulumi')}+sandbox.stand-in")

    def About(self, request: Any, context: Any) -> language_pb2.AboutResponse:
        """Answer ``pulumi about``."""
        return language_pb2.AboutResponse(
            executable=sys.executable, version=platform.python_version(), metadata={"host": STAND_IN}
        )

    def GetRequiredPackages(self, request: Any, context: Any) -> language_pb2.GetRequiredPackagesResponse:
        """Name the provider plugins at the versions of the installed SDK packages."""
        return language_pb2.GetRequiredPackagesResponse(packages=required_plugins(self._site))

    def GetProgramDependencies(self, request: Any, context: Any) -> language_pb2.GetProgramDependenciesResponse:
        """Name nothing: only ``pulumi about`` shows it."""
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Any:
        """Refuse: the Makefile installs the locked requirements."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{STAND_IN} python installs nothing; run `make preview`")

    def Run(self, request: Any, context: Any) -> language_pb2.RunResponse:
        """Run the program to its end."""
        options = json_format.MessageToDict(request.info.options)
        root = request.info.root_directory
        try:
            process = take_early(interpreter(root, options))
        except Refusal as refusal:
            return language_pb2.RunResponse(error=str(refusal))
        self._running = process
        entry = request.info.entry_point
        order = {
            "environment": {
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            },
            "settings": {
                "monitor": request.monitor_address,
                "engine": self._engine_address,
                "project": request.project,
                "stack": request.stack,
                "parallel": request.parallel,
                "dry_run": request.dryRun,
                "organization": request.organization,
                "root_directory": root,
            },
            "program": os.path.join(request.info.program_directory, "" if entry == "." else entry),
            "arguments": list(request.args),
            "directory": request.pwd,
        }
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(order) + "\n")
            # It stays open: the program ends when this process does.
            process.stdin.flush()
        except BrokenPipeError:
            pass  # It ended while importing the SDK; its own message is on screen and the code below says the rest.
        code = process.wait()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        if code in (SHOWN_TO_USER, INTERRUPTED):
            return language_pb2.RunResponse(bail=True)
        if code != 0:
            return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {code}")
        return language_pb2.RunResponse()

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Interrupt the program."""
        running = self._running
        if running is not None and running.poll() is None:
            running.send_signal(signal.SIGINT)
        return empty_pb2.Empty()


def main(engine_address: str) -> None:
    """Serve one engine."""
    host = LanguageHost(engine_address, sys.path[1])
    assert threading.current_thread() is threading.main_thread()
    serve(language_pb2_grpc.add_LanguageRuntimeServicer_to_server, host)
