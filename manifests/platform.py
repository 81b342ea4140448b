"""A stack and its workspaces, read, checked and decided, before anything is made of them.

Owns the order: read every file, collect every mistake, and only then hand out a `Platform`. What is right is said by
the models and checks of `config`, and by what comes of the files: whether a folder fits into an object, whether the
controller would take two Ingresses for one.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.checks import check, check_stack, check_workspace, warnings
from config.checks import secrets as secret_rules
from config.files.kubeconfig import ApiServer, api_server
from config.files.project_file import other_version
from config.files.stack_file import config_from_file, stack_document
from config.load import absent, read, validate
from config.mistakes import Document, KeyPath, Loaded, Mistake, Mistakes, Model, nearest
from config.routes import Route, SignIn, hosts_of, route_table, sign_ins
from config.stack import Stack
from config.workspace import Workspace
from manifests.app import static as static_server
from manifests.app.static import StaticFiles, items, read_folder
from manifests.ingress import check_names

__all__ = ["FOLDER", "Platform", "config_from_file", "load"]

FOLDER = "workspaces"


@dataclass(frozen=True)
class Platform:
    """Everything that the components turn into resources."""

    stack: Stack
    workspaces: tuple[Workspace, ...]
    """Sorted by name."""
    routes: tuple[Route, ...]
    """The route table, sorted by host and path."""
    hosts: tuple[str, ...]
    """Every host, sorted."""
    sign_in: tuple[SignIn, ...]
    """Where people sign in, by workspace."""
    static: Mapping[str, Mapping[str, StaticFiles]]
    """Workspace -> app -> the files of its static folder."""
    readers: Mapping[str, tuple[str, ...]]
    """Every secret of the stack -> the workspaces that read it, both sorted."""
    warnings: tuple[Mistake, ...]
    """What looks as if it could not work, sorted by file and line."""
    api_server: ApiServer | None = None
    """The cluster's API server, where `load` was asked to look at the kubeconfig."""


def load(
    root: Path,
    stack_name: str,
    written: Mapping[str, Any],
    *,
    secrets: Sequence[str] = (),
    plain: Collection[str] = (),
    cloudflare_token: bool = True,
    kubeconfig: bool = False,
) -> Platform:
    """The platform that a stack file and its workspace files describe.

    Args:
        root: The project's directory, which holds Pulumi.<stack>.yaml and workspaces/.
        stack_name: The stack's name, for the file's name and for the commands that messages print.
        written: The `warren:` config by key, as the engine hands it out: JSON text for objects and lists, else plain.
        secrets: The names under warren:secrets; values never come here.
        plain: Keys with secrets whose values the engine does not know as secret.
        cloudflare_token: Whether cloudflare:apiToken is set.
        kubeconfig: Whether the kubeconfig and its context have to be there. Who only reads the files has none; a
            sandbox never needs one.

    Raises:
        Mistakes: everything that is wrong in any of the files, or that they are another version's.
    """
    if others := other_version(root):
        raise Mistakes(others)
    document, found = stack_document(root, stack_name, written, secrets, plain)
    stack = _validated(Stack, document, found)
    documents = _documents(root / FOLDER, document, found)
    files = [file for each in documents if (file := _validated(Workspace, each, found)) is not None]
    known = _on_disk(root / FOLDER)
    static = {file.model.name: _static_folders(root / FOLDER, file, known, found) for file in files}
    for file in files:
        found += check_workspace.check(file)
    found += check.check_written(document, documents)
    found += secret_rules.check(document, documents, known, stack_name)
    if stack is not None:
        found += check_stack.check(stack, stack_name, cloudflare_token)
        found += check.check(stack, files)
        if not found:
            found += [*check_names.check(stack.model, files), *check.check_sum(stack, files)]
    server = api_server(stack, root, os.environ) if kubeconfig and stack and not stack.model.sandbox else None
    if isinstance(server, list):
        found += server
        server = None
    if stack is None or found:
        raise Mistakes(found)
    workspaces = tuple(sorted((file.model for file in files), key=lambda workspace: workspace.name))
    hosts = {host for workspace in workspaces for host in hosts_of(stack.model, workspace)}
    return Platform(
        stack.model,
        workspaces,
        route_table(stack.model, workspaces),
        tuple(sorted(hosts)),
        sign_ins(stack.model, workspaces),
        static,
        readers={**dict.fromkeys(sorted(secrets), ()), **secret_rules.used_by(documents)},
        warnings=warnings.check(stack.model, files, static_server.ENVIRONMENT),
        api_server=server,
    )


