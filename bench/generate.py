"""Stacks of any size, as a person would write them: workspaces with five apps each, half of them behind a sign-in.

Owns: the files of a generated stack. Does not own: what a stack may say; `manifests.platform.load` refuses these files
like any others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

APPS = 5
"""Apps in every generated workspace."""

_ACCOUNT = "0123456789abcdef0123456789abcdef"
_PAGE = "<!doctype html>\n<title>{name}</title>\n<h1>{name}</h1>\n"
_STYLE = "h1 { font: 2rem sans-serif }\n" * 40


def names(count: int) -> list[str]:
    """The workspaces of a generated stack."""
    return [f"team-{number:03}" for number in range(1, count + 1)]


def write(project: Path, count: int) -> dict[str, Any]:
    """Writes `count` workspaces below `project` and returns the `warren:` config that runs them, without secrets."""
    folder = project / "workspaces"
    folder.mkdir()
    for number, name in enumerate(names(count)):
        site = folder / name / "site"
        site.mkdir(parents=True)
        (site / "index.html").write_text(_PAGE.format(name=name))
        (site / "style.css").write_text(_STYLE)
        text = yaml.safe_dump(workspace(name, protected=number % 2 == 0), sort_keys=False)
        (folder / f"{name}.yaml").write_text(text)
    return config(count)


def config(count: int) -> dict[str, Any]:
    """The `warren:` config of a generated stack, with nodes that have room for all of it."""
    nodes = [
        {
            "name": f"node-{i}",
            "role": "worker" if i else "control-plane",
            "ip": f"10.0.0.{i + 10}",
            "cpu": 64,
            "memory": "256Gi",
        }
        for i in range(2 + count // 50)
    ]
    return {
        "domain": "bench.example",
        "sandbox": True,
        "cluster": {"context": "bench", "nodes": nodes},
        "cloudflare": {"accountId": _ACCOUNT, "zoneId": _ACCOUNT[::-1]},
        "workspaces": names(count),
    }


def workspace(name: str, *, protected: bool) -> dict[str, Any]:
    """One workspace: a static site, a web app, an API with secrets and a volume, their database, and a nightly job."""
    database = {"secret": f"{name}-database"}
    return {
        "name": name,
        "host": name,
        "quota": {"cpu": "2", "memory": "4Gi", "storage": "20Gi"},
        "auth": _sign_in(name) if protected else "none",
        "apps": {
            "site": {"static": f"{name}/site", "routes": ["/"]},
            "web": {
                "image": "ghcr.io/example/web:1.4.2",
                "port": 8080,
                "routes": ["/app", {"path": "/app/upload", "bodySize": "50Mi", "timeout": "5m"}],
                "health": "/healthz",
                "env": {"API_URL": "http://api:9000", "LOG_LEVEL": "info"},
                "replicas": 2,
            },
            "api": {
                "image": "ghcr.io/example/api:2.0.1",
                "port": 9000,
                "routes": [
                    {"path": "/api", "rateLimit": "20/s", "deny": ["/api/metrics"]}
                    | ({"auth": "api"} if protected else {})
                ],
                "health": {"http": "/ready", "start": "90s"},
                "env": {
                    "DATABASE_HOST": "db",
                    "DATABASE_PASSWORD": database,
                    "SIGNING_KEY": {"secret": f"{name}-signing"},
                },
                "files": {"/etc/api/config.toml": "[api]\nworkers = 2\n"},
                "volumes": {"data": {"mount": "/data", "size": "2Gi"}},
                "requests": {"cpu": "100m", "memory": "128Mi"},
            },
            "db": {
                "image": "docker.io/library/postgres:17.2",
                "port": 5432,
                "env": {"POSTGRES_PASSWORD": database},
                "health": {"tcp": True},
                "volumes": {"data": {"mount": "/var/lib/postgresql/data", "size": "5Gi"}},
                "user": 999,
            },
            "backup": {
                "image": "docker.io/library/postgres:17.2",
                "schedule": "0 3 * * *",
                "command": ["sh", "-c", "pg_dump -h db -U postgres > /backup/dump.sql"],
                "env": {"PGPASSWORD": database},
                "volumes": {"backup": {"mount": "/backup", "size": "5Gi"}},
            },
        },
    }


def _sign_in(name: str) -> dict[str, Any]:
    google = {
        "id": "google",
        "type": "google",
        "clientId": f"{name}-client",
        "clientSecret": {"secret": f"{name}-google"},
    }
    return {"providers": [google], "allow": {"emailDomains": ["example.com"]}}


def secrets_of(data: Any) -> set[str]:
    """The secrets that a workspace file refers to, wherever it does."""
    if isinstance(data, list):
        return set().union(*(secrets_of(item) for item in data))
    if not isinstance(data, dict):
        return set()
    own = {data["secret"]} if set(data) == {"secret"} else set()
    return own.union(*(secrets_of(value) for value in data.values()))
