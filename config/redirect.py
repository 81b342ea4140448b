"""What a route says that leads elsewhere instead of to its app."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from config import patterns
from config.fields.addresses import MAX_PATH
from config.fields.written import ShortForm, Written, like

_MARKS = r"[A-Za-z0-9._~:@+,=/-]|%[0-9A-Fa-f]{2}"
_PORT = patterns.up_to(65535)
_ADDRESS = rf"(https://{patterns.DOMAIN}(:{_PORT})?)?(/(?!/)({_MARKS})*)?(\?({_MARKS}|[&?])*)?"


def _target(text: str) -> str:
    if not text.startswith(("https://", "/")):
        raise ValueError(f"{text!r} does not start with https:// or /; write a whole address, or a path of this host")
    if not re.fullmatch(_ADDRESS, text) or len(text) > MAX_PATH:
        raise ValueError(
            f"{text!r} is not an address such as https://example.com/new or /new: a host, then letters, digits and "
            f"- . _ ~ : @ + , = / %41, at most {MAX_PATH} of them"
        )
    return text


Target = Annotated[
    str,
    AfterValidator(_target),
    like(rf"(?=https://|/)({_ADDRESS})", "an address with https:// or a path", "/new", maxLength=MAX_PATH),
]
"""Where a redirect leads."""


class Redirect(Written):
    """Where a route leads instead of to its app."""

    to: Target
    """A path of the same host, or an https address. One without a path keeps the path that was asked for, and the
    query."""
    permanent: bool = False
    """Browsers remember it, for ever; programs and search engines change their links."""


RedirectOr = Annotated[
    Redirect, ShortForm("to", Target, "an address such as https://example.com, or a mapping with to and permanent")
]
