"""Entra ID."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from config import patterns
from config.fields.written import like
from config.providers.common import OAuthClient, Text, Texts, plain
from config.together import such_as

_EVERYBODYS_TENANTS = ("common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad", "")
"""The last one but "" is where personal Microsoft accounts live: `consumers` by its id."""
_EVERYBODYS = patterns.any_of(*map(patterns.any_case, _EVERYBODYS_TENANTS[:-1]))


def _tenant(text: str) -> str:
    # Microsoft does not mind capitals here, Dex does: "Common" would pass for a directory.
    if text.lower() in _EVERYBODYS_TENANTS:
        raise ValueError(f"{text!r} lets every Microsoft account in; write your directory's tenant id or domain")
    if not re.fullmatch(r"[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*", text):
        raise ValueError(f"{text!r} is not a tenant: write your directory's id or its domain")
    return text


class Microsoft(OAuthClient):
    """Entra ID. `tenant` is required: without it every Microsoft account would be known."""

    type: Literal["microsoft"]
    tenant: Annotated[
        str,
        AfterValidator(_tenant),
        AfterValidator(plain),
        like(
            rf"(?!{_EVERYBODYS}$)[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*",
            "a directory's id or domain, never that of everybody",
            "example.com",
        ),
    ]
    """The directory's id or domain; it decides whose accounts count."""
    groups: Annotated[Texts | None, such_as(["ops"])] = None
    """Only members of these groups can sign in."""
    onlySecurityGroups: bool | None = None
    """Count security groups only."""
    useGroupsAsWhitelist: bool | None = None
    """Tell apps about the groups listed here only."""
    groupNameFormat: Literal["id", "name"] | None = None
    """Whether groups are known by name or by id."""
    emailToLowercase: bool | None = None
    """For directories that write addresses in capitals."""
    domainHint: Annotated[Text | None, such_as("example.com")] = None
    """Skips the choice of account for people of this domain."""
    promptType: Annotated[Text | None, such_as("consent")] = None
    """What Microsoft asks at every sign-in, such as select_account."""
    scopes: Annotated[Texts | None, such_as(["email"])] = None
    """Instead of user.read."""
