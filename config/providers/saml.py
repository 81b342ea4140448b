"""SAML 2.0, which Dex no longer maintains."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from config.providers.common import Certificate, Connector, Https, Text, Texts
from config.together import editor, has, such_as, where


class Saml(Connector):
    """SAML 2.0. Unmaintained in Dex (rule 21): the file must say that you accept that."""

    model_config = editor(
        where(
            has("allowedGroups"), has("groupsAttr", says="allowedGroups needs groupsAttr, which says where groups are")
        )
    )
    type: Literal["saml"]
    acceptUnmaintained: Literal[True]
    """That you know it."""
    ssoURL: Https
    """Where people sign in."""
    caData: Certificate
    """The signing certificate, base64 of its PEM."""
    usernameAttr: Annotated[Text, such_as("name")]
    """The attribute with the user name."""
    emailAttr: Annotated[Text, such_as("email")]
    """The attribute with the address."""
    groupsAttr: Annotated[Text | None, such_as("groups")] = None
    """The attribute with the groups."""
    entityIssuer: Annotated[Text | None, such_as("warren")] = None
    """How Dex calls itself there."""
    ssoIssuer: Annotated[Text | None, such_as("https://id.example.com")] = None
    """How the provider calls itself."""
    allowedGroups: Annotated[Texts | None, such_as(["ops"])] = None
    """Only members of these groups can sign in."""
    filterGroups: bool | None = None
    """Tell apps about the allowed groups only."""

    @model_validator(mode="after")
    def _groups(self) -> Saml:
        if self.allowedGroups and self.groupsAttr is None:
            raise ValueError("has allowedGroups and no groupsAttr that says where the groups are")
        return self
