"""Stacks, workspaces and one fully written provider of every kind, for the tests of sign-in."""

from __future__ import annotations

import base64
import json
from typing import Any

from config.providers.provider import Provider
from config.signin import Auth
from config.stack import Stack
from config.workspace import Workspace

# A throw-away certificate (CN=warren-test, valid until 2126): Dex parses it when it opens an ldap or saml connector.
PEM = """-----BEGIN CERTIFICATE-----
MIIBgzCCASmgAwIBAgIULL1OOXNKU5zIuGFkNDld7TWdTOwwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLd2FycmVuLXRlc3QwIBcNMjYxMTIxMDcxOTQzWhgPMjEyNjEw
MjgwNzE5NDNaMBYxFDASBgNVBAMMC3dhcnJlbi10ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAESo+7vsC0x8M0/qgcpcq3AsF71Bajfq1HRNxpRetLaaYlVm9S
gVrd4Av6DEECAJv45XUXucXN9wV3Y/s7P1tuqqNTMFEwHQYDVR0OBBYEFJZOPzAY
sGIOFtIyj+SzpYWg/P9KMB8GA1UdIwQYMBaAFJZOPzAYsGIOFtIyj+SzpYWg/P9K
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhALQA16DxCb1eBGCS
+eNshVPiEf1KVAA+yhGDiyCU7VFhAiBn4XGmomHEXOkbFMXXK46uzGxZ1HXwi9xD
pFp0csTEbQ==
-----END CERTIFICATE-----
"""
CERTIFICATE = base64.b64encode(PEM.encode()).decode()
CLIENT = {"clientId": "a-client", "clientSecret": {"secret": "client-secret"}}
ORGS = [{"name": "burrow", "teams": ["diggers", "scouts"]}]

PROVIDERS: dict[str, dict[str, Any]] = {
    "microsoft": {
        **CLIENT,
        "name": "Entra",
        "tenant": "11111111-2222-3333-4444-555555555555",
        "groups": ["staff"],
        "onlySecurityGroups": True,
        "useGroupsAsWhitelist": True,
        "groupNameFormat": "name",
        "emailToLowercase": True,
        "domainHint": "example.com",
        "promptType": "select_account",
        "scopes": ["user.read"],
    },
    "google": {
        **CLIENT,
        "name": "Google",
        "hostedDomains": ["example.com"],
        "serviceAccount": {"secret": "google-key"},
        "domainToAdminEmail": {"example.com": "admin@example.com"},
        "fetchTransitiveGroupMembership": True,
        "promptType": "consent",
    },
    "github": {
        **CLIENT,
        "name": "GitHub",
        "orgs": ORGS,
        "loadAllGroups": True,
        "teamNameField": "slug",
        "useLoginAsID": True,
        "preferredEmailDomain": "example.com",
        "hostName": "github.example.com",
    },
    "gitlab": {
        **CLIENT,
        "name": "GitLab",
        "baseURL": "https://gitlab.example.com",
        "groups": ["burrow/diggers"],
        "useLoginAsID": True,
        "getGroupsPermission": True,
    },
    "gitea": {
        **CLIENT,
        "name": "Forgejo",
        "baseURL": "https://git.example.com:3000",
        "orgs": ORGS,
        "loadAllGroups": True,
        "useLoginAsID": True,
    },
    "oidc": {
        **CLIENT,
        "name": "Authentik",
        "issuer": "https://id.example.com:8443/application/o/warren/",
        "scopes": ["profile", "email", "groups"],
        "insecureEnableGroups": True,
        "allowedGroups": ["staff"],
        "getUserInfo": True,
        "userIDKey": "sub",
        "userNameKey": "name",
        "claimMapping": {"preferred_username": "nickname", "email": "mail", "groups": "roles"},
        "providerDiscoveryOverrides": {
            "tokenURL": "https://id.example.com/token",
            "authURL": "https://id.example.com/auth",
            "jwksURL": "https://id.example.com:9443/keys",
        },
        "pkceChallenge": "S256",
    },
    "ldap": {
        "name": "Directory",
        "host": "ldap.example.com",
        "startTLS": True,
        "rootCAData": CERTIFICATE,
        "bindDN": "cn=reader,dc=example,dc=com",
        "bindPW": {"secret": "bind-password"},
        "usernamePrompt": "Name",
        "userSearch": {
            "baseDN": "ou=people,dc=example,dc=com",
            "username": "uid",
            "filter": "(objectClass=person)",
            "scope": "sub",
            "idAttr": "uid",
            "emailAttr": "mail",
            "nameAttr": "cn",
            "preferredUsernameAttr": "uid",
        },
        "groupSearch": {
            "baseDN": "ou=groups,dc=example,dc=com",
            "nameAttr": "cn",
            "userMatchers": [{"userAttr": "DN", "groupAttr": "member"}],
            "filter": "(objectClass=groupOfNames)",
            "scope": "one",
        },
    },
    "saml": {
        "name": "Old IdP",
        "acceptUnmaintained": True,
        "ssoURL": "https://saml.example.com/sso",
        "caData": CERTIFICATE,
        "usernameAttr": "name",
        "emailAttr": "email",
        "groupsAttr": "groups",
        "entityIssuer": "https://mcd.example.com/dex/callback",
        "ssoIssuer": "https://saml.example.com",
        "allowedGroups": ["staff"],
        "filterGroups": True,
    },
}
"""Provider type -> every key it has."""

