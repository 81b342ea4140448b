"""A workspace more on a stack's list: nothing else in the file changes, or nothing at all."""

from __future__ import annotations

import pytest

from config.files.listing import listed
from config.load import parse_yaml

HEAD = "# mine\nconfig: # all of it\n  warren:domain: example.com\n"
TAIL = "  warren:cluster: { context: home } # here\n"

LISTS = [
    ("  warren:workspaces: [a, b]\n", "  warren:workspaces: [a, b, club]\n"),
    ("  warren:workspaces: [a, b] # of friends\n", "  warren:workspaces: [a, b, club] # of friends\n"),
    ("  warren:workspaces: [ a ]\n", "  warren:workspaces: [ a, club ]\n"),
    ("  warren:workspaces: ['a', \"b\"]\n", "  warren:workspaces: ['a', \"b\", club]\n"),
    ("  warren:workspaces: []\n", "  warren:workspaces: [club]\n"),
    ("  warren:workspaces: [a, b, ]\n", "  warren:workspaces: [a, b, club, ]\n"),
    ("  warren:workspaces: [a,\n    b]\n", "  warren:workspaces: [a,\n    b, club]\n"),
    (
        "  warren:workspaces:\n    [\n      a, # one\n      b # two\n    ]\n",
        "  warren:workspaces:\n    [\n      a, # one\n      b, # two\n      club\n    ]\n",
    ),
    (
        "  warren:workspaces: [\n      a,\n      b, # two\n    ]\n",
        "  warren:workspaces: [\n      a,\n      b, # two\n      club,\n    ]\n",
    ),
    (
        "  warren:workspaces:\n    - a # one\n    - b # two\n    # three\n",
        "  warren:workspaces:\n    - a # one\n    - b # two\n    - club\n    # three\n",
    ),
    ("  warren:workspaces:\n  - a\n  -   b\n", "  warren:workspaces:\n  - a\n  -   b\n  - club\n"),
    ("  warren:workspaces:\n", "  warren:workspaces: [club]\n"),
    ("  warren:workspaces: # none yet\n", "  warren:workspaces: [club] # none yet\n"),
    ("  workspaces: [a]\n", "  workspaces: [a, club]\n"),
    ('  "warren:workspaces": [a]\n', '  "warren:workspaces": [a, club]\n'),
    ("  warren:workspaces: &names [a, b]\n", "  warren:workspaces: &names [a, b, club]\n"),
]


@pytest.mark.parametrize(("before", "after"), LISTS, ids=[before for before, _ in LISTS])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["unix", "windows"])
def test_a_name_is_added_at_the_end_and_nothing_else_changes(before: str, after: str, newline: str) -> None:
    text, wanted = ((HEAD + each + TAIL).replace("\n", newline) for each in (before, after))
    assert listed(text, "club") == wanted
    assert listed(wanted, "club") == wanted, "it is there"


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_list_at_the_end_of_the_file_is_added_to(end: str) -> None:
    assert listed(f"{HEAD}  warren:workspaces:\n    - a{end}", "club").endswith(f"    - a\n    - club{end}")


def test_a_list_that_is_missing_is_made() -> None:
    assert listed(HEAD + TAIL, "club") == (HEAD + TAIL).replace(
        "  warren:domain", "  warren:workspaces: [club]\n  warren:domain"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "encryptionsalt: x\n",
        "config: {}\n",
        "config: { warren:domain: example.com }\n",
        "config:\n  warren:workspaces: '[\"a\"]'\n",
        "config:\n  warren:workspaces: a\n",
        "config:\n  warren:workspaces: { a: b }\n",
        "config:\n  warren:workspaces: [&x a, b, *x]\n",
        "names: &names [a]\nconfig:\n  warren:workspaces: *names\n",
        "config:\n  warren:workspaces: &names [a]\n  warren:more: *names\n",
    ],
)
def test_what_a_program_should_not_edit_says_what_to_write(text: str) -> None:
    filled = text or "# nothing\nconfig: 1\n"
    with pytest.raises(ValueError, match=r"write: warren:workspaces: \[.*club\]") as refused:
        listed(filled, "club")
    assert ("[..., club]" in str(refused.value)) is any(word in text for word in ("'[", ": a\n", "{ a"))
    assert parse_yaml(filled, "").data
