"""What requests and connections go to: hosts, ports, paths, networks, and the addresses of people."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from config import patterns
from config.fields.written import like

MAX_PATH = 255
"""More than anybody means. nginx loads no part of a config with a word in it that is too large for it, so that one
route would stand in the way of everybody's next change."""

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
"""One label of a host name; how long it may be is checked beside it."""


def _host_label(text: str) -> str:
    # Two labels are a question of certificates, which only the stack can answer (`check`).
    if text.startswith("_"):
        raise ValueError(f"{text!r} starts with _, which is for records that are no hosts; choose another label")
    if text == "@" or all(re.fullmatch(LABEL, part) and len(part) <= 63 for part in text.split(".")):
        return text
    raise ValueError(f'{text!r} is not a host label: a-z, 0-9 and -, or "@" for the domain itself')


HostLabel = Annotated[
    str,
    AfterValidator(_host_label),
    like(patterns.HOST_LABEL, 'one label under the domain, or "@" for the domain itself', "api"),
]
"""One label under the stack's domain, or "@" for the domain itself."""


def _domain(text: str) -> str:
    if (
        "." not in text
        or len(text) > 253
        or not all(re.fullmatch(LABEL, part) and len(part) <= 63 for part in text.split("."))
    ):
        raise ValueError(f"{text!r} is not a domain name such as example.com")
    return text


Domain = Annotated[str, AfterValidator(_domain), like(patterns.DOMAIN, "a domain name", "example.com", maxLength=253)]


def port_number(number: int) -> int:
    """The number of a port, as it is.

    Raises:
        ValueError: there is no such port.
    """
    if not 1 <= number <= 65535:
        raise ValueError(f"{number} is not a port (1-65535)")
    return number


Port = Annotated[
    int,
    AfterValidator(port_number),
    WithJsonSchema(
        {
            "type": "integer",
            "minimum": 1,
            "maximum": 65535,
            "description": "a number from 1 to 65535",
            "examples": [8000],
        }
    ),
]


def _path(text: str) -> str:
    # Both controllers drop an Ingress with any other character in a path (strict path validation).
    if "*" in text:
        raise ValueError(f"{text!r} has a *; a path covers everything below it, so write it without")
    first, _, rest = text[1:].partition("/")
    dotted = f"/{rest}" if first == ".well-known" else text
    if not text.startswith("/") or not re.fullmatch(r"(/[A-Za-z0-9._-]+)*/?", text) or "/." in dotted:
        raise ValueError(
            f"{text!r} is not a path: / and then segments of letters, digits, - . _ that do not start with a dot, but "
            "for a first one .well-known"
        )
    if len(text) > MAX_PATH:
        raise ValueError(f"is a path of {len(text)} characters; write at most {MAX_PATH}")
    return text.rstrip("/") or "/"


RoutePath = Annotated[
    str,
    AfterValidator(_path),
    like(
        patterns.ROUTE_PATH,
        "a path; it matches whole segments and everything below them",
        "/api/v1",
        maxLength=MAX_PATH,
    ),
]
"""A URL path prefix, matched segment by segment; without a trailing slash but for "/"."""


def _asked(text: str) -> str:
    path, mark, query = text.partition("?")
    if not re.fullmatch(r'[!"%-~]*', query) or len(query) > MAX_PATH:
        raise ValueError(
            f"{text!r} has a query with blanks, #, $ or too many characters in it; encode them, or leave it out"
        )
    return f"{_path(path)}{mark}{query}"


AskedPath = Annotated[
    str,
    AfterValidator(_asked),
    like(rf"({patterns.ROUTE_PATH})(\?[!\"%-~]*)?", "a path, with a query or without", "/healthz"),
]
"""What a health check asks for."""


def _cidr(text: str) -> str:
    try:
        # What follows a % is the name of a network card, and Python lets that be anything at all.
        network = ipaddress.ip_network(text.replace("%", " "))
    except ValueError:
        raise ValueError(
            f"{text!r} is not a network such as 10.0.0.0/24 or 10.0.0.7/32, with no host bits set"
        ) from None
    return str(network)


Cidr = Annotated[
    str,
    AfterValidator(_cidr),
    like(patterns.CIDR, "an address and a prefix length, with no host bits set", "10.0.0.0/24"),
]


def _address(text: str) -> str:
    try:
        # "fe80::1%eth0" means another address on every machine.
        return str(ipaddress.ip_address(text.replace("%", " ")))
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None


Address = Annotated[str, AfterValidator(_address), like(patterns.ADDRESS, "an IP address", "10.0.0.50")]


def _host_name(text: str) -> str:
    if not re.fullmatch(rf"{LABEL}(\.{LABEL})*", text) or len(text) > 253:
        raise ValueError(f"{text!r} is not a host name such as nas.lan")
    return text


HostName = Annotated[
    str, AfterValidator(_host_name), like(patterns.OBJECT_NAME, "a host name", "nas.lan", maxLength=253)
]


def _server(text: str) -> str:
    for check in (_address, _host_name):
        try:
            return check(text)
        except ValueError:
            continue
    raise ValueError(f"{text!r} is not an IP address or a host name")


Server = Annotated[
    str,
    AfterValidator(_server),
    like(patterns.SERVER, "an IP address or a host name", "10.0.0.7", maxLength=253),
]
"""An IP address or a host name."""


def _email(text: str) -> str:
    if text != text.lower() or not re.fullmatch(r"[^@\s,*]+@[^@\s,*]+\.[^@\s,*]+", text):
        raise ValueError(f"{text!r} is not an e-mail address in lower case")
    return text


Email = Annotated[str, AfterValidator(_email), like(patterns.EMAIL, "an address in lower case", "ada@example.com")]


def _email_domain(text: str) -> str:
    if text in ("*", ".", ""):
        raise ValueError(f"{text!r} admits everyone who has any account; list the domains, or use allow.groups")
    return _domain(text)


EmailDomain = Annotated[
    str, AfterValidator(_email_domain), like(patterns.DOMAIN, "what follows the @", "example.com", maxLength=253)
]
