"""docs/smoke.md shows what a run prints."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from smoke import run
from smoke.edge import TOKEN
from smoke.plan import load
from tests import REFERENCE
from tests.smoke import standin

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "smoke.md").read_text("utf-8")
SECRETS = "  warren:secrets: { mcd-entra-client-secret: { secure: AAAA } }\n"


def test_the_page_shows_lines_as_a_run_prints_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    shutil.copytree(REFERENCE, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "Pulumi.home.yaml").open("a", encoding="utf-8") as file:
        file.write(SECRETS)
    plan = load(tmp_path, "home", None)
    platform, cluster = standin.Platform(plan), standin.Cluster(plan, tmp_path)
    platform.broken.add("down https://perso.devailab.work/gemini-r1")
    cluster.find("perso", "Deployment", "geminirealtime")["status"] = {}
    cluster.stick("perso", "geminirealtime-6f7d-x2x", "ImagePullBackOff")
    cluster.write()
    with standin.served(platform.handler()) as url:
        code = run.run(["--root", str(tmp_path), "--url", url, "--kubectl", str(cluster.kubectl)])
    printed = capsys.readouterr().out.splitlines()
    assert code == 1

    shown = re.findall(r"^(?:ok|FAIL|warn|skip) +\S+ .+$", PAGE, re.MULTILINE)
    assert len(shown) > 8
    assert [line for line in shown if line not in printed] == []
    assert [line for line in printed if line in shown] == shown, "in the order of a run"
    told = re.search(r"`(\d+ ok, .* not checked), in", PAGE)
    assert told is not None
    assert printed[-1].startswith(f"{told[1]}, in ")


def test_the_page_names_every_group_and_option() -> None:
    groups = re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE)
    assert groups == [
        "routes",
        "sign-in",
        "headers",
        "cookies",
        "certificates",
        "clocks",
        "nodes",
        "pods",
        "walls",
        "versions",
        "cloudflare",
    ]
    for option in ("STACK=home", "--kubeconfig", "--context", "--url", "--kubectl", "--json"):
        assert option in PAGE
