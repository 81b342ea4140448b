"""The rules inside one workspace file that no single value can break. Each function is one family.

Does not own what a value may look like (`config.fields`, models), nor one app alone
(`check_app`), nor what needs the stack or other files (`check`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import PurePosixPath

from config import reserved
from config.checks import check_app, check_clients, check_narrower, check_order, load_balancers, openings
from config.checks.usage import own_volumes
from config.mistakes import Loaded, Mistake
from config.providers.forges import Gitea, GitHub, GitLab
from config.providers.microsoft import Microsoft
from config.providers.provider import Provider, says_groups
from config.signin import Allow, Auth
from config.workspace import Workspace

File = Loaded[Workspace]


def check(file: File) -> list[Mistake]:
    """Everything that is wrong inside one workspace file."""
    workspace = file.model
    found = [*_names(file), *_access(file), *_egress(file), *check_clients.check(file)]
    found += check_app.in_the_open(file.document, ("env",), workspace.env)
    if workspace.auth != "none":
        found += _auth(file, workspace.auth)
    for name, app in workspace.apps.items():
        found += check_app.check(file, name, app)
    groups = workspace.auth != "none" and any(map(gives_groups, workspace.auth.providers))
    found += check_narrower.check(file, groups=groups)
    return [*found, *_claims(file), *check_order.check(file), *load_balancers.check_workspace(file)]


def _names(file: File) -> Iterator[Mistake]:
    name = file.model.name
    expected = PurePosixPath(file.document.file).stem
    if name != expected:
        yield file.mistake(("name",), f"is {name!r} in a file called {expected}.yaml; rename one of them")
    if name in reserved.NAMESPACES or name.startswith(reserved.PREFIXES):
        yield file.mistake(("name",), f"{name!r} is a namespace of the system; choose another name")
    elif name in reserved.SERVICE_NAMESPACES or name.endswith(reserved.SUFFIX):
        yield file.mistake(("name",), f"{name!r} is a namespace of a platform service; choose another name")


def _access(file: File) -> Iterator[Mistake]:
    for role, groups in (("edit", file.model.access.edit), ("view", file.model.access.view)):
        for i, group in enumerate(groups):
            if group.strip() in ("", "*") or group.startswith("system:"):
                yield file.mistake(("access", role, i), "is not a group of your people; name one as the issuer does")


def _egress(file: File) -> Iterator[Mistake]:
    for i, opening in enumerate(file.model.egress.allow):
        network = ipaddress.ip_network(opening.cidr)
        if openings.far_wider(network):
            yield file.mistake(
                ("egress", "allow", i, "cidr"),
                f"{opening.cidr} is far wider than a network; use internet: true, or name the network that you mean",
            )


def _auth(file: File, auth: Auth) -> Iterator[Mistake]:
    seen: dict[str, int] = {}
    for i, provider in enumerate(auth.providers):
        if provider.id in seen:
            yield file.mistake(
                ("auth", "providers", i, "id"),
                f"{provider.id!r} is taken by providers[{seen[provider.id]}]; give each its own id",
            )
        seen.setdefault(provider.id, i)
        if isinstance(provider, Gitea) and _by_email(auth.allow):
            yield file.mistake(
                ("auth", "providers", i),
                "is a gitea provider, whose users choose their own e-mail address, so an e-mail list would admit "
                "anyone; use allow.groups alone",
            )
        if auth.allow.groups and not gives_groups(provider):
            yield file.mistake(
                ("auth", "providers", i),
                "never says which groups its people are in, so allow.groups keeps all of them out; "
                f"add {_GROUPS_BY[provider.type]}",
            )


_GROUPS_BY = {
    "google": "serviceAccount and domainToAdminEmail",
    "gitea": "orgs, or loadAllGroups: true",
    "oidc": "insecureEnableGroups: true",
    "ldap": "groupSearch",
    "saml": "groupsAttr",
}


def gives_groups(provider: Provider) -> bool:
    """Whether Dex learns a person's groups from this provider (the connectors of dexidp/dex v2.45.1)."""
    # Entra, GitHub and GitLab give them whenever they are asked; the others only with the keys for it.
    return isinstance(provider, Microsoft | GitHub | GitLab) or says_groups(provider)


def _by_email(allow: Allow) -> bool:
    return bool(allow.emails or allow.emailDomains)


def _claims(file: File) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    for name, app in file.model.apps.items():
        for volume in own_volumes(app):
            claim = f"{name}-{volume}"
            if claim in seen:
                yield file.mistake(
                    ("apps", name, "volumes", volume),
                    f"would share the claim {claim!r} with {seen[claim]}; rename one of them",
                )
            seen.setdefault(claim, f"apps.{name}.volumes.{volume}")
