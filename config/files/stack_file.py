"""A stack's `warren:` config as a document: the engine's values, with the lines of Pulumi.<stack>.yaml.

The engine merges the file with the defaults of Pulumi.yaml and decrypts it, so its values are the ones that count; the
file is read for lines, for keys that nobody would otherwise ask for, and for secrets that were never encrypted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from config import commands
from config.files.project_file import config_of, other_version
from config.load import read
from config.mistakes import Document, KeyPath, Mistake, Mistakes, dotted, nearest

PROVIDERS = "pulumi:disable-default-providers"
CLOUDFLARE = commands.CLOUDFLARE
SECRETS = "warren:secrets"
_OWN = ("warren", "cloudflare", "pulumi")
"""The namespaces of keys that somebody reads."""
_CIPHERTEXT = re.compile(r"v1:[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+").fullmatch
"""By a passphrase (pulumi/pulumi, sdk/go/common/resource/config/crypt.go, symmetricCrypter)."""
_STACK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}").fullmatch
"""As Pulumi has it (pulumi/pulumi, sdk/go/common/tokens, ParseStackName)."""
_DOTTED = "secrets."
"""How a key begins that was meant for warren:secrets."""
_ROOT = ("config", "encryptionsalt", "encryptedkey", "environment", "secretsprovider")
"""The keys of a stack file (pulumi/pulumi, sdk/go/common/workspace/project.go, ProjectStack)."""


def last_part(stack_name: str) -> str:
    """What a stack's file is named by: at Pulumi Cloud a stack can be called organization/project/stack."""
    return stack_name.rpartition("/")[2]


def file_of(stack_name: str) -> str:
    """The name of a stack's file."""
    return f"Pulumi.{last_part(stack_name)}.yaml"


def stacks(root: Path) -> list[str]:
    """Every stack that has a file, sorted. What none can be called is none: messages print commands with the name."""
    names = (file.name[len("Pulumi.") : -len(".yaml")] for file in root.glob(file_of("*")))
    return sorted(name for name in names if _STACK_NAME(name))


def stack_document(
    root: Path, stack_name: str, written: Mapping[str, Any], secrets: Sequence[str], plain: Collection[str] = ()
) -> tuple[Document, list[Mistake]]:
    """The config as a document, and the mistakes that only the file shows. Without a file there are no lines.

    Args:
        root: The directory of the file.
        stack_name: The stack's name.
        written: The config by key, as the engine hands it out.
        secrets: The names under warren:secrets.
        plain: Those of CLOUDFLARE and SECRETS that the engine has and does not know as secret.
    """
    shown = file_of(stack_name)
    mistakes: list[Mistake] = []
    try:
        file = read(root / shown, shown)
    except Mistakes as refused:
        file = Document(shown, {})
        if (root / shown).exists():  # else the engine has its config from elsewhere
            mistakes = refused.mistakes
    config = _warren(file.data)
    lines: dict[KeyPath, int] = {(): 1} if config else {}
    for path, line in file.lines.items():
        if len(path) > 1 and path[0] == "config" and (key := canonical(str(path[1]))).startswith("warren:"):
            lines[(key.removeprefix("warren:"), *path[2:])] = line
    unknown = {key: None for key in config if key not in _fields()}
    known = {key: value for key, value in {**unknown, **decoded(written)}.items() if not key.startswith(_DOTTED)}
    data = {**known, "secrets": sorted(secrets)}
    sandbox = data.get("sandbox") is True
    if sandbox and "protectData" not in config:
        data["protectData"] = False  # nothing lives there, and `make destroy` is to leave nothing
    document = Document(shown, data, lines)
    mistakes += _plain_elsewhere(file, plain)
    if file.data:
        mistakes += [
            *_keys(file),
            *_dotted(file, stack_name, sandbox=sandbox),
            *_plain(file, stack_name, sandbox=sandbox),
            *_default_providers(file),
            *_salt(file),
        ]
    return document, mistakes


def before_the_engine(root: Path, stack_name: str) -> list[Mistake]:
    """What is told before there is an engine: another version's files, and what it would refuse in words of its own."""
    if others := other_version(root):
        return others
    shown = file_of(stack_name)
    if not (root / shown).exists() and not (root / shown).with_suffix(".yml").exists():
        return []
    try:
        file = read(root / shown, shown)
        return [*_salt(file), *_look_alikes(file)]
    except Mistakes as refused:
        return refused.mistakes


def _fields() -> Mapping[str, Any]:
    """The keys that a stack may say. `before_the_engine` is in front of every command and needs no model."""
    from config.stack import Stack

    return Stack.model_fields


def canonical(key: str) -> str:
    """A config key as the engine reads it: without a namespace it is the project's, and `a:config:b` is `a:b`."""
    parts = key.split(":")
    if len(parts) == 3 and parts[1] == "config":
        return f"{parts[0]}:{parts[2]}"
    return key if len(parts) > 1 else f"warren:{key}"


def _keys(file: Document) -> Iterator[Mistake]:
    """Keys that the engine takes without a word and that nobody reads."""
    for key in file.data if isinstance(file.data, dict) else ():
        if key not in _ROOT:
            indent = "belongs under config:, indented by two spaces" if ":" in key else "is not a key of a stack file"
            yield Mistake(file.file, file.line((key,)), key, f"{indent}{nearest(key, list(_ROOT))}")
    for key in config_of(file.data):
        name = canonical(key)
        space = name.partition(":")[0]
        near = nearest(space, list(_OWN)) or f"; Warren reads warren: and {CLOUDFLARE} only"
        if space == "cloudflare" and name != CLOUDFLARE:
            near = f"; take it out: Warren uses {CLOUDFLARE} alone, and an API key opens the whole account"
        elif space in _OWN:
            continue
        yield Mistake(file.file, file.line(("config", key)), key, f"is read by nobody{near}")


