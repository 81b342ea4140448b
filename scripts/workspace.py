"""Begin a workspace: ``python -m scripts.workspace <stack>``, with its name in ``WARREN_NAME``.

Owns: the smallest file that is right, or a copy of the example in ``WARREN_FROM``, and its place on the lists of the
stacks: of the one that is named, of all where it is "".  Nothing that is there is overwritten, and nothing stays where
something would be refused.  Does not own: how a list is edited (``config.files.listing``), nor where an example's name
stands in it (``scripts.examples``).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from config.checks import check_workspace
from config.fields.names import Name
from config.files.folders import COMMON
from config.files.listing import KEY, listed
from config.files.project_file import config_of
from config.files.stack_file import before_the_engine, canonical, file_of, last_part, stacks
from config.files.written import Written, as_the_engine_would
from config.load import parse_yaml, validate
from config.mistakes import Mistake, Mistakes
from config.workspace import Workspace
from manifests import platform
from scripts import examples
from scripts.check_files import judge
from scripts.project import PROJECT, WARREN
from scripts.stack import stack_file

TEMPLATE = """\
{schema}name: {name}
host: {name} # the label under the domain; "@" is the domain itself
quota: {{ cpu: 500m, memory: 512Mi }} # what all its apps together may ask for
auth: none # everybody may come in; {docs}/sign-in.md shows how to ask who it is
apps:
  # Answers with the request that it got. Put an image of your own in its place, or a folder of pages:
  #   web: {{ static: {name}/web, routes: [/] }}
  web: {{ image: docker.io/traefik/whoami:v1.11.0, args: [--port=8000], port: 8000, routes: [/] }}
