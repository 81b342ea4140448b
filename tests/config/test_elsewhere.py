"""Keys of other systems: each leads to ours, or says that there is none and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from config.app import App
from config.files import elsewhere
from config.health import TcpOrExec
from config.load import validate
from config.mistakes import Document, Mistakes
from config.route_rule import RouteRule
from config.volumes import Volume
from config.workspace import Quota, Workspace

MODELS: dict[str, type[BaseModel]] = {
    "workspace": Workspace,
    "app": App,
    "route": RouteRule,
    "volume": Volume,
    "health": TcpOrExec,
    "quota": Quota,
}
places = pytest.mark.parametrize("place", MODELS)


def rows(place: str) -> dict[str, elsewhere.Row]:
    """The rows for a place, but for keys that are ours there."""
    return {key: row for key, row in elsewhere.TABLE[place].items() if key not in MODELS[place].model_fields}


def written(place: str, key: str) -> dict[str, Any]:
    """A workspace that is right but for one foreign key."""
    volume: dict[str, Any] = {"mount": "/data", "size": "1Gi"}
    route: dict[str, Any] = {"path": "/"}
    health: dict[str, Any] = {"tcp": True}
    quota: dict[str, Any] = {"cpu": "1", "memory": "1Gi"}
    app: dict[str, Any] = {
        "image": "x/a:1",
        "port": 80,
        "routes": [route],
        "health": health,
        "volumes": {"data": volume},
    }
    file: dict[str, Any] = {"name": "a", "host": "a", "auth": "none", "quota": quota, "apps": {"web": app}}
    places = {"workspace": file, "app": app, "route": route, "volume": volume, "health": health, "quota": quota}
    places[place][key] = "x"
    return file


def told(place: str, key: str) -> list[str]:
    """What is said about a foreign key."""
    with pytest.raises(Mistakes) as refused:
        validate(Workspace, Document("x.yaml", written(place, key)))
    return [mistake.what for mistake in refused.value.mistakes]


@places
def test_a_key_of_another_system_is_told_what_it_is_here(place: str) -> None:
    wanted = {key: [f"is not a key here; {words}"] for key, (_, words) in rows(place).items()}
    assert {key: told(place, key) for key in wanted} == wanted


@places
def test_what_a_row_leads_to_is_a_key_of_ours(place: str) -> None:
    assert {ours for ours, _ in rows(place).values()} - {"", *MODELS[place].model_fields} == set()
    assert [words for _, words in rows(place).values() if words.endswith(".")] == []


@places
def test_a_row_for_a_key_that_is_ours_by_now_leads_to_it(place: str) -> None:
    own = {elsewhere._fold(key): key for key in MODELS[place].model_fields}
    table = elsewhere.TABLE[place].items()
    wrong = [key for key, (ours, _) in table if own.get(elsewhere._fold(key), ours) != ours]
    assert wrong == [], "lead these rows of config/files/elsewhere.py to the key, or take them out"


@pytest.mark.parametrize(
    ("place", "key", "ours"),
    [
        ("app", "environment", "env"), ("app", "livenessProbe", "health"), ("app", "readinessProbe", "health"),
        ("app", "healthcheck", "health"), ("app", "resources", "requests"), ("app", "entrypoint", "command"),
        ("app", "initContainers", "init"), ("app", "storage", "volumes"), ("app", "persistence", "volumes"),
        ("app", "cron", "schedule"), ("app", "container_name", ""), ("app", "depends_on", "after"),
        ("app", "restart", ""),
        ("app", "annotations", ""), ("app", "affinity", "nodeSelector"), ("app", "labels", ""), ("app", "networks", ""),
        ("app", "cap_drop", ""), ("app", "secrets", "env"), ("app", "configs", "files"), ("app", "hostname", "host"),
        ("app", "domain", "host"), ("app", "ingress", "routes"), ("app", "path", "routes"), ("app", "expose", "port"),
        ("workspace", "services", "apps"), ("workspace", "domain", "host"), ("workspace", "kind", ""),
    ],
)  # fmt: skip
def test_the_commonest_words_are_known(place: str, key: str, ours: str) -> None:
    assert elsewhere.TABLE[place][key][0] == ours


@pytest.mark.parametrize("key", ["Environment", "ENVIRONMENT", "container-name", "containerName", "envfrom"])
def test_spelling_does_not_matter(key: str) -> None:
    assert elsewhere.row_of(("apps", "web"), key) is not None


def test_a_sidecar_is_told_the_same_as_an_app_and_a_provider_nothing() -> None:
    assert elsewhere.row_of(("apps", "web", "sidecars", "db"), "environment") is not None
    assert elsewhere.row_of(("apps", "web", "init", "db"), "volumeMounts") == (
        "",
        "it is the whole app's; there, write volumes: { data: { mount: /data, size: 5Gi } }",
    )
    assert elsewhere.row_of(("auth", "providers", 0), "environment") is None


def test_a_required_key_by_another_name_is_told_once() -> None:
    file = written("workspace", "services")
    del file["apps"]
    with pytest.raises(Mistakes) as refused:
        validate(Workspace, Document("x.yaml", file))
    assert [mistake.where for mistake in refused.value.mistakes] == ["services"]
