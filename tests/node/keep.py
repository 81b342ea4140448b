"""A cluster of real nodes that stays until Ctrl-C (`make cluster`), for kubectl, smoke and Pulumi.

Owns: the way in, and saying how it is used.  A socket that listens on the machine's loopback address, and was opened
there, is handed into the namespaces, where what comes in by it is carried to the API server.  It is no way out: it only
takes connections, and they end at one address.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from tests.node import cluster, images, machine
from tests.node.everything import stack as everything
from tests.node.figures import FIGURES
from tests.real import namespaces
from tests.real.control_plane import ControlPlane
from tests.real.programs import program

STACKS: dict[str, Callable[..., AbstractContextManager[cluster.Cluster]]] = {
    "home": partial(cluster.bring_up, "home"),
    "everything": everything.bring_up,
}
"""What can be kept, as the tests bring it up; `empty` leaves the stack itself out."""

_INSIDE = "inside"
_ENDS = "Ctrl-C ends it, and leaves nothing behind."


def main() -> int:
    """Bring the cluster up in namespaces of its own, and wait until it ends or is interrupted.

    Raises:
        SystemExit: this machine cannot run real nodes, or there is no such stack; the message says why.
    """
    stack = os.environ.get("WARREN_STACK", "home")
    if stack not in STACKS:
        raise SystemExit(f"{stack} is no stack that is kept: write STACK={' or STACK='.join(STACKS)}")
    if lacking := machine.missing():
        raise SystemExit("\n".join(["real nodes cannot run here:", *(f"- {each}" for each in lacking)]))
    # A shell's background processes ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with machine.leaving_nothing(), socket.create_server(("127.0.0.1", 0)) as listener:
        folder = Path(tempfile.gettempdir()) / f"{machine.run_name()}-{stack}"
        # In there are tokens, and who has the administrator's is root on this machine by way of a pod.
        folder.mkdir(mode=0o700)
        print(f"Brings {stack} up on real nodes. This takes half a minute to a minute.", flush=True)
        running = subprocess.Popen(
            namespaces.alone(sys.executable, "-m", "tests.node.keep", _INSIDE, stack, str(listener.fileno())),
            env=os.environ | {machine.FOLDER: str(folder)},
            pass_fds=[listener.fileno()],
            # Ctrl-C is for this process, which ends that one at once.
            start_new_session=True,
        )
        try:
            return running.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            running.kill()
            running.wait()


def inside(stack: str, listener: socket.socket) -> None:
    """Bring the cluster up, say how it is used, and carry what comes in until the end."""
    empty = bool(os.environ.get("WARREN_EMPTY"))
    with STACKS[stack](empty=empty) as running:
        print(_told(running, _kubeconfig(running, listener.getsockname()[1]), empty=empty), flush=True)
        asyncio.run(_carry(listener, running.plane))


def _kubeconfig(running: cluster.Cluster, port: int) -> Path:
    """Write the kubeconfig of the machine's side, with the context that the stack's file names."""
    plane, file = running.plane, Path(os.environ[machine.FOLDER]) / "kubeconfig"
    config = json.loads(plane.kubeconfig.read_text(encoding="utf-8"))
    # The API server's certificate is for the address that it has on its own network.
    config["clusters"][0]["cluster"] |= {"server": f"https://127.0.0.1:{port}", "tls-server-name": plane.host}
    config["contexts"][0]["name"] = config["current-context"] = running.rendered.platform.stack.cluster.context
    file.write_text(json.dumps(config, indent=1), encoding="utf-8")
    file.chmod(0o600)
    return file


def _told(running: cluster.Cluster, kubeconfig: Path, *, empty: bool) -> str:
    stack, root = running.rendered.stack, running.rendered.project.root
    nodes = ", ".join(node.host.name for node in running.nodes)
    stand_ins = [f"{each} for {name}" for name, (_, each, _) in images.STANDINS.items() if each != name]
    told = [
        *FIGURES,
        f"{nodes}: {f'empty, with the images of {stack}' if empty else f'the stack {stack}, everything Ready'}.",
        f"Stand-ins: {', '.join(stand_ins)}, echo for cloudflared and every app.",
        *([f"Also {everything.STANDINS}."] if stack == "everything" else []),
        "",
        "In another terminal, as root:",
        f"  export KUBECONFIG={kubeconfig} PATH={program('kubernetes', 'kubectl').parent}:$PATH",
        "  kubectl get pods -A",
    ]
    if empty:
        told += [
            f"Where the official plugins are, `pulumi up --stack {stack}` fills it (and Cloudflare), after",
            f"  pulumi config set --path warren:cluster.kubeconfig {kubeconfig} --stack {stack}",
        ]
    else:
        told += [
            "Smoke, while the first of these two runs:",
            "  kubectl -n warren-ingress port-forward deploy/ingress-controller 8000:8000",
            f"  make smoke STACK={stack} ARGS='--root {root} --kubeconfig {kubeconfig} --url http://127.0.0.1:8000'",
        ]
    return "\n".join([*told, "", _ENDS])


async def _carry(listener: socket.socket, plane: ControlPlane) -> None:
    async def both_ways(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(plane.host, plane.port)
        except OSError:
            writer.close()
        else:
            await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    async with await asyncio.start_server(both_ways, sock=listener) as server:
        await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # one side has gone, which the other is told by the end
    finally:
        writer.close()


if __name__ == "__main__":
    if sys.argv[1:2] == [_INSIDE]:
        inside(sys.argv[2], socket.socket(fileno=int(sys.argv[3])))
    else:
        sys.exit(main())
