"""Cloudflare, as its API shows the tunnel and the zone to the holder of a token.

The token comes from the environment, goes to Cloudflare's API and nowhere else, and is in no message. Only GET.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from smoke.result import shown

TOKEN = "CLOUDFLARE_API_TOKEN"  # noqa: S105 - a variable's name
API = "https://api.cloudflare.com/client/v4"

_SECONDS = 10.0
_LARGEST = 4 * 1024 * 1024


class Refused(Exception):
    """Why Cloudflare does not say something."""


class Unreached(Refused):
    """Cloudflare does not answer at all."""


@dataclass(frozen=True)
class Edge:
    """What Cloudflare knows of a stack. A part that could not be read is the reason why."""

    tunnels: Sequence[Mapping[str, Any]] | Refused
    """The tunnels of the stack's name."""
    connectors: Sequence[Mapping[str, Any]] | Refused
    """The processes that hold the tunnel open, with their connections."""
    records: Mapping[str, Sequence[Mapping[str, Any]] | Refused]
    """Host -> its DNS records."""


@dataclass(frozen=True)
class Api:
    """Cloudflare's API, for the holder of a token."""

    token: str
    base: str = API
    """Another one in tests only; no option reaches it."""

    def get(self, path: str) -> list[Mapping[str, Any]]:
        """The results of a GET, or of its first page.

        Raises:
            Refused: there are none.
        """
        if not re.fullmatch(r"[A-Za-z0-9_-]{20,200}", self.token):
            # The client would repeat it in its own message.
            raise Refused(f"{TOKEN} is not a token")
        base = urlsplit(self.base)
        assert base.hostname is not None
        connection: http.client.HTTPConnection
        if base.scheme == "https":
            connection = http.client.HTTPSConnection(
                base.hostname, base.port, timeout=_SECONDS, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(base.hostname, base.port, timeout=_SECONDS)
        try:
            with contextlib.closing(connection):
                # No redirect is followed: the token is for this host alone.
                connection.request("GET", base.path + path, headers={"Authorization": f"Bearer {self.token}"})
                with connection.getresponse() as response:
                    status, body = response.status, response.read(_LARGEST)
        except (OSError, http.client.HTTPException) as error:
            raise Unreached(f"Cloudflare's API cannot be reached ({type(error).__name__})") from None
        return self._results(status, body)

    def _results(self, status: int, body: bytes) -> list[Mapping[str, Any]]:
        try:
            data = json.loads(body)
        except ValueError:
            data = None
        if status != 200 or not isinstance(data, dict) or not isinstance(data.get("result"), list):
            errors = data.get("errors") if isinstance(data, dict) else None
            told = [str(each.get("message")) for each in errors or () if isinstance(each, dict)]
            why = f": {shown('; '.join(told).replace(self.token, '...'))}" if told else ""
            raise Refused(f"Cloudflare's API answered {status}{why}")
        return [each for each in data["result"] if isinstance(each, dict)]


def read(api: Api, account: str, zone: str, tunnel: str, hosts: Iterable[str]) -> Edge:
    """The tunnel of this name, its connectors, and the records of these hosts."""
    tunnels = _try(api, f"/accounts/{account}/cfd_tunnel?name={quote(tunnel, safe='')}&is_deleted=false")
    if isinstance(tunnels, Unreached):
        return Edge(tunnels, tunnels, dict.fromkeys(hosts, tunnels))
    if not isinstance(tunnels, Refused):
        tunnels = [each for each in tunnels if each.get("name") == tunnel and not each.get("deleted_at")]
    connectors: Sequence[Mapping[str, Any]] | Refused = []
    if not isinstance(tunnels, Refused) and len(tunnels) == 1:
        path = f"/accounts/{account}/cfd_tunnel/{quote(str(tunnels[0].get('id')), safe='')}/connections"
        connectors = _try(api, path)
    records: dict[str, Sequence[Mapping[str, Any]] | Refused] = {}
    for host in hosts:
        found = _try(api, f"/zones/{zone}/dns_records?name={quote(host, safe='')}&per_page=100")
        records[host] = found if isinstance(found, Refused) else [each for each in found if each.get("name") == host]
    return Edge(tunnels, connectors, records)


def _try(api: Api, path: str) -> list[Mapping[str, Any]] | Refused:
    try:
        return api.get(path)
    except Refused as why:
        return why
