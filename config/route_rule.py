"""What an app says about one of its routes: the path, and how requests to it are treated."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from config import patterns
from config.fields.addresses import Cidr, HostLabel, RoutePath
from config.fields.names import Name
from config.fields.quantities import Duration, Memory
from config.fields.secrets import Secret
from config.fields.written import ShortForm, Written, like, unit_missing
from config.headers import HeaderValue, RequestHeader, ResponseHeader
from config.redirect import RedirectOr
from config.signin import Narrower
from config.together import editor, has, has_none, such_as, where


def _limit_of(rate: str) -> str:
    count, _, unit = rate.partition("/")
    if not re.fullmatch("[0-9]{1,6}", count) or not 1 <= int(count) <= 100_000 or unit not in ("s", "m"):
        raise ValueError(
            f"{rate!r} is not a rate: write requests per second or minute and client, such as 20/s or 300/m"
        )
    return rate


Rate = Annotated[
    str,
    AfterValidator(_limit_of),
    like(rf"{patterns.up_to(100_000)}/[sm]", "requests per second (s) or minute (m)", "20/s"),
    unit_missing("has no unit; write {n}/s or {n}/m"),
]


_NOTHING: tuple[object, ...] = (None, False, (), {})
_OF_AN_APP = (
    *("port", "public", "auth", "allow", "rateLimit", "bodySize", "timeout", "allowFrom", "protocol", "crossOrigin"),
    *("deny", "responseHeaders", "requestHeaders", "basicAuth"),
)
"""What says how requests come to an app, so that a redirect has none of it."""


class RouteRule(Written):
    """One path of an app, and how requests to it are treated."""

    model_config = editor(
        where(
            has("redirect"),
            has_none(*_OF_AN_APP, says="a redirect leads past the app and is for everybody: it has path and host only"),
        ),
    )
    path: RoutePath
    """The path on the host, and everything below it. Nothing is stripped: the app sees the whole path."""
    host: HostLabel | None = None
    """A host for this route alone, one label under the domain; the app's or the workspace's when left out."""
    port: Annotated[Name | None, such_as("http")] = None
    """Which of the app's ports, by name; needed only where it has several."""
    redirect: RedirectOr | None = None
    """Leads elsewhere instead of to the app, for everybody, whoever is signed in."""
    public: bool = False
    """Open to everyone although the workspace signs people in."""
    auth: Literal["page", "api"] = "page"
    """`page` sends people to sign in, `api` answers 401 (for XHR, WebSockets and command lines)."""
    allow: Narrower | None = None
    """Fewer people than the workspace lets in; those of the app when left out, and instead of them when not."""
    clients: Annotated[tuple[Name, ...], such_as(["backup"])] = ()
    """Which of the workspace's `clients` come in here with their password, beside people; none when left out. With
    `auth: api` a program that brings nothing is asked for it."""
    rateLimit: Rate | None = None
    """Per client address as Cloudflare reports it; an IPv6 network of 64 bits is one client."""
    bodySize: Annotated[Memory | None, such_as("8Mi")] = None
    """The largest request body; without a limit when left out, but for Cloudflare's own. Nothing is stored to measure
    it, so that under Traefik a request that does not say its length is taken up to 64Ki only."""
    timeout: Duration | None = None
    """How long the app may take between two reads or writes, also of a WebSocket or an event stream; 1h when left
    out."""
    allowFrom: tuple[Cidr, ...] = ()
    """Only these client addresses, as Cloudflare reports them."""
    protocol: Literal["http", "https", "grpc"] = "http"
    """What the app speaks. WebSockets need nothing: they are http."""
    crossOrigin: bool = False
    """Pages of other hosts, other workspaces' included, may post to it and open WebSockets as whoever is signed in, or
    comes with the password of `basicAuth` or from an address of `allowFrom`."""
    deny: Annotated[tuple[RoutePath, ...], such_as(["/metrics"])] = ()
    """Paths below this one that nobody reaches from outside, such as /metrics."""
    responseHeaders: dict[ResponseHeader, HeaderValue] = {}
    """Headers of every answer, instead of the app's own: what browsers and search engines are told."""
    requestHeaders: dict[RequestHeader, HeaderValue] = {}
    """Headers that the app gets with every request, instead of the client's own. Never who somebody is."""
    basicAuth: Secret | None = None
    """An htpasswd file (bcrypt) for apps without a sign-in of their own, which do not see the password."""

    @model_validator(mode="after")
    def _past_the_app(self) -> RouteRule:
        beside = [key for key in _OF_AN_APP if key in self.model_fields_set and getattr(self, key) not in _NOTHING]
        if self.redirect and beside:
            raise ValueError(
                f"has redirect, which leads past the app and is for everybody, and {', '.join(beside)}; write path and "
                "host beside it"
            )
        return self


Route = Annotated[RouteRule, ShortForm("path", RoutePath, "a path such as /api, or a mapping with path and options")]
