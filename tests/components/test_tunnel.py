"""What a Tunnel registers, and in which order."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.tunnel import Tunnel, TunnelArgs
from config.stack import Cluster, Node
from manifests.tunnel import cloudflared

from .recording import Recording, Secret, providers, record

HOSTS = ("example.com", "mcd.example.com")
_TOKEN_CALL = "cloudflare:index/getZeroTrustTunnelCloudflaredToken:getZeroTrustTunnelCloudflaredToken"


CLUSTER = Cluster(context="c", nodes=(Node(name="n", role="control-plane", ip="10.0.0.50", cpu=4, memory="8Gi"),))


def _tunnel(hosts: tuple[str, ...] = HOSTS, token: str = "a-tunnel-token", **overrides: Any) -> Recording:
    def program() -> None:
        opts = pulumi.ResourceOptions(providers=providers())
        args = {"tunnel_name": "warren-test", "account_id": "0" * 32, "zone_id": "1" * 32, "hosts": hosts, **overrides}
        Tunnel("tunnel", TunnelArgs(cluster=CLUSTER, **args), opts)

    return record(program, invokes={_TOKEN_CALL: {"token": token}})


@pytest.fixture(scope="module")
def seen() -> Recording:
    return _tunnel()


def _pod(seen: Recording) -> dict[str, Any]:
    template: dict[str, Any] = seen.manifest("Deployment", "cloudflared")["spec"]["template"]
    return template


def test_it_makes_exactly_these_resources(seen: Recording) -> None:
    assert seen.ids() == {
        "Tunnel/tunnel",
        "ZeroTrustTunnelCloudflared/tunnel-tunnel",
        "ZeroTrustTunnelCloudflaredConfig/tunnel-config",
        "DnsRecord/tunnel-record-example.com",
        "DnsRecord/tunnel-record-mcd.example.com",
        "Namespace/tunnel-namespace",
        "Secret/tunnel-token",
        "NetworkPolicy/tunnel-wall-default-deny",
        "NetworkPolicy/tunnel-wall-cloudflared",
        "RandomBytes/tunnel-salt",
        "Deployment/tunnel-deployment",
        "PodDisruptionBudget/tunnel-budget",
    }
    for found in seen.kubernetes():
        assert (found.parent, found.provider) == ("Tunnel/tunnel", "kubernetes/kubernetes")


def test_the_objects_are_those_that_were_decided() -> None:
    seen = _tunnel(replicas=3, protocol="http2")
    checksum = _pod(seen)["metadata"]["annotations"]["warren/config"]
    assert seen.manifest("Namespace") == cloudflared.namespace()
    assert seen.manifest("Deployment") == cloudflared.deployment(CLUSTER, 3, "http2", checksum)
    assert seen.manifest("PodDisruptionBudget") == cloudflared.budget()
    for name, manifest in cloudflared.policies(CLUSTER).items():
        assert seen.manifest("NetworkPolicy", f"tunnel-wall-{name}") == manifest


def test_rule_39_the_tunnel_is_configured_by_cloudflare_and_brings_no_secret_of_ours(seen: Recording) -> None:
    tunnel = seen.one("ZeroTrustTunnelCloudflared").props
    assert dict(tunnel) == {"accountId": "0" * 32, "name": "warren-test", "configSrc": "cloudflare"}


def test_rule_40_one_document_sends_every_host_to_the_controller_and_the_rest_to_404(seen: Recording) -> None:
    config = seen.one("ZeroTrustTunnelCloudflaredConfig").props["config"]
    url = "http://ingress-controller.warren-ingress.svc.cluster.local:80"
    assert config == {
        "ingresses": [
            {"hostname": "example.com", "service": url},
            {"hostname": "mcd.example.com", "service": url},
            {"service": "http_status:404"},
        ]
    }


def test_rule_42_every_host_has_one_proxied_record_named_after_it(seen: Recording) -> None:
    records = {record.name: record.props for record in seen.of("DnsRecord")}
    assert set(records) == {"tunnel-record-example.com", "tunnel-record-mcd.example.com"}
    for name, props in records.items():
        assert props["name"] == name.removeprefix("tunnel-record-")
        assert (props["type"], props["proxied"], props["ttl"]) == ("CNAME", True, 1)
        assert props["content"].endswith(".cfargotunnel.com")


def test_one_host_less_removes_its_record_and_rule_and_changes_nothing_else(seen: Recording) -> None:
    fewer = _tunnel(HOSTS[:1])
    assert seen.ids() - fewer.ids() == {"DnsRecord/tunnel-record-mcd.example.com"}
    changed = {r.id for r in seen if r.id in fewer.ids() and dict(r.props) != dict(fewer.one(r.kind, r.name).props)}
    assert changed == {"ZeroTrustTunnelCloudflaredConfig/tunnel-config"}


def test_rule_39_the_token_is_a_secret_everywhere(seen: Recording) -> None:
    assert seen.one("Secret", "tunnel-token").props["stringData"]["token"] == Secret("a-tunnel-token")
    for resource in seen:
        if resource.kind != "Secret":
            assert "a-tunnel-token" not in repr(resource.props)


def test_rule_41_connectors_depend_on_the_tunnel_so_that_they_are_gone_before_it(seen: Recording) -> None:
    assert "ZeroTrustTunnelCloudflared/tunnel-tunnel" in seen.one("Deployment", "cloudflared").dependencies


def test_rule_32_the_walls_stand_before_the_pods(seen: Recording) -> None:
    dependencies = seen.one("Deployment", "cloudflared").dependencies
    assert {
        "NetworkPolicy/tunnel-wall-default-deny",
        "NetworkPolicy/tunnel-wall-cloudflared",
        "Namespace/tunnel-namespace",
    } <= dependencies


def test_rule_34_a_new_token_changes_the_checksum_and_nothing_else_in_the_pod() -> None:
    before, after = _pod(_tunnel(token="one")), _pod(_tunnel(token="two"))
    checksums = [template["metadata"]["annotations"].pop("warren/config") for template in (before, after)]
    assert checksums[0] != checksums[1]
    assert before == after
