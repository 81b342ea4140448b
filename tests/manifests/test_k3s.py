"""The install commands, word for word: people paste them into a root shell."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from config.load_balancer import LoadBalancer
from config.mistakes import Mistakes
from config.stack import Stack
from manifests import k3s
from smoke import floors
from tests import REFERENCE


def _stack(**overrides: Any) -> Stack:
    nodes = [
        {"name": "pi-2", "role": "worker", "ip": "10.0.0.221", "cpu": 4, "memory": "4Gi"},
        {"name": "pi-1", "role": "control-plane", "ip": "10.0.0.50", "cpu": 4, "memory": "8Gi"},
    ]
    cluster = {"context": "home", "nodes": overrides.pop("nodes", nodes), **overrides.pop("cluster", {})}
    data = {
        "domain": "example.com",
        "cluster": cluster,
        "cloudflare": {"accountId": "0" * 32, "zoneId": "1" * 32},
        **overrides,
    }
    return Stack.model_validate(data, strict=False)


def test_the_control_plane_comes_first_with_every_flag_it_needs() -> None:
    commands = k3s.install_commands(_stack())
    assert list(commands) == ["pi-1", "pi-2"]
    assert commands["pi-1"] == (
        "curl -sfL https://get.k3s.io | INSTALL_K3S_VERSION=v1.36.5+k3s1 sh -s - server --node-name=pi-1 "
        "--node-ip=10.0.0.50 --kubelet-arg=pod-max-pids=2048 --tls-san=10.0.0.50 "
        "--cluster-cidr=10.42.0.0/16 --service-cidr=10.43.0.0/16 --https-listen-port=6443 --disable=traefik,servicelb "
        "--secrets-encryption --write-kubeconfig-mode=0600"
    )


def test_service_lb_runs_where_an_app_has_no_address_of_its_own() -> None:
    given = {"ports": ["53/UDP"], "loadBalancerSourceRanges": ["10.0.0.0/24"]}
    by_nodes = _stack().model_copy(
        update={"loadBalancers": {"team/dns": LoadBalancer.model_validate_json(json.dumps(given))}}
    )
    assert " --disable=traefik " in k3s.install_commands(by_nodes)["pi-1"]
    own = LoadBalancer.model_validate_json(json.dumps({**given, "loadBalancerIP": "10.0.0.241"}))
    by_another = _stack().model_copy(update={"loadBalancers": {"team/dns": own}})
    assert k3s.install_commands(by_another) == k3s.install_commands(_stack())


def test_a_worker_joins_with_a_token_that_is_read_and_not_printed() -> None:
    assert k3s.install_commands(_stack())["pi-2"] == (
        "curl -sfL https://get.k3s.io | INSTALL_K3S_VERSION=v1.36.5+k3s1 K3S_URL=https://10.0.0.50:6443 "
        'K3S_TOKEN="$(ssh 10.0.0.50 sudo cat /var/lib/rancher/k3s/server/node-token)" '
        "sh -s - agent --node-name=pi-2 --node-ip=10.0.0.221 --kubelet-arg=pod-max-pids=2048"
    )


def test_every_node_gets_the_same_version_which_is_one_that_the_tests_run() -> None:
    nodes = [
        {"name": "a", "role": "worker", "ip": "10.0.0.1", "cpu": 4, "memory": "8Gi"},
        {"name": "b", "role": "control-plane", "ip": "10.0.0.2", "cpu": 4, "memory": "8Gi"},
        {"name": "c", "role": "control-plane", "ip": "10.0.0.3", "cpu": 4, "memory": "8Gi"},
    ]
    commands = k3s.install_commands(_stack(nodes=nodes))
    assert list(commands) == ["b", "c", "a"], "an agent that is newer than its server does not join"
    for command in commands.values():
        # For the installer, which is behind the pipe, and not for curl.
        assert f"| INSTALL_K3S_VERSION={k3s.VERSION} " in command
    assert re.fullmatch(r"v1\.\d+\.\d+\+k3s\d+", k3s.VERSION)
    found = floors.version_of(k3s.VERSION)
    assert found is not None
    assert found[:2] == floors.NEWEST_KUBERNETES


def test_rule_51_no_pod_takes_all_process_ids_of_its_node() -> None:
    commands = k3s.install_commands(_stack())
    assert all(f"--kubelet-arg=pod-max-pids={k3s.POD_PIDS}" in shlex.split(each) for each in commands.values())
    assert 1024 <= k3s.POD_PIDS <= 8192


def test_people_bring_the_oidc_flags_with_prefixes_on_both_users_and_groups() -> None:
    command = k3s.install_commands(_stack(people={"issuer": "https://id.example.com", "clientId": "kubectl"}))["pi-1"]
    for flag in (
        "oidc-issuer-url=https://id.example.com",
        "oidc-client-id=kubectl",
        "oidc-username-claim=email",
        "oidc-username-prefix=oidc:",
        "oidc-groups-claim=groups",
        "oidc-groups-prefix=oidc:",
    ):
        assert f"--kube-apiserver-arg={flag}" in command


def test_a_second_control_plane_joins_the_first() -> None:
    nodes = [
        {"name": f"pi-{i}", "role": "control-plane", "ip": f"10.0.0.{i}", "cpu": 4, "memory": "8Gi"} for i in (1, 2)
    ]
    commands = k3s.install_commands(_stack(nodes=nodes))
    assert "--cluster-init" in commands["pi-1"]
    assert "--server=https://10.0.0.1:6443" in commands["pi-2"]
    assert "K3S_TOKEN=" not in commands["pi-1"]
    assert "K3S_TOKEN=" in commands["pi-2"]


def test_other_distributions_get_no_k3s_command() -> None:
    assert k3s.install_commands(_stack(cluster={"distribution": "talos"})) == {}


def test_the_commands_come_from_the_stack_file_alone() -> None:
    text = k3s.commands_of_file(REFERENCE, "home")
    assert text.startswith(
        f"# on pi-1\ncurl -sfL https://get.k3s.io | INSTALL_K3S_VERSION={k3s.VERSION} sh -s - server --node-name=pi-1 "
    )
    assert "\n\n# on pi-2\ncurl" in text


def test_what_pulumi_yaml_gives_to_every_stack_counts(tmp_path: Path) -> None:
    shutil.copytree(REFERENCE, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "Pulumi.home.yaml"
    line = "  warren:domain: devailab.work\n"
    text = file.read_text("utf-8")
    assert line in text
    file.write_text(text.replace(line, ""), "utf-8")
    with pytest.raises(Mistakes, match="domain: is missing"):
        k3s.commands_of_file(tmp_path, "home")
    (tmp_path / "Pulumi.yaml").write_text("config:\n  version: 0.1.0\n  domain: { value: devailab.work }\n", "utf-8")
    assert k3s.commands_of_file(tmp_path, "home") == k3s.commands_of_file(REFERENCE, "home")


def test_a_stack_file_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match=r"Pulumi\.home\.yaml: is not there"):
        k3s.commands_of_file(tmp_path, "home")
