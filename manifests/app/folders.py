"""The folders beside a workspace file that its apps name: static ones, and those of config files. Read once, by `load`.

Owns what is told where one cannot be read. Does not own which folder is meant (`config.files.folders`), nor what a
folder may hold (`static`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from config.app import App
from config.app_files import Folder
from config.files.folders import static_folder
from config.mistakes import KeyPath, Loaded, Mistake
from config.workspace import Workspace
from manifests.app.static import StaticFiles, items, read_folder, read_texts

T = TypeVar("T")


@dataclass
class Folders:
    """What the folders of one workspace hold."""

    places: tuple[Path, ...]
    """Where they are looked for, in this order."""
    file: Loaded[Workspace]
    known: Collection[str]
    """Every workspace that has a file."""
    static: dict[str, StaticFiles] = field(default_factory=dict)
    """App -> what it serves."""
    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    """App -> path in its containers -> config file."""
    shown: list[str] = field(default_factory=list)
    """The folders, as messages show them."""
    mistakes: list[Mistake] = field(default_factory=list)

    def read(self) -> Folders:
        """Read all of them, and collect what is wrong."""
        for name, app in self.file.model.apps.items():
            if app.static is not None:
                served = self._read(("apps", name, "static"), app.static, partial(_site, app))
                if served is not None:
                    self.static[name] = served
            for mount, content in app.files.items():
                if isinstance(content, Folder):
                    found = self._read(("apps", name, "files", mount, "folder"), content.folder, read_texts)
                    texts = self.texts.setdefault(name, {})
                    texts |= {f"{mount}/{path}": text for path, text in (found or {}).items()}
        return self

    def workspace(self, workspace: Workspace) -> Workspace:
        """The workspace with the files of its folders written at the apps, where a file of that path is not there."""
        apps = {
            name: app.model_copy(update={"files": self.texts[name] | _others(app)}) if name in self.texts else app
            for name, app in workspace.apps.items()
        }
        return workspace.model_copy(update={"apps": apps})

    def _read(self, at: KeyPath, written: str, read: Callable[[Path], T]) -> T | None:
        shown, example = "", f"{self.file.model.name}/{at[1]}"
        try:
            shown, path = static_folder(self.places, written, self.file.model.name, example, self.known)
            found = read(path)
        except ValueError as refused:
            what = str(refused)
        except (OSError, RuntimeError):
            what = "has something in it that cannot be read; look at rights and links"
        else:
            self.shown.append(shown)
            return found
        self.mistakes.append(self.file.mistake(at, f"{shown}: {what}" if shown else what))
        return None


def _site(app: App, path: Path) -> StaticFiles:
    files = read_folder(path)
    items(files, (rule.path for rule in app.routes))
    return files


def _others(app: App) -> dict[str, object]:
    return {path: content for path, content in app.files.items() if not isinstance(content, Folder)}
