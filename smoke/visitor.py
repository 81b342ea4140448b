"""A visitor from the internet, without an account: HTTP requests and TLS handshakes.

The standard library's client, because it sends paths and header names exactly as they are written, follows no
redirect, keeps no cookie and knows no proxy.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from smoke.ask import Answer, NoAnswer, Reply, Request
from smoke.plan import Address
from smoke.result import shown

VISITOR = "203.0.113.7"
"""Nobody's address (RFC 5737). Without Cloudflare in between, the visitor's own is said as Cloudflare would say it."""

SPOKEN_BY_CLOUDFLARE = {
    "X-Forwarded-Proto": "https",
    "CF-Connecting-IP": VISITOR,
    "X-Forwarded-For": VISITOR,
}

_COMMON = {"User-Agent": "warren-smoke", "Accept": "*/*", "Connection": "close"}
_Got = TypeVar("_Got")
_BODY = 256 * 1024
_BODY_SECONDS = 3.0
"""An answer may be an endless stream; its beginning is enough."""


@dataclass(frozen=True)
class Certificate:
    """A certificate that a host showed, and that this machine trusts for it."""

    expires: float
    """Seconds since 1970."""


class _Nobody(Exception):
    """Nothing listens at an address."""

    def __init__(self, answer: NoAnswer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


class Visitor:
    """Asks, for a limited time. Safe to use from several threads."""

    def __init__(
        self,
        address: Address | None,
        *,
        timeout: float = 10.0,
        budget: float = 45.0,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._address, self._timeout = address, timeout
        self._deadline = time.monotonic() + budget
        self._chosen = trust
        self._lock = threading.Lock()
        self._dead: dict[Address, NoAnswer] = {}
        """Addresses that nothing listens on: waiting for each of their hosts would take minutes."""

    @functools.cached_property
    def _trust(self) -> ssl.SSLContext:
        return self._chosen or ssl.create_default_context()

    def ask(self, request: Request) -> Reply:
        """The answer to a GET."""
        return self._guarded(self._own(request), lambda where, seconds: self._get(where, seconds, request))

    def _own(self, request: Request) -> Address:
        """Where a host is asked when no address stands for all of them."""
        return Address(request.scheme, request.host, {"https": 443, "http": 80}[request.scheme])

    def certificate(self, host: str) -> Certificate | NoAnswer:
        """The certificate that a host shows, where its chain and its name are right."""
        return self._guarded(Address("https", host, 443), lambda where, seconds: self._shake(where, seconds, host))

    def _guarded(self, own: Address, do: Callable[[Address, float], _Got]) -> _Got | NoAnswer:
        """What `do` gets from an address and the seconds it has, or why it got nothing."""
        where = self._address or own
        left = self._deadline - time.monotonic()
        with self._lock:
            dead = self._dead.get(where)
        if dead is not None:
            return dead
        if left <= 0:
            return NoAnswer("timeout", "was not asked, because the time for all checks was up")
        try:
            return do(where, min(self._timeout, left))
        except _Nobody as nobody:
            with self._lock:
                self._dead[where] = nobody.answer
            return nobody.answer
        except TimeoutError:
            return NoAnswer("timeout", f"gave no answer in {self._timeout:.0f} s")
        except ssl.SSLCertVerificationError as error:
            return NoAnswer("tls", f"shows a certificate that is not trusted: {shown(error.verify_message)}")
        except ssl.SSLError as error:
            return NoAnswer("tls", f"does not speak TLS: {shown(error.reason or str(error))}")
        except (OSError, http.client.HTTPException) as error:
            return NoAnswer("http", f"broke off: {shown(type(error).__name__)}")

    def _get(self, where: Address, seconds: float, request: Request) -> Answer:
        extra = SPOKEN_BY_CLOUDFLARE if where.scheme == "http" and self._address is not None else {}
        with contextlib.closing(http.client.HTTPConnection(request.host, timeout=seconds)) as connection:
            connection.sock = self._connected(where, request.host, seconds)
            connection.putrequest("GET", request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in (("Host", request.host), *_COMMON.items(), *extra.items(), *request.headers):
                connection.putheader(name, value)
            connection.endheaders()
            with connection.getresponse() as response:
                return Answer(response.status, tuple(response.getheaders()), _beginning(response))

    def _shake(self, where: Address, seconds: float, host: str) -> Certificate:
        with self._connected(where, host, seconds) as sock:
            assert isinstance(sock, ssl.SSLSocket), "certificates are asked for by https only"
            return Certificate(ssl.cert_time_to_seconds(str((sock.getpeercert() or {})["notAfter"])))

    def _connected(self, where: Address, host: str, seconds: float) -> socket.socket:
        try:
            plain = socket.create_connection((where.host, where.port), timeout=seconds)
        except socket.gaierror:
            raise _Nobody(NoAnswer("name", f"{where.host} has no address in the DNS")) from None
        except TimeoutError:
            raise _Nobody(NoAnswer("connect", f"{where.host}:{where.port} did not answer")) from None
        except OSError as error:
            reason = f"{where.host}:{where.port} cannot be reached ({shown(error.strerror or type(error).__name__)})"
            raise _Nobody(NoAnswer("connect", reason)) from None
        if where.scheme == "http":
            return plain
        try:
            return self._trust.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


def _beginning(response: http.client.HTTPResponse) -> bytes:
    body, end = b"", time.monotonic() + _BODY_SECONDS
    # An answer that breaks off in the middle, or never ends, has a beginning all the same.
    with contextlib.suppress(OSError, http.client.HTTPException):
        while len(body) < _BODY and time.monotonic() < end and (part := response.read1(_BODY)):
            body += part
    return body[:_BODY]
