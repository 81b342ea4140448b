"""Any OpenID Connect issuer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from config.fields.written import Written
from config.providers.common import Https, OAuthClient, Text, Texts
from config.together import editor, has, such_as, where


class ClaimMapping(Written):
    """Claims under other names at the upstream issuer."""

    preferred_username: Annotated[Text | None, such_as("upn")] = None
    """The claim that holds the user name."""
    email: Annotated[Text | None, such_as("mail")] = None
    """The claim that holds the e-mail address."""
    groups: Annotated[Text | None, such_as("roles")] = None
    """The claim that holds the groups."""


class DiscoveryOverrides(Written):
    """Endpoints that the issuer's discovery document has wrong."""

    tokenURL: Https | None = None
    """The token endpoint."""
    authURL: Https | None = None
    """The authorization endpoint."""
    jwksURL: Https | None = None
    """The keys."""


class Oidc(OAuthClient):
    """Any OpenID Connect issuer."""

    model_config = editor(
        where(
            has("allowedGroups"),
            has("insecureEnableGroups", says="Dex looks at allowedGroups with insecureEnableGroups: true only"),
        )
    )
    type: Literal["oidc"]
    issuer: Https
    """The issuer's address, exactly as its tokens have it."""
    scopes: Annotated[Texts | None, such_as(["email"])] = None
    """Instead of profile and email."""
    insecureEnableGroups: bool | None = None
    """Dex's own name: groups are not renewed until the next sign-in."""
    allowedGroups: Annotated[Texts | None, such_as(["ops"])] = None
    """Only members of these groups can sign in."""
    getUserInfo: bool | None = None
    """Ask the userinfo endpoint for claims that the token lacks."""
    userIDKey: Annotated[Text | None, such_as("sub")] = None
    """The claim that holds the person's id; sub when left out."""
    userNameKey: Annotated[Text | None, such_as("name")] = None
    """The claim that holds the person's name; name when left out."""
    claimMapping: ClaimMapping | None = None
    """Claims that have other names there."""
    providerDiscoveryOverrides: DiscoveryOverrides | None = None
    """Endpoints that its discovery document has wrong."""
    pkceChallenge: Literal["S256"] | None = None
    """For issuers that ask for PKCE."""

    @model_validator(mode="after")
    def _groups(self) -> Oidc:
        if self.allowedGroups and not self.insecureEnableGroups:
            # oidc.go createIdentity looks at allowedGroups only then: alone it would let everybody in.
            raise ValueError("has allowedGroups without insecureEnableGroups: true, so Dex would not look at them")
        return self
