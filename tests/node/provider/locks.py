"""Two locks, each enough: the connected stand-in serves no cluster but the one that its run has made.

1. The environment names the folder of a run (`machine.FOLDER`).  The kubeconfig is in it, links followed, and so is the
   certificate by which it knows the API server.  That server has made it itself, so nobody else has its key, and a
   connection to anybody else ends before the first request.
2. The network of this process has no way out: no default route.  A group of tests has such a network.

Both are looked at before anything is sent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.server import Refusal
from tests.node.machine import FOLDER, PREFIX

NOT_OURS = (
    "this is Warren's stand-in for the kubernetes provider, not the official plugin; it serves only the cluster that "
    "a run of `python -m tests.node` has made"
)
_ROUTES = (Path("/proc/net/route"), Path("/proc/net/ipv6_route"))


@dataclass(frozen=True)
class Server:
    """An API server of a run, and its administrator."""

    host: str
    port: int
    token: str
    certificate: Path


def refuse(reason: str) -> Refusal:
    """Say why nothing is served."""
    return Refusal(f"{NOT_OURS}: {reason}")


def unlock(
    kubeconfig: object,
    context: object,
    environment: Mapping[str, str] = os.environ,
    routes: tuple[Path, Path] = _ROUTES,
) -> Server:
    """Return the server that a run's kubeconfig names.

    Raises:
        Refusal: a lock is shut; the message says which.
    """
    given = environment.get(FOLDER, "")
    folder = Path(given)
    if not folder.is_absolute() or not folder.name.startswith(PREFIX) or not folder.is_dir():
        raise refuse(f"{FOLDER} does not name the folder of a run")
    if not isinstance(kubeconfig, str) or not isinstance(context, str):
        raise refuse("it needs a kubeconfig and a context")
    server = _server(_inside(kubeconfig, folder), context)
    if not server.certificate.is_absolute():
        raise refuse("the kubeconfig has to name a certificate in the run's folder")
    _inside(str(server.certificate), folder)
    if _way_out(*routes):
        raise refuse("the network has a way out (a default route)")
    return server


def _inside(path: str, folder: Path) -> Path:
    found = Path(path).resolve()
    if not found.is_relative_to(folder.resolve()) or not found.is_file():
        raise refuse(f"{path} is not a file in the run's folder")
    return found


def _server(kubeconfig: Path, context: str) -> Server:
    """What a run's kubeconfig says, which is JSON; other forms are not a run's."""
    try:
        config = json.loads(kubeconfig.read_text(encoding="utf-8"))
        chosen = _named(config["contexts"], context)["context"]
        cluster = _named(config["clusters"], chosen["cluster"])["cluster"]
        user = _named(config["users"], chosen["user"])["user"]
        scheme, _, rest = cluster["server"].partition("://")
        host, _, port = rest.partition(":")
        if scheme != "https" or cluster.keys() != {"server", "certificate-authority"}:
            raise KeyError("server")
        return Server(host, int(port), user["token"], Path(cluster["certificate-authority"]))
    except (ValueError, KeyError, TypeError) as wrong:
        raise refuse(f"the kubeconfig is not one that a run writes for the context {context!r}") from wrong


def _named(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    [found] = [each for each in items if each["name"] == name]
    return found


def _way_out(routes: Path, routes6: Path) -> bool:
    lines = [line.split() for line in routes.read_text(encoding="ascii").splitlines()[1:]]
    lines6 = [line.split() for line in routes6.read_text(encoding="ascii").splitlines()] if routes6.exists() else []
    # A network without a way out has a default route of IPv6 at its loopback, which refuses.
    return any(line[1] == line[7] == "00000000" for line in lines) or any(
        line[0] == "0" * 32 and line[1] == "00" and line[9] != "lo" for line in lines6
    )
