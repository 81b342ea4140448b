"""docs/nodes.md: its commands do what it says, on files that look like a Pi's, and its figures are the program's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from config.stack import Stack
from manifests import k3s, pods
from manifests.ingress import nginx, traefik
from manifests.tunnel.tunnel import GRACE_SECONDS
from tests.docs.test_docs import ROOT, anchors, blocks
from tests.manifests.ingress_examples import CLUSTER

PAGE = ROOT / "docs" / "nodes.md"
TEXT = PAGE.read_text("utf-8")
CMDLINE = "console=tty1 root=PARTUUID=00000000-02 rootfstype=ext4 fsck.repair=yes rootwait\n"


def command(part: str) -> str:
    """The one block that has this in it."""
    [found] = [text for _, text in blocks(PAGE, "sh") if part in text]
    return found


def typed(text: str, tmp_path: Path) -> str:
    """Type it on a machine whose files lie below `tmp_path`; sudo, systemctl and sysctl do nothing of their own."""
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    for name, does in {"sudo": 'exec "$@"', "systemctl": "", "sysctl": "", "reboot": ""}.items():
        (programs / name).write_text(f"#!/bin/sh\n{does}\n", "utf-8")
        (programs / name).chmod(0o755)
    for folder in ("/boot", "/etc", "/sys", "/var"):
        text = re.sub(rf"(?<![\w.]){folder}/", f"{tmp_path}{folder}/", text)
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", text],
        capture_output=True,
        text=True,
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def test_the_cgroup_flag_is_written_once_however_often_it_is_typed(tmp_path: Path) -> None:
    file = tmp_path / "boot" / "firmware" / "cmdline.txt"
    file.parent.mkdir(parents=True)
    file.write_text(CMDLINE, "utf-8")
    for _ in range(3):
        typed(command("cmdline.txt"), tmp_path)
    assert file.read_text("utf-8") == CMDLINE.replace("\n", " cgroup_enable=memory\n")


def test_the_check_looks_where_newer_kernels_say_it(tmp_path: Path) -> None:
    file = tmp_path / "sys" / "fs" / "cgroup" / "cgroup.controllers"
    file.parent.mkdir(parents=True)
    file.write_text("cpuset cpu io memory pids\n", "utf-8")
    assert typed(command("cgroup.controllers"), tmp_path) == "memory cgroups are on\n"
    file.write_text("cpuset cpu io pids\n", "utf-8")
    assert typed(f"{command('cgroup.controllers').strip()} || true", tmp_path) == ""


def test_the_kernel_with_small_pages_is_written_once(tmp_path: Path) -> None:
    file = tmp_path / "boot" / "firmware" / "config.txt"
    file.parent.mkdir(parents=True)
    file.write_text("arm_64bit=1\n", "utf-8")
    for _ in range(2):
        typed(command("kernel8.img"), tmp_path)
    assert file.read_text("utf-8") == "arm_64bit=1\nkernel=kernel8.img\n"


def test_limits_and_the_wait_for_the_clock_are_files_that_systemd_and_sysctl_read(tmp_path: Path) -> None:
    (tmp_path / "etc" / "sysctl.d").mkdir(parents=True)
    typed(command("90-warren.conf <<'END'\nnet."), tmp_path)
    limits = (tmp_path / "etc" / "sysctl.d" / "90-warren.conf").read_text("utf-8")
    assert all(re.fullmatch(r"(net|fs)[a-z._]+ = \d+", line) for line in limits.splitlines())
    for _ in range(2):
        typed(command("time-sync.target"), tmp_path)
    system = tmp_path / "etc" / "systemd" / "system"
    written = {str(file.relative_to(system)): file.read_text("utf-8") for file in system.rglob("*.conf")}
    waits = "[Unit]\nWants=time-sync.target\nAfter=time-sync.target\n"
    assert written == {
        "systemd-time-wait-sync.service.d/warren.conf": "[Service]\nTimeoutStartSec=120\n",
        "k3s.service.d/warren.conf": waits,
        "k3s-agent.service.d/warren.conf": waits,
    }


def test_a_shutdown_gives_the_platforms_pods_all_the_time_they_have(tmp_path: Path) -> None:
    typed(command("shutdownGracePeriod"), tmp_path)
    [file] = (tmp_path / "var").rglob("*.conf")
    # After 00-k3s-defaults.conf, which k3s writes at each start.
    assert file.name == "90-warren.conf"
    told = yaml.safe_load(file.read_text("utf-8"))
    whole, critical = (int(told[key][:-1]) for key in ("shutdownGracePeriod", "shutdownGracePeriodCriticalPods"))
    controllers = [traefik.controller(CLUSTER, []).grace_seconds, nginx.controller(CLUSTER).grace_seconds]
    longest = max(*controllers, GRACE_SECONDS + 15, pods.SETTLE_SECONDS + pods.STOP_SECONDS)
    assert longest <= whole - critical
    assert f"{whole - critical} s for apps and the\nplatform, which need {longest}" in TEXT


def test_the_times_of_a_dead_node_add_up() -> None:
    silence = 50  # node-monitor-grace-period, since Kubernetes 1.32
    assert f"| about {silence} s |" in TEXT
    assert f"| about {silence + pods.LEAVE_SECONDS} s |" in TEXT
    assert f"the {pods.LEAVE_SECONDS} s after that are Warren's" in TEXT


def test_every_flag_of_the_install_command_is_explained_but_what_names_networks_and_ports() -> None:
    cluster = {**CLUSTER.model_dump(), "nodes": [node.model_dump() for node in CLUSTER.nodes]}
    stack = {"domain": "example.com", "cluster": cluster, "cloudflare": {"accountId": "0" * 32, "zoneId": "1" * 32}}
    people = {"issuer": "https://id.example.com", "clientId": "kubectl"}
    told = " ".join(k3s.install_commands(Stack.model_validate({**stack, "people": people}, strict=False)).values())
    obvious = {"--tls-san", "--cluster-cidr", "--service-cidr", "--https-listen-port"}
    settings = {f"--kubelet-arg={name}" for name in re.findall(r"--kubelet-arg=([\w-]+)", told)}
    flags = {*re.findall(r"--[a-z-]+(?<!-arg)(?==)", told), *settings, "--secrets-encryption"} - obvious
    assert len(flags) > 5
    assert [flag for flag in sorted(flags) if flag not in TEXT] == []
    assert all(name.startswith("oidc-") for name in re.findall(r"--kube-apiserver-arg=([\w-]+)", told))


def test_every_part_that_other_pages_and_messages_point_to_is_there() -> None:
    needed = {"before-k3s", "the-clock", "certificates", "upgrading-k3s", "when-a-node-dies", "k3s-opens-late"}
    assert needed <= anchors(PAGE)
