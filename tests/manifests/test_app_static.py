"""A static folder: what is read, what is refused, and where its files show up."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.app import static
from manifests.app.static import StaticFiles


def _folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def test_files_are_read_with_their_paths_in_order(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path, {"z.txt": b"z", "index.html": b"hi", "css/a.css": b"a", ".well-known/security.txt": b"s"}
    )
    read = static.read_folder(folder)
    assert read.files == (
        (".well-known/security.txt", b"s"),
        ("css/a.css", b"a"),
        ("index.html", b"hi"),
        ("z.txt", b"z"),
    )


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    folder = _folder(tmp_path, {"index.html": b"hi", ".git/config": b"x", ".DS_Store": b"x", "css/.hidden": b"x"})
    assert static.read_folder(folder).files == (("index.html", b"hi"),)


def test_a_link_inside_the_folder_is_followed_and_one_that_leads_out_is_refused(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "site", {"index.html": b"hi"})
    (folder / "home.html").symlink_to("index.html")
    assert static.read_folder(folder).files == (("home.html", b"hi"), ("index.html", b"hi"))
    (tmp_path / "secret.txt").write_text("s")
    (folder / "oops.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(ValueError, match=r"^oops.txt is a link that leads out of the folder; copy the file into it$"):
        static.read_folder(folder)


def test_what_is_no_site_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no such folder; create it with an index\.html"):
        static.read_folder(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="is a file; name the folder that holds it"):
        static.read_folder(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"has no index.html; that is what its routes show"):
        static.read_folder(tmp_path / "empty")


@pytest.mark.parametrize("name", ["a" * 254, "tab\there"])
def test_a_name_that_cannot_be_served_is_refused(tmp_path: Path, name: str) -> None:
    folder = _folder(tmp_path, {"index.html": b"hi"})
    try:
        (folder / name).write_text("x")
    except OSError:
        pytest.skip("this file system has shorter names")
    with pytest.raises(ValueError, match="is a name that cannot be served"):
        static.read_folder(folder)


def test_too_much_is_refused_by_size_and_by_number(tmp_path: Path) -> None:
    large = _folder(tmp_path / "large", {"index.html": b"hi", "movie.txt": b"x" * static.MAX_BYTES})
    with pytest.raises(ValueError, match="is more than 900 KiB or 500 files"):
        static.read_folder(large)
    many = _folder(tmp_path / "many", {f"{i}.txt": b"" for i in range(static.MAX_FILES)} | {"index.html": b""})
    with pytest.raises(ValueError, match="is more than 900 KiB or 500 files"):
        static.read_folder(many)


def test_binary_files_count_as_much_as_they_take_in_a_config_map(tmp_path: Path) -> None:
    size = static.MAX_BYTES * 7 // 8
    text = _folder(tmp_path / "text", {"index.html": b"x" * size})
    assert len(static.read_folder(text).files) == 1
    binary = _folder(tmp_path / "binary", {"index.html": b"hi", "x.bin": b"\xff" * size})
    with pytest.raises(ValueError, match="is more than 900 KiB"):
        static.read_folder(binary)


def test_text_is_data_and_everything_else_is_base64() -> None:
    files = StaticFiles((("a.txt", "grüße\n".encode()), ("b.bin", b"\xff\x00"), ("c.txt", b"nul\x00")))
    text, binary = static.contents(files)
    assert text == {"a.txt": "grüße\n"}
    assert {key: base64.b64decode(value) for key, value in binary.items()} == {
        "b.bin": b"\xff\x00",
        "c.txt": b"nul\x00",
    }


def test_the_same_files_are_below_every_route() -> None:
    files = StaticFiles((("css/a.css", b""), ("index.html", b"")))
    assert static.items(files, ["/", "/landing"]) == [
        {"key": "css_2fa.css", "path": "css/a.css"},
        {"key": "index.html", "path": "index.html"},
        {"key": "css_2fa.css", "path": "landing/css/a.css"},
        {"key": "index.html", "path": "landing/index.html"},
    ]
    assert static.items(files, []) == static.items(files, ["/"])


def test_a_route_wins_over_a_folder_of_the_same_name() -> None:
    files = StaticFiles((("index.html", b""), ("landing/index.html", b"")))
    places = {item["path"]: item["key"] for item in static.items(files, ["/", "/landing"])}
    assert places == {
        "index.html": "index.html",
        "landing/index.html": "index.html",
        "landing/landing/index.html": "landing_2findex.html",
    }


def test_a_file_where_a_route_needs_a_folder_is_refused() -> None:
    files = StaticFiles((("index.html", b""), ("landing", b"")))
    with pytest.raises(
        ValueError, match="has a file at landing, where a route needs a folder; rename the file or the route"
    ):
        static.items(files, ["/", "/landing"])


@given(st.lists(st.text(min_size=1), unique=True))
def test_keys_are_valid_and_never_meet(paths: list[str]) -> None:
    paths = [path for path in paths if path.isprintable()]
    keys = [static.key_of(path) for path in paths]
    assert len(set(keys)) == len(paths)
    for key in keys:
        assert set(key) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")
        assert not key.startswith("..")
        assert key != static.CONFIG_KEY


def test_the_server_follows_the_links_that_config_maps_are_made_of_and_forbids_caches() -> None:
    assert static.ENVIRONMENT["SERVER_DISABLE_SYMLINKS"] == "false"
    assert 'Cache-Control = "private, no-cache"' in static.CONFIG
    assert static.ENVIRONMENT["SERVER_CONFIG_FILE"] == os.path.join(static.CONFIG_MOUNT, static.CONFIG_FILE)  # noqa: PTH118
