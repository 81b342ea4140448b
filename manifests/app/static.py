"""A folder that is served as it is: what is read from it, the ConfigMap it becomes, and how the file server is told.

Owns the folder's rules (size, names, links) and static-web-server's settings. The pod around it is `apps`' business.
Settings are those of static-web-server 2.40 (its src/settings/cli.rs). `SERVER_DISABLE_SYMLINKS` is written out: later
2.x refuse symlinks, and every file of a ConfigMap volume is one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.app_files import MOST_FILES
from config.printable import printable

MAX_BYTES = 900 * 1024
"""What one ConfigMap holds, with room for its keys: the API server takes 1 MiB."""
MAX_FILES = 500
"""Every file is an entry of the pod template at each of its routes."""

STATIC_TARGET = 8080
"""The static file server is unprivileged, so it listens above 1024 behind the Service's port 80."""

ROOT = "/public"
"""Where the server finds the files; the image's own root, so its demo page is covered."""
CONFIG_MOUNT = "/etc/static-web-server"
CONFIG_FILE = "sws.toml"
CONFIG_KEY = "_sws.toml"
"""Not the encoding of any path: an underscore there is always followed by two hexadecimal digits."""

CONFIG = """\
# The edge caches by file extension whatever does not forbid it, also what only signed-in people may see.
[[advanced.headers]]
source = "**"
headers = { Cache-Control = "private, no-cache", X-Content-Type-Options = "nosniff" }
"""

ENVIRONMENT: Mapping[str, str] = {
    "SERVER_CONFIG_FILE": f"{CONFIG_MOUNT}/{CONFIG_FILE}",
    "SERVER_DISABLE_SYMLINKS": "false",
    "SERVER_HOST": "0.0.0.0",  # noqa: S104 - inside its pod, behind its wall
    # Only files of the folder are there; .well-known is one of them.
    "SERVER_IGNORE_HIDDEN_FILES": "false",
    "SERVER_PORT": str(STATIC_TARGET),
    "SERVER_ROOT": ROOT,
}


@dataclass(frozen=True)
class StaticFiles:
    """The files of a static app: relative path with `/` -> content, sorted by path."""

    files: tuple[tuple[str, bytes], ...]


def read_texts(folder: Path) -> dict[str, str]:
    """Reads a folder of config files, relative path -> text. Hidden files are left out, but for `.well-known`.

    Raises:
        ValueError: it is missing or no folder, is empty, is too large, has more than `MOST_FILES` files, a file that is
            no text, a link that leads out of it, or a name that no ConfigMap can carry.
    """
    found = read_folder(folder, page=False)
    if not found.files or len(found.files) > MOST_FILES:
        raise ValueError(f"has {len(found.files)} files; write at least one and at most {MOST_FILES}")
    text, binary = contents(found)
    if binary:
        other = next(path for path, _ in found.files if key_of(path) in binary)
        raise ValueError(f"{printable(other)} is not text; put it into the image, or serve it from elsewhere")
    return {path: text[key_of(path)] for path, _ in found.files}


def read_folder(folder: Path, *, page: bool = True) -> StaticFiles:
    """Reads a static folder, which is a page unless told otherwise. Hidden files are left out, but for `.well-known`.

    Raises:
        ValueError: it is missing or no folder, has no index.html, is larger than `MAX_BYTES` (binary files count a
        third more) or
            has more than `MAX_FILES` files, holds a link that leads out of it, or a name that no URL or ConfigMap can
            carry.
    """
    if not folder.exists():
        raise ValueError(f"there is no such folder; create it{' with an index.html' if page else ''}")
    if not folder.is_dir():
        raise ValueError("is a file; name the folder that holds it")
    found: list[tuple[str, bytes]] = []
    size = 0
    for name, path in _files(folder.resolve()):
        # Stat first: a folder full of videos should not be read to be refused.
        size += path.stat().st_size
        if size > MAX_BYTES or len(found) == MAX_FILES:
            raise ValueError(_too_much())
        found.append((name, path.read_bytes()))
    if page and not any(name == "index.html" for name, _ in found):
        raise ValueError("has no index.html; that is what its routes show")
    files = StaticFiles(tuple(sorted(found)))
    text, binary = contents(files)
    if sum(len(value.encode()) for value in [*text.values(), *binary.values()]) > MAX_BYTES:
        raise ValueError(_too_much())
    return files


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if any(part.startswith(".") and part != ".well-known" for part in name.split("/")):
            continue
        if not path.resolve().is_relative_to(root):
            raise ValueError(f"{printable(name)} is a link that leads out of the folder; copy the file into it")
        if not path.is_file():
            continue
        if len(key_of(name)) > 253 or not name.isprintable():
            raise ValueError(f"{name!r} is a name that cannot be served; use printable characters, at most about 200")
        yield name, path


def _too_much() -> str:
    limits = f"{MAX_BYTES // 1024} KiB or {MAX_FILES} files"
    return f"is more than {limits}; build an image that serves it, or move large files elsewhere"


def key_of(path: str) -> str:
    """A path as a ConfigMap key, never the same for two paths.

    Letters, digits, `.` and `-` stay, every other byte becomes `_` and two hexadecimal digits.
    """
    key = "".join(chr(b) if re.match(rb"[A-Za-z0-9.-]", bytes([b])) else f"_{b:02x}" for b in path.encode())
    return f"_2e{key[1:]}" if key.startswith("..") else key


def contents(static: StaticFiles) -> tuple[dict[str, str], dict[str, str]]:
    """The ConfigMap's `data` (text as it is) and `binaryData` (base64) by key."""
    text, binary = {}, {}
    for path, content in static.files:
        plain = _text(content)
        if plain is None:
            binary[key_of(path)] = base64.b64encode(content).decode()
        else:
            text[key_of(path)] = plain
    return text, binary


def _text(content: bytes) -> str | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text) else text


def items(static: StaticFiles, prefixes: Iterable[str]) -> list[dict[str, str]]:
    """The volume's `items`: every file below every route prefix.

    So no prefix has to be stripped on the way (rule 31). Where a file of the folder has the same place as one below a
    prefix, the longer prefix wins.

    Raises:
        ValueError: a file has the name of a prefix, so one path would be a file and a folder.
    """
    places: dict[str, str] = {}
    for prefix in sorted(set(prefixes) or {"/"}, key=lambda text: (len(text), text)):
        for path, _ in static.files:
            places[f"{prefix}/{path}".strip("/")] = key_of(path)
    for place in places:
        for depth in range(1, place.count("/") + 1):
            if (parent := "/".join(place.split("/")[:depth])) in places:
                raise ValueError(f"has a file at {parent}, where a route needs a folder; rename the file or the route")
    return [{"key": key, "path": place} for place, key in sorted(places.items())]
