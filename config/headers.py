"""Headers that a route sets: on what the app answers, and on what it is asked.

Their values reach Traefik in a file that it takes for a template, and nginx between double quotes, so neither template
nor variable, quote nor backslash can be written here, nor anything that ends a line.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from config import patterns
from config.fields.written import like

LONGEST = 1000
_VALUE = r"[!#%-\[\]^_a-z|~]([ !#%-\[\]^_a-z|~]*[!#%-\[\]^_a-z|~])?"
"""Printable ASCII but `" $ \\ { }` and the backtick, without blanks at its ends."""

RESPONSE = (
    "Cache-Control",
    "Content-Language",
    "Content-Security-Policy",
    "Content-Security-Policy-Report-Only",
    "Cross-Origin-Embedder-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Origin-Agent-Cluster",
    "Permissions-Policy",
    "Referrer-Policy",
    "Strict-Transport-Security",
    "Timing-Allow-Origin",
    "X-Content-Type-Options",
    "X-DNS-Prefetch-Control",
    "X-Frame-Options",
    "X-Permitted-Cross-Domain-Policies",
    "X-Robots-Tag",
    "X-XSS-Protection",
)
"""What browsers and search engines are told. No cookie, no place to go, no length, nothing for the edge's cache, and no
CORS, which has to answer requests of its own."""

_SOMEBODYS = ("auth", "user", "email", "mail", "group", "role", "token", "identity", "login")
_TAKEN = (
    "x-forwarded-",
    "x-original-",
    "x-real-",
    "x-warren-",
    "x-http-method",
    "x-method",
    "x-rewrite",
    "x-cf-",
    "x-scheme",
    "x-request-id",
)


def _value(text: str) -> str:
    if not re.fullmatch(_VALUE, text) or len(text) > LONGEST:
        raise ValueError(
            f'is not the value of a header: 1 to {LONGEST} printable characters without " $ \\ {{ }} and `, on one line'
        )
    return text


HeaderValue = Annotated[
    str, AfterValidator(_value), like(_VALUE, "the value of a header, on one line", "nosniff", maxLength=LONGEST)
]


def _response(name: str) -> str:
    if name not in RESPONSE:
        same = next((each for each in RESPONSE if each.lower() == name.lower()), None)
        fix = f"write {same}" if same else f"these can: {', '.join(RESPONSE)}"
        raise ValueError(f"{name!r} is no header that a route can set on an answer; {fix}")
    return name


ResponseHeader = Annotated[
    str,
    AfterValidator(_response),
    like(patterns.any_of(*RESPONSE), "a header for browsers", "X-Frame-Options"),
]


def _request(name: str) -> str:
    lower = name.lower()
    if not re.fullmatch(r"X(-[A-Za-z0-9]+)+", name) or len(name) > 64:
        raise ValueError(f"{name!r} is no header that a route can set on a request: X- and then letters, digits and -")
    if lower != "x-forwarded-prefix" and (lower.startswith(_TAKEN) or any(word in lower for word in _SOMEBODYS)):
        raise ValueError(
            f"{name!r} says who somebody is or how they came, which is sign-in's and the controller's to say; "
            "choose another name"
        )
    return name


_REQUEST = "".join(rf"(?![^:]*{patterns.any_case(word)})" for word in _SOMEBODYS)
_BEGINS = "|".join(patterns.any_case(each) for each in _TAKEN)

RequestHeader = Annotated[
    str,
    AfterValidator(_request),
    like(
        rf"{patterns.any_case('x-forwarded-prefix')}|(?!{_BEGINS}){_REQUEST}X(-[A-Za-z0-9]+)+",
        "a header that says nothing of who asks",
        "X-Script-Name",
        maxLength=64,
    ),
]
