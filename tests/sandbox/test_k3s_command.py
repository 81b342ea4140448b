"""What `make k3s` prints, and of which stacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.mistakes import Mistakes
from manifests.k3s import commands_of_file
from scripts import k3s
from tests.config.files import FILES, write

STACK = FILES["Pulumi.home.yaml"]
BOX = STACK.replace("config:\n", "config:\n  warren:sandbox: true\n")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(k3s, "PROJECT", tmp_path)
    return tmp_path


def test_without_a_stack_the_real_ones_are_meant(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {"Pulumi.home.yaml": STACK, "Pulumi.box.yaml": BOX})
    k3s.main("")
    assert capsys.readouterr().out == f"# Pulumi.home.yaml\n\n{commands_of_file(root, 'home')}\n\n"
    k3s.main("box")
    assert capsys.readouterr().out.startswith("# Pulumi.box.yaml\n\n# on pi-1\ncurl ")


def test_a_project_of_sandboxes_another_distribution_and_a_mistake_are_said(root: Path) -> None:
    write(root, {"Pulumi.box.yaml": BOX})
    with pytest.raises(SystemExit, match="every stack here is a sandbox"):
        k3s.main("")
    write(root, {"Pulumi.home.yaml": STACK.replace("context: home", "context: home\n    distribution: talos")})
    with pytest.raises(SystemExit, match=r"Pulumi\.home\.yaml names another distribution"):
        k3s.main("home")
    with pytest.raises(SystemExit, match=r"there is no Pulumi\.hom\.yaml"):
        k3s.main("hom")
    write(root, {"Pulumi.home.yaml": STACK.replace("role: worker", "role: boss")})
    with pytest.raises(Mistakes, match=r"Pulumi\.home\.yaml:7: "):
        k3s.main("")
