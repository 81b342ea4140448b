"""The kubeconfig that is looked at before anything is made, and the API server that is knocked at."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from config.files import kubeconfig
from config.files.kubeconfig import ApiServer
from config.mistakes import Mistakes
from manifests import platform
from tests import config_from_file
from tests.config.files import FILES, STACK, edited, write

SECRET = "hunter2-is-the-key"
CONFIG: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "other",
    "clusters": [
        {"name": "pis", "cluster": {"server": "https://10.0.0.50:6443", "certificate-authority-data": SECRET}},
        {"name": "away", "cluster": {"server": "https://away.example.com", "proxy-url": "http://10.0.0.1:3128"}},
        {"name": "none", "cluster": {}},
    ],
    "users": [{"name": "me", "user": {"client-key-data": SECRET}}],
    "contexts": [
        {"name": "home", "context": {"cluster": "pis", "user": "me"}},
        {"name": "away", "context": {"cluster": "away", "user": "me"}},
        {"name": "none", "context": {"cluster": "none"}},
        {"name": "lost", "context": {"cluster": "gone"}},
    ],
}


def _load(root: Path, written: str, context: str = "home", *, sandbox: bool = False) -> platform.Platform:
    """The example project with this kubeconfig and context, as the program loads it."""
    text = STACK.replace("context: home", f"kubeconfig: {written}\n    context: {context}")
    if sandbox:
        text = text.replace("config:\n", "config:\n  warren:sandbox: true\n", 1)
    write(root, {**FILES, "Pulumi.home.yaml": text})
    config, secrets = config_from_file(root / "Pulumi.home.yaml")
    return platform.load(root, "home", config, secrets=secrets, kubeconfig=True)


def _refusal(root: Path, written: str, context: str = "home") -> str:
    with pytest.raises(Mistakes) as refused:
        _load(root, written, context)
    [mistake] = refused.value.mistakes
    assert SECRET not in str(mistake)
    assert mistake.file == "Pulumi.home.yaml"
    assert mistake.line == {"cluster.kubeconfig": 4, "cluster.context": 5}[mistake.where]
    return f"{mistake.where}: {mistake.what}"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "home kubeconfig"
    path.write_text(json.dumps(CONFIG), "utf-8")
    return path


def test_rule_63_a_good_kubeconfig_leads_to_the_api_server(tmp_path: Path, config: Path) -> None:
    root = tmp_path / "project"
    assert _load(root, str(config)).api_server == ApiServer("10.0.0.50", 6443, proxied=False)
    assert _load(root, "../home kubeconfig").api_server == ApiServer("10.0.0.50", 6443, proxied=False)
    assert _load(root, str(config), "away").api_server == ApiServer("away.example.com", 443, proxied=True)


def test_rule_63_a_sandbox_and_whoever_reads_the_files_only_need_no_kubeconfig(tmp_path: Path) -> None:
    assert _load(tmp_path, "/nowhere/at/all", sandbox=True).api_server is None
    written, secrets = config_from_file(tmp_path / "Pulumi.home.yaml")
    assert platform.load(tmp_path, "home", {**written, "sandbox": False}, secrets=secrets).api_server is None


def test_rule_63_home_is_the_account_s_as_for_the_provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pwd = pytest.importorskip("pwd")
    monkeypatch.setenv("HOME", str(tmp_path))
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert kubeconfig.path_of("~/.kube/config", tmp_path) == home / ".kube" / "config"
    assert kubeconfig.path_of("~other/config", tmp_path) == tmp_path / "~other/config"


def test_rule_63_what_is_wrong_with_the_path_is_said_with_its_line_and_the_fix(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    root = tmp_path / "project"
    missing = "does not exist; copy the cluster's kubeconfig there, or name the one you have"
    assert _refusal(root, "/nowhere/config") == f"cluster.kubeconfig: /nowhere/config {missing}"
    assert _refusal(root, f"{config}/config").endswith(missing)
    monkeypatch.setenv("KUBECONFIG", "/etc/k3s.yaml")
    assert _refusal(root, "/nowhere/config").endswith(f"{missing} (KUBECONFIG=/etc/k3s.yaml is not used)")
    monkeypatch.delenv("KUBECONFIG")
    assert "is a directory; name the file in it" in _refusal(root, str(tmp_path))
    assert "is no file; name the kubeconfig itself" in _refusal(root, "/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    assert "is no file; name the kubeconfig itself" in _refusal(root, str(tmp_path / "pipe"))
    both = f"{tmp_path}/a:{tmp_path}/b"
    assert _refusal(root, both) == f"cluster.kubeconfig: {both} is a list; name the one file that has the context"
    for text, what in (
        (f"keys: [{SECRET}", "is not YAML; copy the kubeconfig from the cluster again"),
        (f"\x00{SECRET}", "is not YAML; copy the kubeconfig from the cluster again"),
        (SECRET, "is no kubeconfig: it has no list of contexts; name the right file"),
        ("", "is no kubeconfig: it has no list of contexts; name the right file"),
        (
            f"contexts: {'[' * 100_000}{SECRET}",
            "is more than 20 levels deep, so it is no kubeconfig; name the right file",
        ),
        (f"contexts: {SECRET}", "is no kubeconfig: it has no list of contexts; name the right file"),
        ("#" * (kubeconfig.MAX_BYTES + 1), "is larger than 1 MB, so it is no kubeconfig; name the right file"),
    ):
        config.write_text(text, "utf-8")
        assert _refusal(root, str(config)) == f"cluster.kubeconfig: {config} {what}"


def test_rule_63_a_file_that_cannot_be_read_says_how_to_get_one(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_text = Path.read_text

    def refused(path: Path, *arguments: Any, **options: Any) -> str:
        if path == config:
            raise PermissionError(13, f"Permission denied: {SECRET}")
        return read_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", refused)
    assert "cannot be read by this account; make a copy" in _refusal(tmp_path / "project", str(config))


@pytest.mark.parametrize("context", ["castle", "none", "lost"])
def test_rule_63_a_context_that_leads_nowhere_is_refused(tmp_path: Path, config: Path, context: str) -> None:
    said = _refusal(tmp_path / "project", str(config), context)
    if context == "castle":
        shown = f"kubectl config get-contexts --kubeconfig {config}"
        assert said == f"cluster.context: 'castle' is no context of {config}; see which it has: {shown}"
    else:
        what = f"leads to no API server; copy {config} from the cluster again"
        assert said == f"cluster.context: '{context}' {what}"


def test_rule_63_it_comes_with_all_the_other_mistakes(tmp_path: Path) -> None:
    files = edited("Pulumi.home.yaml", ("context: home", "kubeconfig: /nowhere\n    context: home"))
    write(tmp_path, {**files, "workspaces/mcd.yaml": FILES["workspaces/mcd.yaml"].replace("port: 8000", "port: 80800")})
    written, secrets = config_from_file(tmp_path / "Pulumi.home.yaml")
    with pytest.raises(Mistakes) as refused:
        platform.load(tmp_path, "home", written, secrets=secrets, kubeconfig=True)
    assert {mistake.file for mistake in refused.value.mistakes} == {"Pulumi.home.yaml", "workspaces/mcd.yaml"}


def test_rule_63_an_api_server_that_listens_is_no_news_and_one_that_does_not_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        answered = kubeconfig.knock(ApiServer("127.0.0.1", port, proxied=False))
        assert answered is not None
        assert not answered.unanswered()
    closed = kubeconfig.knock(ApiServer("127.0.0.1", port, proxied=False))
    assert closed is not None
    assert closed.unanswered()


def test_rule_63_nobody_waits_longer_for_it_than_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "PATIENCE", 0.2)
    hold = threading.Event()

    def endless(*arguments: object, **options: object) -> None:
        hold.wait(30)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", endless)
    began = time.monotonic()
    slow = kubeconfig.knock(ApiServer("api.example.com", 6443, proxied=False))
    assert slow is not None
    assert slow.unanswered()
    assert time.monotonic() - began < 5
    hold.set()


def test_through_a_proxy_nothing_is_tried(tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://10.0.0.1:3128")
    server = _load(tmp_path / "project", str(config)).api_server
    assert server is not None
    assert server.proxied
    assert kubeconfig.knock(server) is None
    assert kubeconfig.knock(None) is None


@pytest.mark.parametrize("host", ["a\x00b", f"{'a' * 300}.example.com", "a..b"])
def test_rule_63_a_name_that_cannot_be_is_an_api_server_that_does_not_answer(
    host: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert kubeconfig.Knock(ApiServer(host, 6443, proxied=False)).unanswered()
    assert "Traceback" not in capfd.readouterr().err
