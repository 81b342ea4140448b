"""The rules of `allow` on an app or a route: it says something, and somebody whom the workspace lets in can meet it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from config.mistakes import KeyPath, Loaded, Mistake
from config.providers.forges import Gitea
from config.signin import Allow, Auth, Narrower
from config.workspace import Workspace

LONGEST = 3000
"""Characters of all names together, as they are encoded for OAuth2-Proxy. nginx reads no config with a word of more
than 4096 in it."""


def check(file: Loaded[Workspace], *, groups: bool) -> Iterator[Mistake]:
    """Everything that is wrong with every `allow` below the apps.

    Args:
        file: The workspace.
        groups: Whether any of its providers says which groups its people are in.
    """
    auth = file.model.auth
    for name, app in file.model.apps.items():
        places: list[tuple[KeyPath, Narrower | None, bool]] = [
            (("apps", name, "allow"), app.allow, all(rule.public or rule.redirect for rule in app.routes)),
            *((("apps", name, "routes", i, "allow"), rule.allow, rule.public) for i, rule in enumerate(app.routes)),
        ]
        for at, allow, opened in places:
            if allow is None:
                continue
            if auth == "none" or opened:
                yield file.mistake(at, "narrows down who is signed in, and nobody signs in here; leave it out")
                continue
            for below, what in [*_beyond(auth.allow, allow), *_unknown(auth, allow, groups=groups), *_too_long(allow)]:
                yield file.mistake((*at, *below), what)


def _beyond(workspace: Allow, allow: Narrower) -> Iterator[tuple[KeyPath, str]]:
    """Whom the workspace never lets in."""
    for i, email in enumerate(allow.emails):
        known = not workspace.emailDomains or email.partition("@")[2] in workspace.emailDomains
        if not known or (workspace.emails and email not in workspace.emails):
            yield ("emails", i), f"{email} is nobody whom auth.allow lets in; add them there, or leave them out here"
    for i, domain in enumerate(allow.emailDomains):
        theirs = workspace.emailDomains or {email.partition("@")[2] for email in workspace.emails}
        if theirs and domain not in theirs:
            yield ("emailDomains", i), f"{domain} has nobody whom auth.allow lets in; add it there, or leave it out"


def _unknown(auth: Auth, allow: Narrower, *, groups: bool) -> Iterator[tuple[KeyPath, str]]:
    if (allow.emails or allow.emailDomains) and any(isinstance(provider, Gitea) for provider in auth.providers):
        what = "goes by address, and users of gitea choose their own, so they choose who they are; use groups alone"
        yield (), what
    if allow.groups and not groups:
        yield ("groups",), "keeps everybody out, because no provider here says which groups its people are in"


def _too_long(allow: Narrower) -> Iterator[tuple[KeyPath, str]]:
    length = sum(len(quote(each, safe="")) + 1 for each in (*allow.emails, *allow.emailDomains, *allow.groups))
    if length > LONGEST:
        yield (), f"is {length} characters long, and {LONGEST} are what can be asked at once; use a group"
