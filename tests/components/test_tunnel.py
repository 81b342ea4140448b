"""The tunnel: what Cloudflare is told, and how cloudflared runs."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.ingress import IngressController, IngressControllerArgs
from components.tunnel import Tunnel, TunnelArgs
from spec import images
from spec.stack import Cluster, Node

from .recording import Recording, Secret, providers, record

HOSTS = ("example.com", "mcd.example.com")
_TOKEN_CALL = "cloudflare:index/getZeroTrustTunnelCloudflaredToken:getZeroTrustTunnelCloudflaredToken"


def _tunnel(hosts: tuple[str, ...] = HOSTS, token: str = "a-tunnel-token", **overrides: Any) -> Recording:
    cluster = Cluster(context="c", nodes=(Node(name="n", role="control-plane", ip="10.0.0.50", cpu=4, memory="8Gi"),))

    def program() -> None:
        opts = pulumi.ResourceOptions(providers=providers())
        ingress = IngressController("ingress", IngressControllerArgs(cluster=cluster), opts)
        args = {"tunnel_name": "warren-test", "account_id": "0" * 32, "zone_id": "1" * 32, "hosts": hosts, **overrides}
        Tunnel("tunnel", TunnelArgs(ingress=ingress, cluster=cluster, **args), opts)

    return record(program, invokes={_TOKEN_CALL: {"token": token}})


@pytest.fixture(scope="module")
def seen() -> Recording:
    return _tunnel()


def _pod(seen: Recording) -> dict[str, Any]:
    template: dict[str, Any] = seen.manifest("Deployment", "cloudflared")["spec"]["template"]
    return template


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


def test_rule_44_two_replicas_are_spread_budgeted_and_ready_only_with_a_connection(seen: Recording) -> None:
    spec = seen.manifest("Deployment", "cloudflared")["spec"]
    assert spec["replicas"] == 2
    [spread] = _pod(seen)["spec"]["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["matchLabelKeys"]) == ("kubernetes.io/hostname", ["pod-template-hash"])
    assert {each["tolerationSeconds"] for each in _pod(seen)["spec"]["tolerations"]} == {30}
    assert seen.manifest("PodDisruptionBudget", "cloudflared")["spec"]["maxUnavailable"] == 1
    container = _pod(seen)["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert container["livenessProbe"]["httpGet"]["path"] != "/ready"


def test_rule_45_the_token_comes_by_environment_to_an_unprivileged_process(seen: Recording) -> None:
    pod = _pod(seen)["spec"]
    container = pod["containers"][0]
    assert container["env"] == [
        {"name": "TUNNEL_TOKEN", "valueFrom": {"secretKeyRef": {"name": "tunnel-token", "key": "token"}}},
        # Below its limit of 192Mi.
        {"name": "GOMEMLIMIT", "value": "172MiB"},
    ]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsUser"] == 65532
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    grace = int(container["args"][container["args"].index("--grace-period") + 1].removesuffix("s"))
    assert 30 < grace < pod["terminationGracePeriodSeconds"]
    assert images.CLOUDFLARED.split(":")[1].split("@")[0] not in ("2026.8.0", "2026.8.1", "latest")


@pytest.mark.parametrize("protocol", ["auto", "quic", "http2"])
def test_rule_45_the_protocol_is_a_setting(protocol: str) -> None:
    args = _pod(_tunnel(protocol=protocol))["spec"]["containers"][0]["args"]
    assert args[args.index("--protocol") + 1] == protocol


def test_rule_44_nobody_reaches_cloudflared_and_it_reaches_dns_the_edge_and_the_controller_only(
    seen: Recording,
) -> None:
    wall = seen.manifest("NetworkPolicy", "cloudflared")["spec"]
    assert wall["policyTypes"] == ["Ingress", "Egress"]
    assert wall["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in wall
    dns, edge, ingress = wall["egress"]
    assert [port["port"] for port in dns["ports"]] == [53, 53]
    assert [(port["port"], port["protocol"]) for port in edge["ports"]] == [(7844, "TCP"), (7844, "UDP")]
    assert ingress["to"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "warren-ingress"}
    assert "podSelector" in ingress["to"][0]
    everything = seen.one("NetworkPolicy", "tunnel-wall-default-deny").manifest["spec"]
    assert everything == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


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
