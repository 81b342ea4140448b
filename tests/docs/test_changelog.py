"""CHANGELOG.md: the versions it names, in order, and whether this is the newest of them or on the way to it."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from config.version import VERSION, order
from tests.docs.test_docs import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
UNRELEASED = "Unreleased"
SECTIONS = ["Breaking", "Security", "Added", "Changed", "Fixed", "Not there yet"]


def wrong(changelog: str, version: str) -> str:
    """What does not fit between a changelog and the version of the tree that it is in; empty when all does."""
    headings = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    releases = [heading for heading in headings if heading != UNRELEASED]
    if UNRELEASED in headings[1:]:
        return "what is unreleased stands first"
    if not all(order(newer) > order(older) for newer, older in pairwise(releases)):
        return "a release stands above an older one"
    newest = releases[0] if releases else "0.0.0"
    if headings[:1] == [UNRELEASED]:
        return "" if order(version) > order(newest) else f"something is unreleased: VERSION has to be after {newest}"
    return "" if version == newest else f"nothing is unreleased: VERSION has to be {newest}"


def test_the_changelog_fits_the_version() -> None:
    assert wrong(CHANGELOG, VERSION) == ""


@pytest.mark.parametrize(
    ("headings", "version", "said"),
    [
        ("Unreleased", "0.1.0", ""),
        ("0.1.0", "0.1.0", ""),
        ("0.1.0", "0.1.1", "nothing is unreleased: VERSION has to be 0.1.0"),
        ("0.1.0", "0.1.0-rc.1", "nothing is unreleased: VERSION has to be 0.1.0"),
        ("Unreleased 0.1.0", "0.1.0", "something is unreleased: VERSION has to be after 0.1.0"),
        ("Unreleased 0.1.0", "0.2.0-dev", ""),
        ("Unreleased 0.2.0 0.1.0", "0.2.1", ""),
        ("0.1.0 Unreleased", "0.1.0", "what is unreleased stands first"),
        ("0.9.0 0.10.0", "0.9.0", "a release stands above an older one"),
        ("0.1.0 0.1.0", "0.1.0", "a release stands above an older one"),
    ],
)
def test_what_does_not_fit_is_told(headings: str, version: str, said: str) -> None:
    assert wrong("".join(f"## {heading}\n" for heading in headings.split()), version) == said


def test_every_version_has_the_same_sections_in_the_same_order() -> None:
    for version in re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)[1:]:
        sections = re.findall(r"^### (.*)$", version, re.MULTILINE)
        assert sections == [section for section in SECTIONS if section in sections], version.splitlines()[0]


def test_no_second_place_says_the_version() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8").partition("[tool.")[0]
    assert not re.search(r"^version\b", project, re.MULTILINE)
