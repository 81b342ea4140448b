"""The rule of `allow: { directory: true }`: no provider of the workspace is one where anybody could get an account."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from config.mistakes import Loaded, Mistake
from config.providers.forges import Gitea, GitHub, GitLab
from config.providers.google import Google
from config.providers.oidc import Oidc
from config.providers.provider import Provider
from config.stack import Stack
from config.workspace import Workspace


def check(stack: Stack, file: Loaded[Workspace]) -> Iterator[Mistake]:
    """One mistake for each provider that is no directory of one's own."""
    auth = file.model.auth
    if auth == "none" or not auth.allow.directory:
        return
    for i, provider in enumerate(auth.providers):
        if fix := _open_to_anybody(provider, stack.domain):
            what = "is where anybody can get an account, and allow.directory would let them in"
            yield file.mistake(("auth", "providers", i), f"{what}; {fix}, or list people instead")


def _open_to_anybody(provider: Provider, domain: str) -> str | None:
    """What keeps it to people of one's own; None where something does.

    Entra has its tenant always. LDAP and SAML are set up with a directory that somebody keeps. Dex refuses at sign-in
    who is in no organization or group that is listed (connector/{google,github,gitlab,gitea,oidc} of v2.45.1).
    """
    match provider:
        case Google():
            # Personal accounts say no domain, and Dex takes an empty one for theirs.
            named = provider.hostedDomains and all(each.strip() for each in provider.hostedDomains)
            return None if named else "add hostedDomains"
        case GitHub() | Gitea():
            return None if provider.orgs else "add orgs"
        case GitLab():
            return None if provider.groups else "add groups"
        case Oidc():
            host = urlsplit(provider.issuer).hostname or ""
            ours = host == domain or host.endswith(f".{domain}")
            return None if ours or provider.allowedGroups else "add allowedGroups"
        case _:
            return None
