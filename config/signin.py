"""What a workspace says about who may come in: `auth`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from config import patterns
from config.fields.addresses import Email, EmailDomain
from config.fields.quantities import Duration, seconds
from config.fields.written import Written, like
from config.providers.provider import Provider
from config.together import editor, has, has_any, has_none, one_of, such_as, where

Group = Annotated[str, like(r"(?!\s*\*?\s*$)[\s\S]*", "the name of a group", "ops")]


def _one_group(text: str) -> str:
    if "," in text:
        raise ValueError(
            "has a comma, where OAuth2-Proxy would read two groups; name one without, or put the app into a workspace "
            "of its own"
        )
    return text


OneGroup = Annotated[
    str, AfterValidator(_one_group), like(r"(?!\s*\*?\s*$)[^,]*", "the name of a group, without a comma", "ops")
]

_EITHER = one_of("emails", "emailDomains", says="OAuth2-Proxy would admit either, so write one of them", needed=False)
_NOBODY = "nobody comes in by omission: list emailDomains, emails or groups"
_EVERYBODY = "directory lets in everybody there; write that, or lists"


class Allow(Written):
    """Who may come in. E-mails or e-mail domains admit; groups narrow that down, or admit on their own."""

    model_config = editor(
        *_EITHER,
        has_any("directory", "emails", "emailDomains", "groups", says=_NOBODY),
        where(has("directory"), has_none("emails", "emailDomains", "groups", says=_EVERYBODY)),
        example={"emailDomains": ["example.com"]},
    )
    emailDomains: tuple[EmailDomain, ...] = ()
    """Everybody with an address in one of these domains."""
    emails: tuple[Email, ...] = ()
    """These people and nobody else."""
    groups: tuple[Group, ...] = ()
    """Members of one of these groups, as the provider names them."""

    directory: bool = False
    """Everybody whom the providers know, instead of lists. Each has to be a directory that not anybody can join: one
    tenant, hosted domain, organization or group, an issuer below the stack's domain, LDAP or SAML."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Allow:
        if self.directory and (self.emails or self.emailDomains or self.groups):
            raise ValueError("has directory, which lets in everybody there, and lists of some; write one of them")
        if not self.directory:
            _check_lists(self)
        return self


class Narrower(Written):
    """Whom of those that the workspace lets in an app or a route lets in. Who is none of them gets 403."""

    model_config = editor(
        *_EITHER, has_any("emails", "emailDomains", "groups", says=_NOBODY), example={"groups": ["ops"]}
    )
    emailDomains: tuple[EmailDomain, ...] = ()
    """Those with an address in one of these domains."""
    emails: tuple[Email, ...] = ()
    """These people and nobody else. Capitals in the provider's own address keep a person out here."""
    groups: Annotated[tuple[OneGroup, ...], such_as(["ops"])] = ()
    """Members of one of these groups, as the provider names them; of those, where there is another list too."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Narrower:
        _check_lists(self)
        return self


def _check_lists(allow: Allow | Narrower) -> None:
    if allow.emails and allow.emailDomains:
        raise ValueError("has both emails and emailDomains; OAuth2-Proxy would admit either, so write one of them")
    if not (allow.emails or allow.emailDomains or allow.groups):
        raise ValueError("admits everyone with an account; list emailDomains, emails or groups")
    if any(group.strip() in ("", "*") for group in allow.groups):
        raise ValueError("has an empty group or *, which says nothing about who may come in; name the groups")


def _session(duration: str) -> str:
    if seconds(duration) > 12 * 3600:
        raise ValueError(f"{duration!r} is longer than 12h, and nothing is rechecked in between; write 12h or less")
    return duration


class Auth(Written):
    """The sign-in policy of a workspace."""

    providers: Annotated[tuple[Provider, ...], Field(min_length=1)]
    """Where people sign in. With several, the sign-in page asks which."""
    allow: Allow
    """Whom of those that the providers know."""
    session: Annotated[
        Duration,
        AfterValidator(_session),
        like(patterns.durations_up_to(12 * 3600), "a duration of at most 12h", "30m"),
    ] = "12h"
    """How long a sign-in lasts, at most 12h: nothing is rechecked in between (security rule 10)."""
