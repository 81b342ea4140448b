"""The settings of a kubernetes provider.

Owns: which settings the official provider knows, what it refuses in render mode, and which changes replace every object
(``CheckConfig`` and ``DiffConfig`` of its ``provider/provider.go``).  Does not own: what the settings do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from os import environ
from pathlib import Path
from typing import Any

from sandbox import STAND_IN
from sandbox.kubernetes.diff import Options
from sandbox.kubernetes.schema import Problem
from sandbox.server import Refusal
from sandbox.wire import UNKNOWN

KNOWN_SETTINGS = frozenset(
    {
        "alwaysRender",
        "cluster",
        "clusterIdentifier",
        "context",
        "deleteUnreachable",
        "enableConfigMapMutable",
        "enablePatchForce",
        "enableSecretMutable",
        "enableServerSideApply",
        "helmReleaseSettings",
        "kubeClientSettings",
        "kubeconfig",
        "namespace",
        "renderYamlToDirectory",
        "skipUpdateUnreachable",
        "strictMode",
        "suppressDeprecationWarnings",
        "suppressHelmHookWarnings",
        "upsertExistingObjects",
    }
)
"""The provider's inputs; a test compares them with the SDK's ``Provider`` class."""

UPSERT = "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"
"""Environment variable that, set to true, lets a create take over an object that exists."""

NOT_A_SANDBOX = (
    f"this is the {STAND_IN} for the kubernetes provider; it serves only stacks whose file says `warren:sandbox: true` "
    "(their provider has renderYamlToDirectory). For a real cluster run `pulumi` without the sandbox's PULUMI_HOME"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stand-in itself needs of a provider's settings."""

    directory: Path | None
    patch_force: bool = False
    """Whether a change takes over what others changed by hand."""
    upsert: bool = False
    """Whether creating an object that exists takes it over."""
    mutability: Options = field(default_factory=Options)


def _flag(args: dict[str, Any], key: str, variable: str) -> bool:
    """A setting, or its environment variable where there is none (``Configure`` in the official provider)."""
    return args[key] == "true" if key in args else environ.get(variable) == "true"


def _is_true(value: Any) -> bool:
    return value is True or value == "true"


def problems(news: dict[str, Any]) -> list[Problem]:
    """Return what the official provider refuses about these settings, and the stand-in's own condition."""
    found = []
    for key in sorted(news.keys() - KNOWN_SETTINGS - {"version", "pluginDownloadURL"}):
        close = get_close_matches(key, KNOWN_SETTINGS, 1)
        found.append(Problem(key, "unknown provider setting" + (f" (did you mean {close[0]}?)" if close else "")))
    if not news.get("renderYamlToDirectory"):
        return [*found, Problem("renderYamlToDirectory", NOT_A_SANDBOX)]
    for key in ("cluster", "context", "kubeconfig"):
        if news.get(key):
            found.append(Problem(key, f'"{key}" arg is not compatible with "renderYamlToDirectory" arg'))
    if _is_true(news.get("strictMode")):
        # The official provider wants kubeconfig and context in strict mode, and refuses both in render mode.
        for key in ("kubeconfig", "context"):
            if not news.get(key):
                found.append(Problem(key, f'strict mode requires Provider "{key}" argument'))
    return found


def changes(olds: dict[str, Any], news: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the changed settings, and those that replace the provider and with it every object."""
    changed = sorted(key for key in olds.keys() | news.keys() if olds.get(key) != news.get(key))
    identifier = "clusterIdentifier"
    if identifier not in changed and news.get(identifier):
        return changed, []
    replacing = [key for key in changed if key == "renderYamlToDirectory"]
    if identifier in changed and olds.get(identifier) and news.get(identifier):
        replacing.append(identifier)
    return changed, replacing


def settings(args: dict[str, Any]) -> Settings:
    """Return the stand-in's settings.

    Raises:
        Refusal: the provider is not in render mode (an engine that skipped ``CheckConfig``).
    """
    directory = args.get("renderYamlToDirectory")
    if not directory:
        raise Refusal(NOT_A_SANDBOX)
    # Not known yet only in a preview, which writes nothing.
    return read(args, directory=None if directory is UNKNOWN else Path(directory))


def read(args: dict[str, Any], *, directory: Path | None) -> Settings:
    """Return the settings that say how objects are changed."""
    return Settings(
        directory=directory,
        patch_force=_flag(args, "enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
        upsert=_flag(args, "upsertExistingObjects", UPSERT),
        mutability=Options(
            config_map_mutable=_is_true(args.get("enableConfigMapMutable")),
            secret_mutable=_is_true(args.get("enableSecretMutable")),
        ),
    )
