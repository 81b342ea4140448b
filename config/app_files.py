"""What an app says about files that it gets: text, a secret, or text with secrets in it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Discriminator, Tag, model_validator

from config.fields.containers import EnvName
from config.fields.secrets import Secret, SecretRef
from config.fields.written import MAPPING, TEXT, Written, written_as
from config.together import such_as

_TEMPLATE, _FOLDER = "<template>", "<folder>"
MOST_FILES = 100
"""Each file of a folder is a mount of every container."""
_VARIABLE = re.compile(r"(\$\$\(|\$\([A-Za-z_][A-Za-z0-9_]*\))")
"""As Kubernetes has it for variables of containers: `$(NAME)`, and `$$(` for one that stays as it is."""


class Template(Written):
    """A file with secrets in it."""

    text: Annotated[str, such_as("password = $(PASSWORD)\n")]
    """The text; `$(NAME)` stands for a secret, `$$(` for itself."""
    secrets: Annotated[dict[EnvName, Secret], such_as({"PASSWORD": {"secret": "shop-db-password"}})]
    """The secrets in it, by the names that they have in the text."""

    @model_validator(mode="after")
    def _all_there(self) -> Template:
        named = {piece for piece in self.pieces() if isinstance(piece, SecretRef)}
        if unknown := sorted(set(_names(self.text)) - self.secrets.keys()):
            raise ValueError(f"$({unknown[0]}) is none of its secrets; add it to secrets, or write $$( for itself")
        if unused := sorted(name for name, each in self.secrets.items() if each not in named):
            raise ValueError(f"{unused[0]} is nowhere in the text; write $({unused[0]}) where it belongs")
        return self

    def pieces(self) -> list[str | SecretRef]:
        """The text in pieces, with secrets where they belong."""
        found: list[str | SecretRef] = []
        for piece in _VARIABLE.split(self.text):
            if piece == "$$(":
                found.append("$(")
            elif (name := piece[2:-1]) in self.secrets and _VARIABLE.fullmatch(piece):
                found.append(self.secrets[name])
            elif piece:
                found.append(piece)
        return found


class Folder(Written):
    """A folder beside the workspace file, whose files the app gets one by one."""

    folder: Annotated[str, such_as("grafana/dashboards")]
    """A folder under `workspaces.<stack>/`, or else under `workspaces/`: text files, at most 100 and 900 KiB together.
    What is below the name of another workspace is that one's."""


def _names(text: str) -> list[str]:
    return [piece[2:-1] for piece in _VARIABLE.findall(text) if piece != "$$("]


def _kind(value: Any) -> str | None:
    if written_as(value) != MAPPING:
        return written_as(value)
    keys = value if isinstance(value, dict) else type(value).model_fields
    return _TEMPLATE if "text" in keys else _FOLDER if "folder" in keys else MAPPING


_WHAT = "text, { secret: NAME }, { folder: FOLDER }, or { text: ..., secrets: { NAME: { secret: NAME } } }"
FileContent = Annotated[
    Annotated[str, Tag(TEXT)]
    | Annotated[SecretRef, Tag(MAPPING)]
    | Annotated[Template, Tag(_TEMPLATE)]
    | Annotated[Folder, Tag(_FOLDER)],
    Discriminator(_kind, custom_error_type="neither", custom_error_message=f"must be {_WHAT}"),
]


def secrets_in(content: str | SecretRef | Template | Folder) -> list[str]:
    """The secrets of the stack that a file has in it."""
    if isinstance(content, Template):
        return [each.secret for each in content.secrets.values()]
    return [content.secret] if isinstance(content, SecretRef) else []
