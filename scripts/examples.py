"""The examples of docs/apps: which there are, one of them under another name, and what it wants of the stack.

Owns: where an example's own name and domain stand in its text, and the form of what it says at its top.  Does not own:
what the examples say, nor whether a stack takes one.
"""

from __future__ import annotations

import re
from pathlib import Path

from config.mistakes import nearest
from scripts.project import WARREN

FOLDER = WARREN / "docs" / "apps"
DOMAIN = "example.com"
"""The domain that examples are served under."""
_NEEDS = re.compile(r"^# The stack has to say:\n((?:#   .*\n)+)", re.MULTILINE)


def names() -> list[str]:
    """Every example, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def text_of(example: str) -> str:
    """An example as it is.

    Raises:
        ValueError: there is none of that name.
    """
    known = names()
    if example not in known:
        near = nearest(example, known)
        raise ValueError(f"FROM: there is no example of that name{near or ''}; there are {', '.join(known)}")
    return path_of(example).read_text(encoding="utf-8")


def path_of(example: str) -> Path:
    """Where an example is."""
    return FOLDER / f"{example}.yaml"


def names_its_address(text: str) -> bool:
    """Whether an example tells its app where it is served."""
    return f".{DOMAIN}" in text


def renamed(text: str, example: str, name: str, domain: str) -> str:
    """An example as another workspace, without its first line, which is for editors of this folder.

    Its name is replaced where it is the workspace's: its own, its host's, at the beginning of its secrets', in
    addresses, and in what the stack has to say of its apps. Where it is an image's or an app's it stays.
    """
    old = re.escape(example)
    text = text.partition("\n")[2]
    text = re.sub(rf"(?m)(^name: |\bhost: |\bsecret: ){old}(?=[-\s}}]|$)", rf"\g<1>{name}", text)
    text = re.sub(rf"(?m)(^#   .*?)(?<![\w/.-]){old}(?=/\w)", rf"\g<1>{name}", text)
    text = re.sub(rf"(?<![\w.-]){old}(?=[\w-]*\.{re.escape(DOMAIN)})", name, text)
    return re.sub(rf"(?<=\w)\.{re.escape(DOMAIN)}\b", lambda _: f".{domain}", text)


def needs(text: str) -> str:
    """What a stack has to say for an example, as YAML of the stack file's `config`; empty where it is nothing."""
    found = _NEEDS.search(text)
    return re.sub(r"(?m)^#   ", "", found.group(1)) if found else ""
