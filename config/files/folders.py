"""Where a stack's workspaces lie: `workspaces.<stack>/` comes before `workspaces/`.

Owns which file and which static folder is meant, and that none of them is somebody else's (security rule 49). Does not
own what is in them. The stack's own folder stands beside the common one: below it, it could be the static folder of a
workspace that is called like the stack (decision 0018).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from config.files.stack_file import file_of, last_part, stacks
from config.load import absent, read
from config.mistakes import Document, KeyPath, Mistake, Mistakes, nearest
from config.printable import printable

COMMON = "workspaces"
"""The folder that all stacks share."""


def folders(root: Path, stack_name: str, found: list[Mistake]) -> tuple[Path, ...]:
    """Where to look, in this order. The stack's own folder is named as its file is, and need not be there."""
    own, common = root / f"{COMMON}.{last_part(stack_name)}", root / COMMON
    # A link could make anything a folder to publish from, the whole project included.
    if own.is_symlink() or own.is_file():
        found.append(Mistake(own.name, 0, "", "is a link or a file; make it a folder, or delete it"))
        return (common,)
    return (own, common) if own.is_dir() else (common,)


def documents(places: tuple[Path, ...], stack: Document, found: list[Mistake]) -> list[Document]:
    """The workspace files that the stack lists, each once, sorted by name."""
    listed = stack.data.get("workspaces")
    first: dict[str, int] = {}
    files: dict[str, Path] = {}
    for i, name in enumerate(listed if isinstance(listed, list | tuple) else ()):
        if not isinstance(name, str) or "/" in name or "\\" in name or len(name) > 200:
            continue  # the stack's own check says that this is not a name
        path: KeyPath = ("workspaces", i)
        file = _file(places, name)
        if name in first:
            what = f"{name} is listed twice, first as workspaces[{first[name]}]; keep one"
            found.append(stack.mistake(path, what))
        elif not file.exists():
            found.append(stack.mistake(path, _no_file(places, file)))
        elif not file.resolve().is_relative_to(file.parent.resolve()):
            what = f"{_shown(file)} leads outside {file.parent.name}/; copy the file instead of linking it"
            found.append(stack.mistake(path, what))
        else:
            first[name], files[name] = i, file
    opened = []
    for name in sorted(files):
        try:
            opened.append(read(files[name], _shown(files[name])))
        except Mistakes as mistakes:
            found += mistakes.mistakes
    return opened


def on_disk(root: Path) -> frozenset[str]:
    """Every workspace that has a file, whichever stack runs it, if any."""
    return frozenset(file.stem for folder in (COMMON, f"{COMMON}.*") for file in root.glob(f"{folder}/*.yaml"))


def static_folder(
    places: tuple[Path, ...], written: str, workspace: str, name: str, known: Collection[str]
) -> tuple[str, Path]:
    """The folder that an app of a workspace names: as messages show it, and where it is.

    A folder with the name of a workspace is that workspace's, in every stack: what stands behind its sign-in must not
    be published by another one's file.

    Args:
        places: Where to look, in this order.
        written: What the app says.
        workspace: The workspace's name.
        name: One that could be written, for messages.
        known: Every workspace that has a file.

    Raises:
        ValueError: it can be no folder's name, or not one that this workspace may publish.
    """
    example = f"such as {name}"
    if not written.isprintable():
        raise ValueError(f"{written!r} can be no folder's name; name one, {example}")
    place = next((each for each in places if os.path.lexists(each / written)), places[-1])
    try:
        path, base = (place / written).resolve(), place.resolve()
        path.exists()
    except (OSError, RuntimeError, ValueError):  # too long, a NUL in it, links in a circle
        raise ValueError(f"can be no folder's name; name one, {example}") from None
    if not path.is_relative_to(base):
        raise ValueError(f"{written!r} leads outside {place.name}/; name a folder inside it, {example}")
    if path == base:
        what = f"{written!r} would publish every workspace file; name a folder inside {place.name}/, {example}"
        raise ValueError(what)
    # Some file systems do not tell MCD from mcd.
    if (owner := path.relative_to(base).parts[0].casefold()) != workspace and owner in known:
        raise ValueError(f"{written!r} is the workspace {owner}'s; name a folder of this one, {example}")
    return f"{place.name}/{written}", path


def strays(root: Path, stack_name: str) -> Iterator[Mistake]:
    """Folders of stacks that are not there, as a misspelling or `pulumi stack rename` leaves them."""
    known = {last_part(stack_name), *stacks(root)}
    for folder in root.glob(f"{COMMON}.*"):
        name = folder.name.removeprefix(f"{COMMON}.")
        if name not in known and folder.is_dir():
            near = nearest(name, sorted(known)) or "; rename or delete it"
            yield Mistake(
                f"{folder.name}/", 0, "", f"is read by no stack: there is no {file_of(printable(name))}{near}"
            )


def _file(places: tuple[Path, ...], name: str) -> Path:
    """The first that is there; what stands in its place, such as a link to nothing, counts and is told."""
    files = [folder / f"{name}.yaml" for folder in places]
    return next((file for file in files if file.exists() or absent(file) != "is not there"), files[-1])


def _shown(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def _no_file(places: tuple[Path, ...], file: Path) -> str:
    shown, why = _shown(file), absent(file)
    if why != "is not there":
        return f"{shown} {why}"
    near = nearest(file.stem, sorted(path.stem for folder in places for path in folder.glob("*.yaml")))
    return f"there is no {shown}{near or '; create it, or take the name off the list'}"
