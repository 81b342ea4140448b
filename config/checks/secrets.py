"""Which workspace may read which secret of the stack (security rule 49).

A secret belongs to the workspace whose name and a dash it starts with; the stack's `secretReaders` share it.
Works on files that may still be wrong in other ways, so that nobody has to come back for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from config import commands
from config.fields.secrets import is_secret_name
from config.mistakes import Document, KeyPath, Mistake, nearest


def _named(stack: Document, document: Document) -> Iterator[tuple[KeyPath, str]]:
    data = document.data
    if not isinstance(data, dict):
        return
    # A fragment is read where an alias repeats it.
    yield from secret_refs({key: value for key, value in data.items() if key != "fragments"})
    used = data.get("registries")
    passwords = _passwords(stack)
    for i, registry in enumerate(used if isinstance(used, list) else ()):
        if isinstance(registry, str) and registry in passwords:
            yield ("registries", i), passwords[registry]


def _passwords(stack: Document) -> dict[str, str]:
    """Registry -> the secret that is its password. Whoever uses the registry reads it."""
    found = ((path, secret) for path, secret in secret_refs(stack.data.get("registries")) if path[1:] == ("password",))
    return {str(path[0]): secret for path, secret in found}


def secret_refs(data: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Every secret that a workspace refers to, with where: each `{ secret: NAME }` in it."""
    if isinstance(data, dict):
        if list(data) == ["secret"] and is_secret_name(data["secret"]):
            yield path, data["secret"]
        for key, value in data.items():
            yield from secret_refs(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from secret_refs(value, (*path, i))


def owner_of(secret: str, workspaces: Collection[str]) -> str | None:
    """The workspace that a secret belongs to: of several whose name it starts with, the longest.

    `workspaces` has to have those that this stack does not run too: `team` must not read `team-x-key` because `team-x`
    runs elsewhere.
    """
    cuts = (secret[:i] for i in range(len(secret) - 1, 0, -1) if secret[i] == "-")
    return next((name for name in cuts if name in workspaces), None)


def used_by(stack: Document, documents: Sequence[Document]) -> dict[str, tuple[str, ...]]:
    """Secret -> the workspaces that name it, both sorted."""
    found: dict[str, set[str]] = {}
    for document in documents:
        for _, name in _named(stack, document):
            found.setdefault(name, set()).add(workspace_of(document))
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def workspace_of(document: Document) -> str:
    """The workspace that a file stands for: its own name, and not what is written in it."""
    return PurePosixPath(document.file).stem


def check(stack: Document, documents: Sequence[Document], workspaces: Collection[str], name: str) -> list[Mistake]:
    """Secrets that a workspace may not read, that nobody has set, or that the stack shares with nobody real.

    Args:
        stack: The stack's config.
        documents: Every workspace file that is YAML.
        workspaces: Every workspace that has a file, whether the stack runs it or not.
        name: The stack's name, for commands.
    """
    known = {*workspaces, *map(workspace_of, documents)}
    readers = _readers(stack)
    found: list[Mistake] = []
    missing: set[str] = set()
    for document in documents:
        told: set[str] = set()
        for path, secret in _named(stack, document):
            reader = workspace_of(document)
            owner = owner_of(secret, known)
            if owner != reader and reader not in readers.get(secret, ()):
                # The same words whether there is such a secret or not: a file is no way to find out.
                if secret not in told:
                    found.append(document.mistake(path, _foreign(secret, reader, owner)))
                told.add(secret)
            elif secret not in stack.data["secrets"] and secret not in missing:
                missing.add(secret)
                found.append(
                    document.mistake(path, f"the stack has no secret {secret!r}; run: {_set(stack, secret, name)}")
                )
    return [*found, *_lists(stack, missing, name)]


def _foreign(secret: str, reader: str, owner: str | None) -> str:
    apart = f", but {owner}-... are those of the workspace {owner}" if owner and owner.startswith(f"{reader}-") else ""
    share = f"warren:secretReaders: {{ {secret}: [{reader}] }}"
    return (
        f"{secret!r} is not this workspace's; its own start with {reader}-{apart}. "
        f"One that workspaces share is listed in the stack file: {share}"
    )


def _readers(stack: Document) -> dict[str, list[Any]]:
    listed = stack.data.get("secretReaders")
    pairs = listed.items() if isinstance(listed, dict) else ()
    return {secret: names for secret, names in pairs if isinstance(names, list)}


def _lists(stack: Document, missing: Collection[str], name: str) -> Iterator[Mistake]:
    for registry, secret in _passwords(stack).items():
        if secret not in {*stack.data["secrets"], *missing}:
            at: KeyPath = ("registries", registry, "password")
            yield stack.mistake(at, f"the stack has no secret {secret!r}{_or_run(stack, secret, name)}")
    run = stack.data.get("workspaces")
    run = [each for each in run if isinstance(each, str)] if isinstance(run, list) else []
    for secret, names in _readers(stack).items():
        path: KeyPath = ("secretReaders", secret)
        if is_secret_name(secret) and secret not in {*stack.data["secrets"], *missing}:
            yield stack.mistake(path, f"the stack has no secret {secret!r}{_or_run(stack, secret, name)}")
        for i, reader in enumerate(names):
            if isinstance(reader, str) and reader not in run:
                yield stack.mistake((*path, i), f"this stack runs no workspace {reader!r}{_or_drop(reader, run)}")
            elif reader in names[:i]:
                yield stack.mistake((*path, i), f"{reader} is listed twice; keep one")


def _or_run(stack: Document, secret: str, name: str) -> str:
    return nearest(secret, sorted(stack.data["secrets"])) or f"; run: {_set(stack, secret, name)}"


def _or_drop(reader: str, run: list[str]) -> str:
    return nearest(reader, sorted(run)) or "; take it off the list"


def _set(stack: Document, secret: str, name: str) -> str:
    return commands.set_secret(secret, name, sandbox=stack.data.get("sandbox") is True)
