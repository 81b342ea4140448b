"""Identity providers, each with exactly the keys that Dex 2.45 reads for it.

Dex ignores keys it does not know, so a typo in an allow-list would fail open (security rule 19). Keys keep Dex's
spelling, except `clientId` (the rest of the file says it so) and secrets, which are references. `redirectURI` is set by
Warren. Keys that skip a check (`insecureSkipVerify`, ...) are missing on purpose (rule 21).
Source: the `Config` structs under `connector/` of dexidp/dex v2.45.1.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from config import patterns
from config.fields.addresses import Domain, Email
from config.fields.names import Name
from config.fields.secrets import Secret
from config.fields.written import Written, like
from config.together import editor, has, has_none, such_as, where


def _https(text: str) -> str:
    if not text.startswith("https://") or len(text) < 12:
        raise ValueError(f"{text!r} is not an https:// address")
    return text


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


def _plain(text: str) -> str:
    if "{{" in text or "$" in text:
        raise ValueError("has {{ or $, which Dex's image would expand; leave them out")
    return text


def _certificate(text: str) -> str:
    try:
        pem = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pem = b""
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise ValueError("is not a certificate: write the base64 of its PEM file on one line (base64 -w0 ca.pem)")
    return text


_UNEXPANDED = r"(?![\s\S]*\{\{)"
Certificate = Annotated[
    str,
    AfterValidator(_certificate),
    like("[A-Za-z0-9+/]+={0,2}", "a PEM file in base64, on one line", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"),
]
Https = Annotated[
    str,
    AfterValidator(_https),
    AfterValidator(_plain),
    like(rf"{_UNEXPANDED}https://[^$]{{4,}}", "an address that starts with https://", "https://git.example.com"),
]
"""As it is written: some issuers and endpoints end in a slash, and Dex compares an issuer letter by letter."""
BaseUrl = Annotated[Https, AfterValidator(lambda text: text.rstrip("/"))]
"""What paths are added to."""
Text = Annotated[str, AfterValidator(_plain), like(rf"{_UNEXPANDED}[^$]*", "text without {{ and $")]
Texts = tuple[Text, ...]


class _Provider(Written):
    id: Annotated[Name, such_as("company")]
    """Stays as it is for the life of the workspace: people's identities hang on it."""
    name: Annotated[Text | None, such_as("Company account")] = None
    """What the sign-in page shows; the id when left out."""


class _OAuthClient(_Provider):
    clientId: Annotated[Text, such_as("0123-4567")]
    """The application's id at the provider."""
    clientSecret: Secret
    """Its secret, by name."""


class Microsoft(_OAuthClient):
    """Entra ID. `tenant` is required: without it every Microsoft account would be known."""

    type: Literal["microsoft"]
    tenant: Annotated[
        str,
        AfterValidator(_tenant),
        AfterValidator(_plain),
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


class Google(_OAuthClient):
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


class Org(Written):
    """A GitHub or Gitea organization, and optionally only some of its teams."""

    name: Annotated[Text, such_as("example")]
    """The organization."""
    teams: Annotated[Texts | None, such_as(["maintainers"])] = None
    """Only members of these teams."""


class GitHub(_OAuthClient):
    """github.com, or a GitHub Enterprise `hostName`."""

    type: Literal["github"]
    orgs: tuple[Org, ...] | None = None
    """Only members of these organizations can sign in."""
    loadAllGroups: bool | None = None
    """Tell apps about all of a person's organizations and teams."""
    teamNameField: Literal["name", "slug", "both"] | None = None
    """Whether teams are known by name, by slug, or by both."""
    useLoginAsID: bool | None = None
    """The login name as the person's id. Logins can change hands; ids cannot."""
    preferredEmailDomain: Domain | None = None
    """Which of a person's addresses to take."""
    hostName: Domain | None = None
    """A GitHub Enterprise server instead of github.com."""


class GitLab(_OAuthClient):
    """gitlab.com, or another `baseURL`."""

    type: Literal["gitlab"]
    baseURL: BaseUrl | None = None
    """Another server than https://gitlab.com."""
    groups: Annotated[Texts | None, such_as(["ops"])] = None
    """Only members of these groups can sign in."""
    useLoginAsID: bool | None = None
    """The login name as the person's id. Logins can change hands; ids cannot."""
    getGroupsPermission: bool | None = None
    """Add the role to each group, such as team:owner."""


class Gitea(_OAuthClient):
    """A Gitea or Forgejo server. Its users choose their own e-mail address: admit by group, not by e-mail (rule 20)."""

    type: Literal["gitea"]
    baseURL: BaseUrl
    """The server's address."""
    orgs: tuple[Org, ...] | None = None
    """Only members of these organizations can sign in."""
    loadAllGroups: bool | None = None
    """Tell apps about all of a person's organizations and teams."""
    useLoginAsID: bool | None = None
    """The login name as the person's id. Logins can change hands; ids cannot."""


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


class Oidc(_OAuthClient):
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


class Ldap(_Provider):
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


class Saml(_Provider):
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


Provider = Annotated[Microsoft | Google | GitHub | GitLab | Gitea | Oidc | Ldap | Saml, Field(discriminator="type")]


def says_groups(provider: Provider) -> bool:
    """Whether a provider's keys ask for groups."""
    match provider:
        case Microsoft():
            return bool(provider.groups or provider.onlySecurityGroups or provider.groupNameFormat)
        case Google():
            return provider.serviceAccount is not None
        case GitHub() | Gitea():
            return bool(provider.orgs or provider.loadAllGroups)
        case GitLab():
            return bool(provider.groups or provider.getGroupsPermission)
        case Oidc():
            return bool(provider.insecureEnableGroups)
        case Ldap():
            return provider.groupSearch is not None
        case Saml():
            return provider.groupsAttr is not None
