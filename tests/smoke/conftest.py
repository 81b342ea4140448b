"""Stand-ins for a platform, its cluster and Cloudflare, all well until a test breaks one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smoke import run
from smoke.edge import TOKEN, Api
from smoke.plan import Plan
from tests.smoke import standin


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return standin.project(tmp_path / "project")


@dataclass
class World:
    """Everything that a run meets."""

    root: Path
    url: str
    platform: standin.Platform
    cluster: standin.Cluster
    cloudflare: standin.Cloudflare
    run: Callable[..., int]
    output: Callable[[], str]

    def checked(self, *more: str) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
        """A run's exit code, and its checks by group and name."""
        self.output()
        code = self.run("--json", *more)
        document = json.loads(self.output())
        assert document["ok"] == (code == 0)
        return code, {(each["group"], each["name"]): each for each in document["checks"]}


@pytest.fixture
def world(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[World]:
    monkeypatch.delenv(TOKEN, raising=False)
    platform, cloudflare = standin.Platform(plan), standin.Cloudflare(plan)
    folder = tmp_path / "a cluster"  # people have spaces in their paths
    folder.mkdir()
    cluster = standin.Cluster(plan, folder)
    with standin.served(platform.handler()) as url, standin.served(cloudflare.handler()) as api:
        monkeypatch.setattr(run, "cloudflare_of", lambda token: Api(token, api))

        def start(*more: str) -> int:
            cluster.write()
            root = str(tmp_path / "project")
            return run.run(["--root", root, "--url", url, "--kubectl", str(cluster.kubectl), *more])

        def output() -> str:
            told = capsys.readouterr()
            return told.out + told.err

        yield World(tmp_path / "project", url, platform, cluster, cloudflare, start, output)