# Volumes, databases, jobs, secrets: {docs}/workspaces.md. Every key: {docs}/workspace-reference.md.
"""


def stop(text: str) -> SystemExit:
    """Return the exit of a command that changed nothing."""
    return SystemExit(f"workspace: {text}")


def check_name(name: str) -> None:
    """Refuse what no workspace can be called.

    Raises:
        SystemExit: it is such a name.
    """
    if not name:
        raise stop("say which: make workspace NAME=club")
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError as refused:
        raise stop(f"NAME: {refused.errors()[0]['ctx']['error']}") from None


def text_of(name: str, root: Path, example: str = "", domain: str = "") -> str:
    """The file of a new workspace, or an example under that name and domain.

    Raises:
        SystemExit: there is no such example.
        Mistakes: the name is taken by something else.
    """
    inside = WARREN.is_relative_to(root)
    schema = os.path.relpath(WARREN / COMMON / "schema.json", root / COMMON)
    shown = schema if schema.startswith("../") else f"./{schema}"
    first = f"# yaml-language-server: $schema={shown}\n" if inside else ""
    docs = os.path.relpath(WARREN / "docs", root) if inside else "docs"
    if example:
        text = first + examples.renamed(_example(example), example, name, domain)
    else:
        text = TEMPLATE.format(name=name, schema=first, docs=docs)
    found = check_workspace.check(validate(Workspace, parse_yaml(text, f"{COMMON}/{name}.yaml")))
    if found:
        raise Mistakes(found)
    return text


def _example(example: str) -> str:
    try:
        return examples.text_of(example)
    except ValueError as unknown:
        raise stop(str(unknown)) from None


def begin(root: Path, names: Sequence[str], name: str, example: str = "") -> Iterator[str]:
    """Write a workspace's file and list it; says what was done, and what is left to do, a line each.

    Args:
        root: The project's directory.
        names: The stacks to list it in, each of which has a file.
        name: The workspace.
        example: What to copy instead of the smallest file.

    Raises:
        SystemExit: the name cannot be one, there is no such example, or a list cannot be edited.
        Mistakes: a stack would be refused for it.
        OSError: a file cannot be written.
    """
    check_name(name)
    configs = {stack: _config(root, stack) for stack in names}
    text = text_of(name, root, example, _domain(configs, example) if example else "")
    lists = {stack: _list(root, stack, configs[stack], name) for stack in names}
    own = {stack: root / f"{COMMON}.{stack}" / f"{name}.yaml" for stack in names}
    file = root / COMMON / f"{name}.yaml"
    wanted = not all(each.exists() for each in own.values())
    before = {stack: set(_refused(root, stack, configs[stack])) for stack in names}
    made = wanted and _write_new(file, text)
    try:
        new = [
            mistake
            for stack, config in configs.items()
            for mistake in _refused(root, stack, _with(config, name))
            if mistake not in before[stack]
        ]
        if new:
            raise Mistakes(new)
    except BaseException:
        if made:
            file.unlink()
        raise
    if wanted:
        yield f"{COMMON}/{file.name}: {'written' if made else 'is there already, and stays as it is'}"
    for stack, (path, old, edited) in lists.items():
        if edited != old:
            _replace(path, edited)
        host = f", as https://{name}.{configs[stack].config.get('domain')}/" if made and "\nhost: " in text else ""
        yield f"{path.name}: lists {name}{' already' if edited == old else host}"
    for stack, config in configs.items():
        readers = platform.readers(root, stack, _with(config, name).config)
        if unset := [secret for secret, by in sorted(readers.items()) if name in by and secret not in config.secrets]:
            yield f"Its secrets for {stack}, each asked for, or made up: openssl rand -hex 24 | make secret ..."
            yield from (f"  make secret NAME={secret} STACK={stack}" for secret in unset)


def _domain(configs: Mapping[str, Written], example: str) -> str:
    """The domain to write into a copy.

    Raises:
        SystemExit: the example says its address, and the stacks have several domains.
    """
    domains = {str(config.config["domain"]): stack for stack, config in configs.items() if "domain" in config.config}
    if len(domains) > 1 and examples.names_its_address(_example(example)):
        raise stop(
            f"the file says its address, and {' and '.join(domains)} are not one: name a stack, such as STACK=home"
        )
    return min(domains, default=examples.DOMAIN)


def _config(root: Path, stack: str) -> Written:
    if mistakes := before_the_engine(root, stack):
        raise Mistakes(mistakes)
    return as_the_engine_would(root, stack)


def _list(root: Path, stack: str, written: Written, name: str) -> tuple[Path, str, str]:
    """The file of a stack, its text, and that text with the workspace listed."""
    path = root / file_of(stack)
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read()
    try:
        edited = listed(text, name)
        own = {canonical(key) for key in config_of(parse_yaml(text, path.name).data)}
        if KEY not in own and written.config.get("workspaces"):
            raise ValueError(f"has its list from Pulumi.yaml; add {name} there")
    except ValueError as refused:
        raise stop(f"{path.name}: {refused}; nothing was changed") from None
    return path, text, edited


def _with(written: Written, name: str) -> Written:
    names = written.config.get("workspaces") or []
    return replace(written, config={**written.config, "workspaces": names if name in names else [*names, name]})


def _refused(root: Path, stack: str, written: Written) -> Sequence[Mistake]:
    # What is still to be filled in must not hide whether everything still fits on the nodes.
    return judge(root, stack, written, later=True)[0]


def _write_new(file: Path, text: str) -> bool:
    """Write a file that is not there; says whether it was not."""
    file.parent.mkdir(exist_ok=True)
    try:
        new = file.open("x", encoding="utf-8")
    except FileExistsError:
        return False
    try:
        with new:
            new.write(text)
    except BaseException:
        file.unlink()
        raise
    return True


def _replace(path: Path, text: str) -> None:
    """Put a text in a file's place at once, so that there is no half of it at any time."""
    place = path.resolve()  # a link stays one
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", dir=place.parent, delete=False) as new:
        try:
            new.write(text)
            new.flush()
            shutil.copymode(place, new.name)
            Path(new.name).replace(place)
        except BaseException:
            Path(new.name).unlink()
            raise


def main(stack: str, name: str, example: str = "") -> None:
    """Begin a workspace and say what was done.

    Raises:
        SystemExit: nothing was, and why.
    """
    names = [last_part(stack)] if stack else stacks(PROJECT)
    if not names:
        raise stop(f"there is no Pulumi.<stack>.yaml in {PROJECT}")
    if stack:
        stack_file(stack, PROJECT)
    try:
        for line in begin(PROJECT, names, name, example):
            print(line)
    except Mistakes as found:
        wanted = examples.needs(examples.renamed(_example(example), example, name, "")) if example else ""
        said = f"\n\nFor {example} a stack file has to say, with addresses of yours, under config:\n\n{wanted}"
        raise SystemExit(f"{found}{said.rstrip() if wanted else ''}") from None
    print(f"Look at it: make preview{f' STACK={stack}' if stack else ''}")


if __name__ == "__main__":
    try:
        main(sys.argv[1], os.environ.pop("WARREN_NAME", ""), os.environ.pop("WARREN_FROM", ""))
    except Mistakes as found:
        raise SystemExit(str(found)) from None
    except OSError as error:
        raise stop(f"{error.filename}: {error.strerror}") from None
