"""The API server, asked by nobody in particular: how long its certificate lasts, and what its clock says.

Also the certificate that a kubeconfig signs in with. Owns: reading the kubeconfig for these two, and one request
without credentials. Everything else about the cluster is asked by `kubectl` (`cluster`).
"""

from __future__ import annotations

import base64
import binascii
import calendar
import contextlib
import email.utils
import http.client
import re
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from smoke.result import shown

_SECONDS = 10.0


class Unknown(Exception):
    """Why something cannot be asked or read here, which says nothing about the cluster."""


@dataclass(frozen=True)
class Entry:
    """What a context of a kubeconfig says about the way to its cluster."""

    host: str
    port: int
    name: str
    """The name that the server's certificate has to have."""
    authority: str | None
    """The certificates that the server is trusted by, as text; the machine's own when None."""
    ends: float | None
    """When the certificate that it signs in with ends, in seconds since 1970; None where it signs in otherwise."""


@dataclass(frozen=True)
class Server:
    """What the API server showed."""

    ends: float
    """When its certificate ends, in seconds since 1970."""
    ahead: float | None
    """By how many seconds its clock is before this machine's; None where it does not say."""


def entry(kubeconfig: Path, context: str) -> Entry:
    """The entry of a context. No key and no token of it is kept.

    Raises:
        Unknown: the file has no such entry, or one that leads elsewhere than to an https address.
    """
    try:
        data = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        chosen = _named(data, "context", context)
        cluster, user = _named(data, "cluster", chosen["cluster"]), _named(data, "user", chosen["user"])
        server = urlsplit(cluster["server"])
        port = server.port or 443
        authority = _pem(kubeconfig, cluster, "certificate-authority")
        own = _pem(kubeconfig, user, "client-certificate")
        last = None if own is None else ends(own)
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise Unknown(f"{kubeconfig} has no readable context {context} ({type(error).__name__})") from None
    if server.scheme != "https" or not server.hostname or cluster.get("proxy-url"):
        raise Unknown("the kubeconfig leads through something else than https")
    return Entry(
        host=server.hostname,
        port=port,
        name=str(cluster.get("tls-server-name") or server.hostname),
        authority=authority,
        ends=last,
    )


def _named(data: Any, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each[kind] for each in [*data[f"{kind}s"], {}] if each.get("name", name) == name)
    return found


def _pem(kubeconfig: Path, part: dict[str, Any], key: str) -> str | None:
    if data := part.get(f"{key}-data"):
        return base64.b64decode(data).decode()
    if path := part.get(key):
        return (kubeconfig.parent / Path(path)).read_text(encoding="utf-8")
    return None


def ask(way: Entry) -> Server:
    """What the API server shows to a stranger: it is asked for /livez, and need not answer with 200.

    Raises:
        Unknown: it does not answer.
        ssl.SSLCertVerificationError: its certificate is not what the kubeconfig trusts, or has ended.
    """
    context = ssl.create_default_context(cadata=way.authority)
    # k3s' certificates lack fields that Python asks for since 3.13 and nobody else does.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    try:
        with (
            contextlib.closing(socket.create_connection((way.host, way.port), timeout=_SECONDS)) as plain,
            context.wrap_socket(plain, server_hostname=way.name) as sock,
            contextlib.closing(http.client.HTTPSConnection(way.host, way.port)) as connection,
        ):
            last = ssl.cert_time_to_seconds(str((sock.getpeercert() or {})["notAfter"]))
            connection.sock = sock
            connection.request("GET", "/livez", headers={"User-Agent": "warren-smoke", "Connection": "close"})
            with connection.getresponse() as response:
                return Server(last, ahead(response.headers.get("date"), time.time()))
    except ssl.SSLCertVerificationError:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise Unknown(f"{way.host}:{way.port} does not answer ({shown(type(error).__name__)})") from None


def ahead(date: str | None, now: float) -> float | None:
    """By how many seconds a Date header is before `now`; None where there is none. Good to about a second."""
    if date is None:
        return None
    with contextlib.suppress(ValueError, TypeError):
        # Headers have whole seconds, cut off.
        return email.utils.parsedate_to_datetime(date).timestamp() + 0.5 - now
    return None


def ends(pem: str) -> float:
    """When the first certificate of a PEM text ends, in seconds since 1970.

    The standard library only says it of a connection. RFC 5280: Certificate, tbsCertificate, [version], serial number,
    signature, issuer, validity, and there the second time.

    Raises:
        ValueError: it is no certificate.
    """
    found = re.search(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", pem, re.DOTALL)
    try:
        data = base64.b64decode(found[1]) if found else b""
        _, at, _ = _element(data, 0)
        _, at, _ = _element(data, at)
        tag, _, after = _element(data, at)
        skipped = 4 if tag == _VERSION else 3
        for _ in range(skipped):
            _, _, after = _element(data, at)
            at = after
        _, at, _ = _element(data, at)
        _, _, at = _element(data, at)
        tag, start, end = _element(data, at)
        text = data[start:end].decode("ascii")
        return calendar.timegm(time.strptime(text, "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"))
    except (IndexError, binascii.Error, UnicodeDecodeError, ValueError):
        raise ValueError("is not a certificate") from None


_VERSION = 0xA0
_UTC_TIME = 0x17


def _element(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, beginning and end of the DER element at a place."""
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    return tag, start, start + length