def _validated(model: type[Model], document: Document, found: list[Mistake]) -> Loaded[Model] | None:
    try:
        return validate(model, document)
    except Mistakes as mistakes:
        found += mistakes.mistakes
        return None


def _documents(folder: Path, stack: Document, found: list[Mistake]) -> list[Document]:
    """The workspace files that the stack lists, each once, sorted by name."""
    listed = stack.data.get("workspaces")
    first: dict[str, int] = {}
    for i, name in enumerate(listed if isinstance(listed, list | tuple) else ()):
        if not isinstance(name, str) or "/" in name or "\\" in name or len(name) > 200:
            continue  # the stack's own check says that this is not a name
        path: KeyPath = ("workspaces", i)
        file = folder / f"{name}.yaml"
        if name in first:
            what = f"{name} is listed twice, first as workspaces[{first[name]}]; keep one"
            found.append(stack.mistake(path, what))
        elif not file.exists():
            found.append(stack.mistake(path, _no_file(file)))
        elif not file.resolve().is_relative_to(folder.resolve()):
            what = f"{FOLDER}/{name}.yaml leads outside {FOLDER}/; copy the file instead of linking it"
            found.append(stack.mistake(path, what))
        else:
            first[name] = i
    documents = []
    for name in sorted(first):
        try:
            documents.append(read(folder / f"{name}.yaml", f"{FOLDER}/{name}.yaml"))
        except Mistakes as mistakes:
            found += mistakes.mistakes
    return documents


def _on_disk(folder: Path) -> frozenset[str]:
    """Every workspace that has a file, whether the stack runs it or not."""
    return frozenset(path.stem for path in folder.glob("*.yaml"))


def _no_file(file: Path) -> str:
    shown, why = f"{FOLDER}/{file.name}", absent(file)
    if why != "is not there":
        return f"{shown} {why}"
    near = nearest(file.stem, sorted(path.stem for path in file.parent.glob("*.yaml")))
    return f"there is no {shown}{near or '; create it, or take the name off the list'}"


def _static_folders(
    folder: Path, file: Loaded[Workspace], known: Collection[str], found: list[Mistake]
) -> dict[str, StaticFiles]:
    """The files of a workspace's static apps, by app.

    A folder with the name of a workspace is that workspace's: what stands behind its sign-in must not be published by
    another one's file.
    """
    folders: dict[str, StaticFiles] = {}
    base = folder.resolve()
    for name, app in file.model.apps.items():
        if app.static is None:
            continue
        example = f"such as {file.model.name}/{name}"
        try:
            path = (folder / app.static).resolve()
            path.exists()
        except (OSError, RuntimeError, ValueError):  # too long, a NUL in it, links in a circle
            found.append(file.mistake(("apps", name, "static"), f"can be no folder's name; name one, {example}"))
            continue
        if not path.is_relative_to(base):
            what = f"{app.static!r} leads outside {FOLDER}/; name a folder inside it, {example}"
        elif path == base:
            what = f"{app.static!r} would publish every workspace file; name a folder inside {FOLDER}/, {example}"
        # Some file systems do not tell MCD from mcd.
        elif (owner := path.relative_to(base).parts[0].casefold()) != file.model.name and owner in known:
            what = f"{app.static!r} is the workspace {owner}'s; name a folder of this one, {example}"
        else:
            try:
                folders[name] = read_folder(path)
                items(folders[name], (rule.path for rule in app.routes))
                continue
            except ValueError as refused:
                what = f"{FOLDER}/{app.static}: {refused}"
            except (OSError, RuntimeError):
                what = f"{FOLDER}/{app.static}: has something in it that cannot be read; look at rights and links"
        found.append(file.mistake(("apps", name, "static"), what))
    return folders
