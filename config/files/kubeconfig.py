"""The kubeconfig that a stack names: whether it can be used, and where its API server is (rule 63).

The official provider takes a wrong path for the kubeconfig's contents, calls the cluster unreachable, and previews as
if nothing was wrong (`Configure` and `parseKubeconfigString` in its sources, 4.32.0). So the file is read here first.
Nothing that is in it ever becomes part of a message: it holds keys.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from config.load import MAX_DEPTH
from config.mistakes import Loaded, Mistake
from config.stack import Stack

MAX_BYTES = 1_000_000
PATIENCE = 2.0
"""Seconds for an API server at home to accept a connection. It takes a millisecond."""

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_PROXIES = ("HTTPS_PROXY", "https_proxy")


@dataclass(frozen=True)
class ApiServer:
    """Where a context's API server listens."""

    host: str
    port: int
    proxied: bool
    """A proxy may stand in between, so that no connection from here says anything."""


def api_server(file: Loaded[Stack], root: Path, environment: Mapping[str, str]) -> ApiServer | list[Mistake]:
    """The API server of the stack's context, or what is wrong with its kubeconfig.

    Args:
        file: The stack.
        root: The project's directory, where providers run: relative paths start here.
        environment: Of this process; KUBECONFIG is only ever mentioned, and proxies are looked for.
    """
    cluster = file.model.cluster
    path = path_of(cluster.kubeconfig, root)
    try:
        config = _read(path)
    except ValueError as refused:
        return [file.mistake(("cluster", "kubeconfig"), _with_hint(cluster.kubeconfig, path, refused, environment))]
    context = _named(config, "contexts", cluster.context, "context")
    if context is None:
        shown = f"kubectl config get-contexts --kubeconfig {cluster.kubeconfig}"
        what = f"{cluster.context!r} is no context of {cluster.kubeconfig}; see which it has: {shown}"
        return [file.mistake(("cluster", "context"), what)]
    named = _named(config, "clusters", context.get("cluster"), "cluster") or {}
    try:
        url = urlsplit(str(named.get("server") or ""))
        host, port = url.hostname, url.port
    except ValueError:
        host = None
    if not host:
        what = f"{cluster.context!r} leads to no API server; copy {cluster.kubeconfig} from the cluster again"
        return [file.mistake(("cluster", "context"), what)]
    proxied = bool(named.get("proxy-url")) or any(environment.get(key) for key in _PROXIES)
    return ApiServer(host, port or (80 if url.scheme == "http" else 443), proxied)


def path_of(text: str, root: Path) -> Path:
    """Where a kubeconfig is: relative to the project, with `~` as the provider reads it.

    That is the home directory of the account, whatever HOME says.
    """
    if text != "~" and not text.startswith("~/"):
        return root / text
    try:
        import pwd

        home = pwd.getpwuid(os.getuid()).pw_dir
    except (ImportError, KeyError):
        home = str(Path.home())
    return Path(home, text[2:])


def _read(path: Path) -> dict[str, Any]:
    """A kubeconfig as plain data.

    Raises:
        ValueError: it is none; says why and how to mend it, after "<path> ".
    """
    try:
        if path.is_dir():
            raise ValueError("is a directory; name the file in it")
        if path.exists() and not path.is_file():
            # A pipe would be waited for, and a device may never end.
            raise ValueError("is no file; name the kubeconfig itself")
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("is larger than 1 MB, so it is no kubeconfig; name the right file")
        text = path.read_text("utf-8")
        if _deep(text):
            raise ValueError(f"is more than {MAX_DEPTH} levels deep, so it is no kubeconfig; name the right file")
        # Text is all that is looked at, and the base loader makes nothing else.
        data = yaml.load(text, _LOADER)  # noqa: S506
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError("does not exist; copy the cluster's kubeconfig there, or name the one you have") from None
    except OSError:
        raise ValueError("cannot be read by this account; make a copy that belongs to you, with mode 0600") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ValueError("is not YAML; copy the kubeconfig from the cluster again") from None
    if not isinstance(data, dict) or not isinstance(data.get("contexts"), list):
        raise ValueError("is no kubeconfig: it has no list of contexts; name the right file")
    return data


def _deep(text: str) -> bool:
    """Whether it nests so far that PyYAML, which recurses, could take the whole process down with it."""
    depth = 0
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            return True
    return False


def _with_hint(written: str, path: Path, refused: ValueError, environment: Mapping[str, str]) -> str:
    parts = written.split(os.pathsep)
    if len(parts) > 1 and not path.exists():
        return f"{written} is a list; name the one file that has the context"
    other = environment.get("KUBECONFIG")
    hint = f" (KUBECONFIG={other} is not used)" if other and other != written else ""
    return f"{written} {refused}{hint}"


def _named(config: Mapping[str, Any], entries: str, name: object, inside: str) -> dict[str, Any] | None:
    """What a kubeconfig's list of `entries` has under a name."""
    for entry in config.get(entries) or ():
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get(inside), dict):
            found: dict[str, Any] = entry[inside]
            return found
    return None


class Knock:
    """One connection to an API server, tried while the program goes on."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._refused = False
        # A daemon: looking up a name can take longer than anybody waits.
        self._thread = threading.Thread(target=self._try, daemon=True)
        self._thread.start()

    def _try(self) -> None:
        try:
            socket.create_connection((self._server.host, self._server.port), timeout=PATIENCE).close()
        except (OSError, ValueError):
            # ValueError: what no name can be, which Python finds out when it looks it up.
            self._refused = True

    def unanswered(self) -> bool:
        """Whether nobody answered; waits for that as long as `PATIENCE` allows."""
        self._thread.join(PATIENCE)
        return self._refused or self._thread.is_alive()


def knock(server: ApiServer | None) -> Knock | None:
    """Try the API server; None where that would say nothing: in a sandbox, and through a proxy."""
    return None if server is None or server.proxied else Knock(server)
