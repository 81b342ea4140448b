"""Google accounts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from config.fields.addresses import Domain, Email
from config.fields.secrets import Secret
from config.providers.common import OAuthClient, Text, Texts
from config.together import editor, has, has_none, such_as, where


class Google(OAuthClient):
    """Google accounts; `hostedDomains` keeps it to a Workspace's own.

    Dex's own `groups` is missing on purpose: Dex applies it only when the login address asks for groups, which is the
    visitor's to edit (google.go createIdentity), so it would fail open. `allow.groups` holds, and needs
    `serviceAccount` to know the groups.
    """

    model_config = editor(
        where(
            has("serviceAccount"),
            has("domainToAdminEmail", says="groups need both serviceAccount and domainToAdminEmail"),
            has_none("domainToAdminEmail", says="groups need both serviceAccount and domainToAdminEmail"),
        ),
        where(
            has("fetchTransitiveGroupMembership"),
            has("serviceAccount", says="fetchTransitiveGroupMembership needs a serviceAccount to fetch groups with"),
        ),
    )
    type: Literal["google"]
    hostedDomains: Annotated[Texts | None, such_as(["example.com"])] = None
    """Only accounts of these Google Workspace domains."""
    serviceAccount: Secret | None = None
    """The JSON key of a service account that may read the directory's groups."""
    domainToAdminEmail: dict[Domain, Email] | None = None
    """Domain -> the administrator that the service account acts as."""
    fetchTransitiveGroupMembership: bool | None = None
    """Groups of groups too."""
    promptType: Annotated[Text | None, such_as("consent")] = None
    """What Google asks at every sign-in, such as consent."""

    @model_validator(mode="after")
    def _groups(self) -> Google:
        if (self.serviceAccount is None) != (not self.domainToAdminEmail):
            raise ValueError("has one of serviceAccount and domainToAdminEmail; groups need both")
        if self.fetchTransitiveGroupMembership and self.serviceAccount is None:
            raise ValueError("has fetchTransitiveGroupMembership and no serviceAccount to fetch groups with")
        return self
