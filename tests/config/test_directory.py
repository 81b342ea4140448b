"""`allow: { directory: true }` beside every kind of provider."""

from __future__ import annotations

from typing import Any

import pytest

from config.checks import directory
from config.mistakes import Document, Loaded
from manifests.signin import oauth2_proxy, signin
from tests.manifests.signin_examples import BARE, auth_of, provider, stack, workspace

OF_ONES_OWN: dict[str, dict[str, Any]] = {
    "microsoft": {},
    "ldap": {},
    "saml": {},
    "google": {"hostedDomains": ["example.org"]},
    "github": {"orgs": [{"name": "burrow"}]},
    "gitea": {"orgs": [{"name": "burrow"}]},
    "gitlab": {"groups": ["burrow"]},
    "oidc": {"insecureEnableGroups": True, "allowedGroups": ["staff"]},
}
"""What keeps a provider to people of one's own."""
ANYBODYS = ["google", "github", "gitea", "gitlab", "oidc"]


def told(*kinds: dict[str, Any]) -> list[str]:
    made = workspace(providers=list(kinds), allow={"directory": True})
    file = Loaded(made, Document("workspaces/mcd.yaml", {}, {}))
    return [each.what for each in directory.check(stack(), file)]


@pytest.mark.parametrize("kind", BARE)
def test_a_provider_that_is_kept_to_ones_own_may_let_everybody_in(kind: str) -> None:
    assert told(provider(kind, bare=True, **OF_ONES_OWN[kind])) == []


@pytest.mark.parametrize("kind", ANYBODYS)
def test_a_provider_where_anybody_gets_an_account_may_not(kind: str) -> None:
    bare = {"issuer": "https://accounts.google.com"} if kind == "oidc" else {}
    [what] = told(provider("microsoft", bare=True), provider(kind, bare=True, **bare))
    [key] = set(OF_ONES_OWN[kind]) - {"insecureEnableGroups"}
    assert f"add {key}" in what


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("google", {"hostedDomains": []}),
        ("google", {"hostedDomains": [""]}),
        ("google", {"hostedDomains": ["example.org", " "]}),
        ("github", {"orgs": []}),
        ("gitlab", {"groups": [], "baseURL": "https://git.example.com"}),
        ("oidc", {"issuer": "https://notexample.com"}),
        ("oidc", {"issuer": "https://example.com.evil.example"}),
        ("oidc", {"issuer": "https://id.example.com@evil.example/"}),
        ("oidc", {"issuer": "https://evil.example/.example.com"}),
        ("oidc", {"issuer": "https://evil.example?id.example.com"}),
        ("oidc", {"issuer": "https://evil.example", "insecureEnableGroups": True, "allowedGroups": []}),
    ],
)
def test_what_only_looks_like_a_directory_of_ones_own_is_none(kind: str, fields: dict[str, Any]) -> None:
    assert len(told(provider(kind, bare=True, **fields))) == 1


def test_an_issuer_below_the_stacks_domain_is_ones_own() -> None:
    assert told(provider("oidc", bare=True, issuer="https://id.example.com:8443/realms/home")) == []


def test_rule_08_everybody_of_a_directory_is_every_address_and_no_file() -> None:
    made = workspace(allow={"directory": True})
    [proxy] = signin.proxies(stack(), made)
    options = oauth2_proxy.options(stack(), made, auth_of(made), proxy)
    assert options["email_domains"] == ("*",)
    assert not {"authenticated_emails_file", "allowed_groups"} & set(options)
