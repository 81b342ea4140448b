"""A directory that is asked over LDAP."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.fields.secrets import Secret
from config.fields.written import Written
from config.providers.common import Certificate, Connector, Text
from config.together import such_as


class UserSearch(Written):
    """How LDAP finds a person."""

    baseDN: Annotated[Text, such_as("ou=people,dc=example,dc=com")]
    """Where people are."""
    username: Annotated[Text, such_as("uid")]
    """The attribute that holds what a person types."""
    filter: Annotated[Text | None, such_as("(objectClass=posixAccount)")] = None
    """Only entries that match."""
    scope: Literal["sub", "one"] | None = None
    """The whole tree, or one level."""
    idAttr: Annotated[Text | None, such_as("uid")] = None
    """The attribute with the person's id; uid when left out."""
    emailAttr: Annotated[Text | None, such_as("mail")] = None
    """The attribute with the address; mail when left out."""
    nameAttr: Annotated[Text | None, such_as("cn")] = None
    """The attribute with the name."""
    preferredUsernameAttr: Annotated[Text | None, such_as("uid")] = None
    """The attribute with the user name."""


class UserMatcher(Written):
    """Which attribute of a group names which attribute of a person."""

    userAttr: Annotated[Text, such_as("DN")]
    """The person's attribute."""
    groupAttr: Annotated[Text, such_as("member")]
    """The group's attribute that has the same value."""


class GroupSearch(Written):
    """How LDAP finds a person's groups."""

    baseDN: Annotated[Text, such_as("ou=people,dc=example,dc=com")]
    """Where groups are."""
    nameAttr: Annotated[Text, such_as("cn")]
    """The attribute with the group's name."""
    userMatchers: Annotated[tuple[UserMatcher, ...], Field(min_length=1)]
    """How groups and people belong together."""
    filter: Annotated[Text | None, such_as("(objectClass=posixAccount)")] = None
    """Only entries that match."""
    scope: Literal["sub", "one"] | None = None
    """The whole tree, or one level."""


class Ldap(Connector):
    """A directory over TLS: port 636, or 389 with `startTLS`."""

    type: Literal["ldap"]
    host: Annotated[Text, such_as("ldap.example.com:636")]
    """The server, with its port unless that is the usual one."""
    startTLS: bool | None = None
    """Begin on 389 and switch to TLS."""
    rootCAData: Certificate | None = None
    """The CA certificate, base64 of its PEM."""
    bindDN: Annotated[Text | None, such_as("cn=reader,dc=example,dc=com")] = None
    """Who searches; nobody in particular when left out."""
    bindPW: Secret | None = None
    """Its password, by name."""
    usernamePrompt: Annotated[Text | None, such_as("User name")] = None
    """What the sign-in page calls the user name."""
    userSearch: UserSearch
    """How people are found."""
    groupSearch: GroupSearch | None = None
    """How groups are found; nobody has any when left out."""
