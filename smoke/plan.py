"""What should be running, and by which address it is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from config.files.written import as_the_engine_would
from config.routes import Route
from config.stack import Stack
from config.workspace import Workspace
from manifests import platform
from manifests.platform import Platform
from manifests.signin.signin import Proxy, proxies


@dataclass(frozen=True)
class Address:
    """Where requests are sent, whichever host they are for."""

    scheme: str
    host: str
    port: int


def address(url: str) -> Address:
    """An address as it is written for `--url`.

    Raises:
        ValueError: it is none.
    """
    wrong = f"{url!r} is not an address such as https://example.com or http://127.0.0.1:8000"
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+/?", url):
        raise ValueError(wrong)
    parts = urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except ValueError:
        raise ValueError(wrong) from None
    if not parts.hostname:
        raise ValueError(wrong)
    return Address(parts.scheme, parts.hostname, port)


@dataclass(frozen=True)
class Plan:
    """A stack as its files have it, and the way to it."""

    name: str
    """The stack's name, for the commands that messages print."""
    platform: Platform
    address: Address | None = None
    """Where every request goes; each host's own public address when None."""

    @property
    def stack(self) -> Stack:
        """What the stack's file says."""
        return self.platform.stack

    @property
    def workspaces(self) -> tuple[Workspace, ...]:
        """The workspaces, sorted by name."""
        return self.platform.workspaces

    @property
    def plain(self) -> bool:
        """Whether requests go to the controller itself, without Cloudflare and TLS."""
        return self.address is not None and self.address.scheme == "http"

    @property
    def repair(self) -> str:
        """What makes the cluster and the account as the files say, whatever the state believes."""
        return f"pulumi up --refresh --stack {self.name}"

    def proxies(self) -> tuple[tuple[Workspace, Proxy], ...]:
        """Every OAuth2-Proxy with its workspace, sorted by workspace and host."""
        return tuple((each, proxy) for each in self.workspaces for proxy in proxies(self.stack, each))

    def rows(self, host: str) -> tuple[Route, ...]:
        """The rows of the route table on one host."""
        return tuple(row for row in self.platform.routes if row.host == host)


def load(root: Path, stack_name: str, target: Address | None) -> Plan:
    """The plan of the stack whose files lie in `root`. Secrets are names only.

    Raises:
        Mistakes: everything that is wrong in the files.
    """
    written = as_the_engine_would(root, stack_name)
    # Whether the token is set is the program's business; a running platform had it.
    loaded = platform.load(root, stack_name, written.config, secrets=written.secrets, cloudflare_token=True)
    return Plan(stack_name, loaded, target)
