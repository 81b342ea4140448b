"""Folders of config files: read once, and each file written at its app."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.app import App
from config.app_files import MOST_FILES
from config.mistakes import Mistakes
from manifests.app import static
from tests.config.files import edited, load, write

OF_FILES = edited(
    "workspaces/mcd.yaml", ("health: /healthz", "files: { /etc/app: { folder: mcd/parts }, /etc/app/b: own }")
)


def hello(root: Path) -> App:
    return next(each for each in load(root).workspaces if each.name == "mcd").apps["hello"]


def test_an_app_gets_the_files_of_a_folder_one_by_one_and_its_own_win(tmp_path: Path) -> None:
    parts = {"a.yaml": "a: 1\n", "deep/c.yaml": "c: 3\n", "b": "theirs\n", ".hidden": "x"}
    write(tmp_path, {**OF_FILES, **{f"workspaces/mcd/parts/{name}": text for name, text in parts.items()}})
    assert hello(tmp_path).files == {"/etc/app/a.yaml": "a: 1\n", "/etc/app/deep/c.yaml": "c: 3\n", "/etc/app/b": "own"}
    assert load(tmp_path).read_from["mcd"] == ["workspaces/mcd.yaml", "workspaces/mcd/landing", "workspaces/mcd/parts"]


def test_a_folder_of_files_is_full_of_texts(tmp_path: Path) -> None:
    write(tmp_path, {**OF_FILES, "workspaces/mcd/parts/a": "x"})
    (tmp_path / "workspaces/mcd/parts/b").write_bytes(b"\x89PNG\x00")
    with pytest.raises(Mistakes, match="workspaces/mcd/parts: b is not text"):
        load(tmp_path)


def test_a_folder_of_files_has_some_and_not_too_many(tmp_path: Path) -> None:
    for count in (0, MOST_FILES + 1):
        folder = tmp_path / str(count)
        folder.mkdir()
        write(folder, {f"{number}.yaml": "x" for number in range(count)})
        with pytest.raises(ValueError, match=f"has {count} files"):
            static.read_texts(folder)