def _dotted(file: Document, stack_name: str, *, sandbox: bool) -> Iterator[Mistake]:
    """Secrets that were set without --path, which makes a key with a dot in its name."""
    for key in config_of(file.data):
        if (name := canonical(key).removeprefix("warren:")).startswith(_DOTTED):
            run = commands.set_secret(name.removeprefix(_DOTTED), stack_name, sandbox=sandbox)
            what = f"was set without --path, so it is no secret of warren:secrets; delete the line, then run: {run}"
            yield Mistake(file.file, file.line(("config", key)), name, what)


def _plain(file: Document, stack_name: str, *, sandbox: bool) -> Iterator[Mistake]:
    """Secrets that anybody can read who can read the file."""
    for key, value in config_of(file.data).items():
        if canonical(key) == CLOUDFLARE and not _encrypted(value):
            run = commands.set_secret(CLOUDFLARE, stack_name, sandbox=sandbox)
            # What a sandbox encrypts anybody can read: its passphrase is public.
            fix = "then take the line out: a sandbox uses none" if sandbox else f"make another one, then run: {run}"
            what = f"is in plain text; revoke it at Cloudflare, {fix}"
            yield Mistake(file.file, file.line(("config", key)), CLOUDFLARE, what)
        if canonical(key) == SECRETS and not _encrypted(value):
            names = (
                [name for name, each in value.items() if not _encrypted(each)] if isinstance(value, dict) else [None]
            )
            for name in names:
                run = commands.set_secret(name or "NAME", stack_name, sandbox=sandbox)
                what = f"is in plain text; change it where it is used, then run: {run}"
                path: KeyPath = ("config", key) if name is None else ("config", key, name)
                yield Mistake(file.file, file.line(path), "secrets" if name is None else f"secrets.{name}", what)


def _plain_elsewhere(file: Document, plain: Collection[str]) -> Iterator[Mistake]:
    """Secrets that the engine has in plain text from somewhere else: Pulumi.yaml gives every stack a value, too."""
    here = {canonical(key) for key in config_of(file.data)}
    for key in plain:
        if key not in here:
            what = "is in plain text in Pulumi.yaml, or wherever else the engine has its config from"
            fix = f"revoke it, take it out there, and set it with --secret for {file.file} alone"
            yield Mistake(file.file, 0, key, f"{what}; {fix}")


def _encrypted(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["secure"] and isinstance(value["secure"], str)


def _default_providers(file: Document) -> Iterator[Mistake]:
    config = {canonical(key): value for key, value in config_of(file.data).items()}
    if config.get(PROVIDERS) not in (["*"], '["*"]'):
        what = "is missing" if PROVIDERS not in config else "leaves some on"
        why = "without it a resource could go to whatever account this machine is signed in to"
        path: KeyPath = ("config", PROVIDERS)
        yield Mistake(file.file, file.line(path), PROVIDERS, f'{what}; write under config: {PROVIDERS}: ["*"] ({why})')


def _salt(file: Document) -> Iterator[Mistake]:
    if not isinstance(file.data, dict) or {"encryptionsalt", "encryptedkey"} & set(file.data):
        return
    # Pulumi Cloud keeps its own keys, and its ciphertexts begin otherwise.
    first = next((path for path, value in leaves(file.data) if path[-1] == "secure" and value.startswith("v1:")), None)
    if first is not None:
        what = "is lost, and without it no passphrase opens this file's secrets; bring the line back (git log -p), or"
        yield Mistake(file.file, file.line(first), "encryptionsalt", f"{what} take the secrets out and set them again")


def _look_alikes(file: Document) -> Iterator[Mistake]:
    """What stands behind `secure` and was never encrypted: the engine says "bad value" and not where."""
    if not isinstance(file.data, dict) or "encryptionsalt" not in file.data:
        return  # who keeps the key elsewhere writes ciphertexts in other forms
    for path, value in leaves(file.data):
        if path[-1] == "secure" and not _CIPHERTEXT(value):
            what = "is nothing that Pulumi encrypted; if it is the secret itself, change it where it is used, take it"
            fix = "out here, and set it with pulumi config set --secret"
            yield Mistake(file.file, file.line(path), dotted(path[1:]), f"{what} {fix}")


def leaves(data: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Every text in a document, with where it stands; those in lists are left out."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, str):
        yield path, data


def decoded(written: Mapping[str, Any]) -> dict[str, Any]:
    """Config as the engine hands it out (JSON text for lists and objects, plain text for the rest) as plain data.

    An optional key that is an empty mapping is left out: Pulumi.yaml needs a default for every optional key, and has
    no null.
    """
    data: dict[str, Any] = {}
    for key, value in written.items():
        field = _fields().get(key)
        flag = field is not None and field.annotation is bool and value in ("true", "false")
        if isinstance(value, str) and (flag or value.startswith(("{", "["))):
            try:
                data[key] = json.loads(value)
            except ValueError:
                data[key] = value
        else:
            data[key] = value
        if data[key] == {} and field is not None and not field.is_required():
            del data[key]
    return data


def _warren(file: Any) -> dict[str, Any]:
    pairs = ((canonical(key), value) for key, value in config_of(file).items())
    return {key.removeprefix("warren:"): value for key, value in pairs if key.startswith("warren:")}
