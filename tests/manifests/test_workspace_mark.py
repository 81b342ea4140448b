"""The mark by which a preview tells whether a workspace's file is another."""

from __future__ import annotations

from typing import Any

import pytest

from config.load import parse_yaml, validate
from config.workspace import Workspace
from manifests.app.static import StaticFiles
from manifests.workspace import mark
from tests.config import examples

WRITTEN = """\
name: ws
host: ws
quota: { cpu: "1", memory: 1Gi }
auth: none
apps:
  web: { image: "ghcr.io/example/app:1", port: 8000, routes: [/], env: { A: "1", B: { secret: ws-b } } }
  site: { static: ws/site, routes: [/site] }
"""
SITE = StaticFiles((("index.html", b"hello"),))


def _mark(text: str = WRITTEN, site: StaticFiles = SITE, **settings: Any) -> str:
    workspace = validate(Workspace, parse_yaml(text, "ws.yaml")).model
    return mark.of(examples.stack(**settings), workspace, {"site": site})


@pytest.mark.parametrize(
    "same",
    [
        {"text": "# a comment\n" + WRITTEN},
        {"text": WRITTEN.replace("host: ws\n", "") + "host: ws\n"},
        {"images": {"other/web": "ghcr.io/example/app:2"}},
        {"tunnel": {"replicas": 3}},
    ],
    ids=["a comment", "the order of keys", "another workspace's image", "a setting of the stack"],
)
def test_a_mark_is_of_what_is_written_for_the_workspace_only(same: dict[str, Any]) -> None:
    assert _mark(**same) == _mark()
    assert len(_mark()) == 16


@pytest.mark.parametrize(
    "other",
    [
        {"text": WRITTEN.replace('A: "1"', 'A: "2"')},
        {"text": WRITTEN.replace("auth: none\n", "auth: none\negress: { internet: false }\n")},
        {"site": StaticFiles((("index.html", b"hallo"),))},
        {"site": StaticFiles((("index.html", b"hello"), ("a.txt", b"")))},
        {"images": {"ws/web": "ghcr.io/example/app:2"}},
    ],
    ids=["a value", "a key", "a file", "one file more", "an image"],
)
def test_another_word_file_or_image_is_another_mark(other: dict[str, Any]) -> None:
    assert _mark(**other) != _mark()


def test_a_key_that_a_later_warren_adds_is_no_other_mark() -> None:
    class Later(Workspace):
        added: int = 3

    later = validate(Later, parse_yaml(WRITTEN, "ws.yaml")).model
    assert mark.of(examples.stack(), later, {"site": SITE}) == _mark()
