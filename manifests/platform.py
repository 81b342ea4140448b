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

from config.checks import check, check_clients, check_stack, check_workspace, placeholders, warnings
from config.checks import secrets as secret_rules
from config.environment import with_inherited
from config.files.folders import documents as workspace_documents
from config.files.folders import folders, on_disk, strays
from config.files.kubeconfig import ApiServer, api_server
from config.files.project_file import other_version
from config.files.stack_file import stack_document
from config.load import validate
from config.mistakes import Document, Loaded, Mistake, Mistakes, Model
from config.routes import Route, SignIn, hosts_of, route_table, sign_ins
from config.stack import Stack
from config.workspace import Workspace
from manifests.app import standards
from manifests.app import static as static_server
from manifests.app.between import Way, ways
from manifests.app.folders import Folders
from manifests.app.static import StaticFiles
from manifests.ingress import check_names


@dataclass(frozen=True)
class Platform:
    """Everything that the components turn into resources."""

    stack: Stack
    workspaces: tuple[Workspace, ...]
    """Sorted by name; what their apps inherit is written at the apps."""
    routes: tuple[Route, ...]
    """The route table, sorted by host and path."""
    hosts: tuple[str, ...]
    """Every host, sorted."""
    sign_in: tuple[SignIn, ...]
    """Where people sign in, by workspace."""
    between: tuple[Way, ...]
    """The ways between workspaces, sorted."""
    static: Mapping[str, Mapping[str, StaticFiles]]
    """Workspace -> app -> the files of its static folder."""
    read_from: Mapping[str, Sequence[str]]
    """Workspace -> its file, then the folders that its apps publish, as messages show them."""
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
    unfit: Collection[str] = (),
    cloudflare_token: bool = True,
    kubeconfig: bool = False,
    filled_in: bool = False,
) -> Platform:
    """The platform that a stack file and its workspace files describe.

    Args:
        root: The project's directory, which holds Pulumi.<stack>.yaml, workspaces/ and workspaces.<stack>/.
        stack_name: The stack's name, for the file's name and for the commands that messages print.
        written: The `warren:` config by key, as the engine hands it out: JSON text for objects and lists, else plain.
        secrets: The names under warren:secrets; values never come here.
        plain: Keys with secrets whose values the engine does not know as secret.
        unfit: Secrets whose values cannot be a client's password, by name; none where nobody knows the values.
        cloudflare_token: Whether cloudflare:apiToken is set.
        kubeconfig: Whether the kubeconfig and its context have to be there, and no value may be a placeholder. Who only
            reads the files needs neither, and a sandbox never does.
        filled_in: Whether no value may be a placeholder, kubeconfig or not.

    Raises:
        Mistakes: everything that is wrong in any of the files, or that they are another version's.
    """
    if others := other_version(root):
        raise Mistakes(others)
    document, found = stack_document(root, stack_name, written, secrets, plain)
    stack = _validated(Stack, document, found)
    places = folders(root, stack_name, found)
    documents = workspace_documents(places, document, found)
    files = [file for each in documents if (file := _validated(Workspace, each, found)) is not None]
    known = on_disk(root)
    read = {file.model.name: Folders(places, file, known).read() for file in files}
    for file in files:
        found += [*read[file.model.name].mistakes, *check_workspace.check(file)]
    found += check.check_written(document, documents)
    found += secret_rules.check(document, documents, known, stack_name)
    if stack is not None:
        found += check_stack.check(stack, stack_name, cloudflare_token)
        found += [*check.check(stack, files), *check_clients.check_stack(stack, files, unfit, stack_name)]
        if not found:
            found += [*check_names.check(stack.model, files), *check.check_sum(stack, files)]
            found += standards.check(stack.model, files)
    server: ApiServer | list[Mistake] | None = None
    if stack and not stack.model.sandbox:
        found += placeholders.check(stack) if kubeconfig or filled_in else ()
        server = api_server(stack, root, os.environ) if kubeconfig else None
    if isinstance(server, list):
        found += server
        server = None
    if stack is None or found:
        raise Mistakes(found)
    workspaces = tuple(
        read[file.model.name].workspace(with_inherited(stack.model, file.model))
        for file in sorted(files, key=lambda file: file.model.name)
    )
    hosts = {host for workspace in workspaces for host in hosts_of(stack.model, workspace)}
    return Platform(
        stack.model,
        workspaces,
        route_table(stack.model, workspaces),
        tuple(sorted(hosts)),
        sign_ins(stack.model, workspaces),
        ways(workspaces),
        {name: each.static for name, each in read.items()},
        {name: [each.file.document.file, *each.shown] for name, each in read.items()},
        readers={**dict.fromkeys(sorted(secrets), ()), **secret_rules.used_by(document, documents)},
        warnings=tuple(
            sorted(
                [
                    *strays(root, stack_name),
                    *warnings.check(stack.model, files, static_server.ENVIRONMENT),
                    *standards.warn(stack.model, files),
                ]
            )
        ),
        api_server=server,
    )


def readers(root: Path, stack_name: str, written: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Every secret that a stack's workspaces name -> those workspaces, in files that may be wrong otherwise."""
    document, found = stack_document(root, stack_name, written, ())
    return secret_rules.used_by(document, workspace_documents(folders(root, stack_name, found), document, found))


def _validated(model: type[Model], document: Document, found: list[Mistake]) -> Loaded[Model] | None:
    try:
        return validate(model, document)
    except Mistakes as mistakes:
        found += mistakes.mistakes
        return None