BARE: dict[str, dict[str, Any]] = {
    "microsoft": {**CLIENT, "tenant": "example.com"},
    "google": CLIENT,
    "github": CLIENT,
    "gitlab": CLIENT,
    "gitea": {**CLIENT, "baseURL": "https://git.example.com"},
    "oidc": {**CLIENT, "issuer": "https://id.example.com"},
    "ldap": {"host": "ldap.example.com", "userSearch": {"baseDN": "dc=example,dc=com", "username": "uid"}},
    "saml": {
        "acceptUnmaintained": True,
        "ssoURL": "https://saml.example.com/sso",
        "caData": CERTIFICATE,
        "usernameAttr": "name",
        "emailAttr": "email",
    },
}
"""Provider type -> only the keys it needs."""

ALLOWS: dict[str, dict[str, Any]] = {
    "domains": {"emailDomains": ["example.com", "example.org"]},
    "emails": {"emails": ["bob@example.com", "ada@example.com"]},
    "groups": {"groups": ["staff"]},
    "domains and groups": {"emailDomains": ["example.com"], "groups": ["staff"]},
    "emails and groups": {"emails": ["ada@example.com"], "groups": ["staff"]},
}


def stack(**fields: Any) -> Stack:
    """A stack with one node."""
    node = {"name": "pi-1", "role": "control-plane", "ip": "10.0.0.50", "cpu": 4, "memory": "8Gi"}
    written = {
        "domain": "example.com",
        "cluster": {"context": "home", "podCidr": "10.42.0.0/16", "nodes": [node]},
        "cloudflare": {"accountId": "a" * 32, "zoneId": "b" * 32},
    }
    return Stack.model_validate_json(json.dumps({**written, **fields}))


def provider(kind: str, *, bare: bool = False, **fields: Any) -> dict[str, Any]:
    """A provider as it is written."""
    return {"type": kind, "id": kind, **(BARE if bare else PROVIDERS)[kind], **fields}


def workspace(
    name: str = "mcd",
    *,
    host: str | None = None,
    own_hosts: tuple[str, ...] = (),
    providers: list[dict[str, Any]] | None = None,
    allow: dict[str, Any] | None = None,
    **fields: Any,
) -> Workspace:
    """A workspace that signs people in, with a protected app on each of `own_hosts`."""
    image = {"image": "ghcr.io/example/app:1.0.0", "port": 8000, "routes": ["/"]}
    written = {
        "name": name,
        "host": name if host is None else host,
        "quota": {"cpu": "2", "memory": "2Gi"},
        "auth": {
            "providers": [provider("microsoft", bare=True)] if providers is None else providers,
            "allow": ALLOWS["domains"] if allow is None else allow,
        },
        "apps": {"web": image, **{f"app{i}": {**image, "host": label} for i, label in enumerate(own_hosts)}},
    }
    return Workspace.model_validate_json(json.dumps({**written, **fields}))


def auth_of(a_workspace: Workspace) -> Auth:
    """Its sign-in policy."""
    assert a_workspace.auth != "none"
    return a_workspace.auth


def only_provider(kind: str, *, bare: bool = False, **fields: Any) -> Provider:
    """A provider as its model."""
    return auth_of(workspace(providers=[provider(kind, bare=bare, **fields)])).providers[0]
