"""Questions by HTTP and their answers, as plain values: what `checks` are made of and `visitor` carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from smoke.result import Group, Verdict

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """A GET of a path on a host. There is no other method: nothing here may change anything."""

    host: str
    path: str
    headers: Pairs = ()
    """Spelled exactly so."""
    scheme: Literal["https", "http"] = "https"
    """By which a host is asked at its own address."""


@dataclass(frozen=True)
class Answer:
    """What came back. Redirects are answers."""

    status: int
    headers: Pairs = ()
    body: bytes = b""
    """The beginning of it."""

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a header."""
        return tuple(value for key, value in self.headers if key.lower() == name.lower())

    def get(self, name: str) -> str | None:
        """A header's first value."""
        return next(iter(self.all(name)), None)

    def holds(self, text: str) -> bool:
        """Whether a text came back, in the body or in a header."""
        return text.encode() in self.body or any(text in key or text in value for key, value in self.headers)


@dataclass(frozen=True)
class NoAnswer:
    """Why nothing came back."""

    kind: Literal["name", "connect", "timeout", "tls", "http"]
    reason: str


Reply = Answer | NoAnswer


@dataclass(frozen=True)
class Check:
    """What to ask, and what the answers mean."""

    group: Group
    name: str
    asks: tuple[Request, ...]
    judge: Callable[[tuple[Reply, ...]], Verdict]
