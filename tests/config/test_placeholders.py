"""Values that stand for what somebody has yet to find: named in a real stack that is to run, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.mistakes import Mistakes
from manifests import platform
from tests import config_from_file
from tests.config.files import STACK, edited, load, write

HOME = "Pulumi.home.yaml"
ID = "0123456789abcdef0123456789abcdef"
KUBECONFIG = "nothing/is/here"


def told(root: Path, *changes: tuple[str, str]) -> list[str]:
    """The mistakes of a stack that is about to run, but for the kubeconfig that it has none of."""
    files = edited(HOME, ("    context: home", f"    kubeconfig: {KUBECONFIG}\n    context: home"), *changes)
    written, secrets = config_from_file(write(root, files) / HOME)
    with pytest.raises(Mistakes) as refused:
        platform.load(root, "home", written, secrets=secrets, kubeconfig=True)
    return [str(mistake) for mistake in refused.value.mistakes if "cluster.kubeconfig" not in str(mistake)]


@pytest.mark.parametrize("domain", ["warren.example", "home.test", "x.invalid", "my.localhost"])
def test_a_domain_that_nobody_can_have_is_a_placeholder(domain: str, tmp_path: Path) -> None:
    # Mail addresses of the example's sign-in have the domain too, and may.
    changes = ("warren:domain: example.com", f"warren:domain: {domain}")
    assert told(tmp_path, changes) == [
        f"{HOME}:2: domain: {domain} is a placeholder; write the domain that is a zone of your account at Cloudflare"
    ]


@pytest.mark.parametrize(("key", "line"), [("accountId", 10), ("zoneId", 11)])
def test_an_id_of_zeros_is_a_placeholder(key: str, line: int, tmp_path: Path) -> None:
    assert told(tmp_path, (f"{key}: {ID}", f'{key}: "{"0" * 32}"')) == [
        f"{HOME}:{line}: cloudflare.{key}: is a placeholder; dash.cloudflare.com shows it on the domain's overview, "
        'column "API"'
    ]


@pytest.mark.parametrize("ip", ["192.0.2.11", "198.51.100.1", "203.0.113.255"])
def test_an_address_of_documentation_is_a_placeholder(ip: str, tmp_path: Path) -> None:
    assert told(tmp_path, ("10.0.0.51", ip)) == [
        f"{HOME}:8: cluster.nodes[1].ip: {ip} is a placeholder; "
        "kubectl get nodes -o wide shows each node's name and address"
    ]


def test_what_is_nobodys_placeholder_is_taken(tmp_path: Path) -> None:
    assert told(tmp_path, ("10.0.0.51", "192.0.3.1"), ("domain: example.com", "domain: test.example.com")) == []


def test_whoever_only_reads_the_files_and_a_sandbox_may_have_placeholders(tmp_path: Path) -> None:
    zeros = STACK.replace(ID, f'"{"0" * 32}"')
    assert load(write(tmp_path / "zeros", edited(HOME, (STACK, zeros)))).hosts
    sandbox = zeros.replace("config:\n", "config:\n  warren:sandbox: true\n", 1)
    root = write(tmp_path / "sandbox", edited(HOME, (STACK, sandbox)))
    written, secrets = config_from_file(root / HOME)
    assert platform.load(root, "home", written, secrets=secrets, kubeconfig=True).hosts
