"""Any identity provider of a sign-in policy, told apart by its `type`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.providers.forges import Gitea, GitHub, GitLab
from config.providers.google import Google
from config.providers.ldap import Ldap
from config.providers.microsoft import Microsoft
from config.providers.oidc import Oidc
from config.providers.saml import Saml

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
