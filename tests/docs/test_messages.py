"""What messages name is there, for a person whose platform is in a repository of its own too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.test_docs import prose

ROOT = Path(__file__).parents[2]
ROOMS = ("config", "manifests", "components", "smoke", "scripts", "sandbox")
_PAGE = re.compile(r"(?<![\w/])docs/[a-z-]+\.md")
_NAMED = re.compile(r"Warren's docs/([a-z-]+\.md)(?:, ([A-Z][^:;()]*))?")


def texts() -> Iterator[tuple[str, str]]:
    """Every text in the code that is no docstring, with where it stands."""
    for file in sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        tree = ast.parse(file.read_text("utf-8"), str(file))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield f"{file.relative_to(ROOT)}:{node.lineno}", node.value


NAMED = [(place, *named) for place, text in texts() for named in _NAMED.findall(text)]


def test_a_message_says_that_a_page_is_warrens() -> None:
    """In a platform repository docs/ is not where the reader is."""
    pages = [(place, text) for place, text in texts() if _PAGE.search(text)]
    assert len(pages) >= 10
    assert [place for place, text in pages if len(_PAGE.findall(text)) != text.count("Warren's docs/")] == []


@pytest.mark.parametrize(("place", "page", "heading"), NAMED, ids=[place for place, *_ in NAMED])
def test_a_page_that_a_message_names_is_there_with_its_heading(place: str, page: str, heading: str) -> None:
    headings = re.findall(r"^#+ (.+)$", prose(ROOT / "docs" / page), re.MULTILINE)
    assert any(heading in each for each in headings), place


def test_no_message_names_a_stack_file_that_only_warren_has() -> None:
    assert [place for place, text in texts() if "Pulumi.home" in text] == []
