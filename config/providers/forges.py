"""Where code lives: GitHub, GitLab, and Gitea with Forgejo."""

from __future__ import annotations

from typing import Annotated, Literal

from config.fields.addresses import Domain
from config.fields.written import Written
from config.providers.common import BaseUrl, OAuthClient, Text, Texts
from config.together import such_as


class Org(Written):
    """A GitHub or Gitea organization, and optionally only some of its teams."""

    name: Annotated[Text, such_as("example")]
    """The organization."""
    teams: Annotated[Texts | None, such_as(["maintainers"])] = None
    """Only members of these teams."""


class GitHub(OAuthClient):
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


class GitLab(OAuthClient):
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


class Gitea(OAuthClient):
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
