"""Somebody on the internet, as the ingress controller meets them: through cloudflared, with or without cookies.

Owns: requests written exactly as asked (paths, header names, even wrong ones), a cookie jar by host, and signing in as
a person would, redirect by redirect.  cloudflared and Cloudflare are not there: what they add is added here.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urljoin, urlsplit

PORT = 8000
ANN = "198.51.100.7"
"""A visitor's address, as Cloudflare tells it."""

Header = tuple[str, str]


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    headers: tuple[Header, ...]
    body: bytes = field(repr=False)

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The only value of a header, or None."""
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def location(self) -> str | None:
        """Where it sends the visitor."""
        return self.header("Location")

    @property
    def app(self) -> str | None:
        """The app that answered, ``namespace/name``, or None: echo says so in a header."""
        return self.header("X-Standin-App")

    @property
    def seen(self) -> dict[str, Any]:
        """The request as the app got it."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def seen_header(self, name: str) -> list[str]:
        """The values of a header that the app got."""
        return [
            value for key, values in self.seen["headers"].items() if key.lower() == name.lower() for value in values
        ]


class Visitor:
    """A browser, or a program, that reaches the controller at `address`."""

    def __init__(self, address: str, client: str = ANN, source: str | None = None) -> None:
        self.address, self.client, self.source = address, client, source
        self.jar: dict[str, dict[str, str]] = {}
        """Host to its cookies. Only `__Host-` cookies are used here, so no other host ever gets them."""

    def get(self, host: str, path: str, *headers: Header, method: str = "GET", body: bytes | None = None) -> Reply:
        """One request with the host's cookies; `path` and header names are sent as they are written."""
        lines = [("Host", host), *self.added(), *self.cookie(host), *headers]
        reply = self.exactly(f"{method} {path} HTTP/1.1", lines, body)
        self._keep(host, reply)
        return reply

    def added(self) -> list[Header]:
        """What Cloudflare and cloudflared add to every request."""
        return [
            ("CF-Connecting-IP", self.client),
            ("X-Forwarded-For", self.client),
            ("X-Forwarded-Proto", "https"),
            ("CF-Ray", "8f0000000000-FRA"),
            ("User-Agent", "warren-live-test"),
        ]

    def cookie(self, host: str) -> list[Header]:
        """The Cookie header for a host."""
        cookies = self.jar.get(host)
        return [("Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items()))] if cookies else []

    def exactly(self, line: str, headers: Iterable[Header], body: bytes | None = None, trailers: str = "") -> Reply:
        """One request, byte by byte, over a connection of its own; `trailers` make the body chunked."""
        text = [line, *(f"{name}: {value}" for name, value in headers), "Connection: close"]
        data = body or b""
        if trailers:
            text.append("Transfer-Encoding: chunked")
            data = b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(data), data, trailers.encode()) if data else b""
        elif body is not None:
            text.append(f"Content-Length: {len(data)}")
        with self.connect() as connection:
            # Refused before it was all sent: the answer is there.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall("\r\n".join(text).encode("latin-1") + b"\r\n\r\n" + data)
            return read_reply(connection, line.partition(" ")[0])

    def connect(self) -> socket.socket:
        """A connection to the controller."""
        source = None if self.source is None else (self.source, 0)
        return socket.create_connection((self.address, PORT), timeout=20, source_address=source)

    def follow(self, url: str) -> Reply:
        """Go where a redirect leads."""
        parts = urlsplit(url)
        assert parts.scheme == "https", url
        return self.get(parts.netloc, f"{parts.path}?{parts.query}" if parts.query else parts.path)

    def sign_in(self, host: str, path: str = "/", user: str = "ann") -> Reply:
        """Start at a page, follow the redirects to the provider, be `user` there, and come back: the callback's answer.

        Raises:
            AssertionError: the way is not the one that every sign-in takes.
        """
        asked = self.get(host, path)
        assert asked.status == 302, asked
        return self.sign_in_from(str(asked.location), user)

    def sign_in_from(self, start: str, user: str) -> Reply:
        """The rest of `sign_in`, from the address of the sign-in's start."""
        at_provider = self.follow(start)
        assert at_provider.status == 302, at_provider
        return self.follow(self.be(str(at_provider.location), user))

    def be(self, provider: str, user: str) -> str:
        """Be `user` at the provider, and return where it sends the browser back to: the callback with its code."""
        login = self.follow(provider)
        assert login.status in (302, 303), login
        # The provider sends people to its own login page by a relative address.
        back = self.follow(f"{urljoin(provider, str(login.location))}&user={user}")
        assert back.status in (302, 303), back
        return str(back.location)

    def _keep(self, host: str, reply: Reply) -> None:
        for text in reply.all("Set-Cookie"):
            for name, morsel in SimpleCookie(text).items():
                if morsel.value == "" or morsel["max-age"] in ("0", "-1") or "1970" in morsel["expires"]:
                    self.jar.get(host, {}).pop(name, None)
                else:
                    self.jar.setdefault(host, {})[name] = morsel.value


def read_reply(connection: socket.socket, method: str = "GET") -> Reply:
    """Read an answer to its end.

    Raises:
        http.client.HTTPException, OSError: there is none.
    """
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
        body = b"" if response.status == 101 else response.read()
        return Reply(response.status, tuple(response.getheaders()), body)
    finally:
        response.close()
