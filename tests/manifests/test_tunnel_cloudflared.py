"""cloudflared's pods and walls."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from manifests import images
from manifests.tunnel import cloudflared
from tests.config.examples import assert_valid
from tests.manifests.ingress_examples import CLUSTER

DEPLOYMENT = cloudflared.deployment(CLUSTER, 2, "auto", "a-checksum")
TEMPLATE: dict[str, Any] = DEPLOYMENT["spec"]["template"]
POD: dict[str, Any] = TEMPLATE["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]
WALLS = cloudflared.policies(CLUSTER)


def test_every_object_is_what_the_kubernetes_schemas_allow() -> None:
    made = [cloudflared.namespace(), cloudflared.secret("a-token"), cloudflared.budget(), DEPLOYMENT, *WALLS.values()]
    for manifest in made:
        assert_valid(manifest)


def test_its_namespace_enforces_pod_security_restricted_and_is_no_workspace() -> None:
    labels = cloudflared.namespace()["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert "warren/workspace" not in labels


def test_rule_44_two_replicas_are_spread_budgeted_and_ready_only_with_a_connection() -> None:
    assert DEPLOYMENT["spec"]["replicas"] == 2
    [spread] = POD["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["matchLabelKeys"]) == ("kubernetes.io/hostname", ["pod-template-hash"])
    assert {each["tolerationSeconds"] for each in POD["tolerations"]} == {30}
    assert cloudflared.budget()["spec"]["maxUnavailable"] == 1
    assert CONTAINER["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert CONTAINER["livenessProbe"]["httpGet"]["path"] != "/ready"


def test_rule_45_the_token_comes_by_environment_to_an_unprivileged_process() -> None:
    assert cloudflared.secret("a-token")["stringData"] == {"token": "a-token"}
    assert CONTAINER["env"] == [
        {"name": "TUNNEL_TOKEN", "valueFrom": {"secretKeyRef": {"name": "tunnel-token", "key": "token"}}},
        # Below its limit of 192Mi.
        {"name": "GOMEMLIMIT", "value": "172MiB"},
    ]
    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsUser"] == 65532
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    grace = int(CONTAINER["args"][CONTAINER["args"].index("--grace-period") + 1].removesuffix("s"))
    assert 30 < grace < POD["terminationGracePeriodSeconds"]
    assert images.CLOUDFLARED.split(":")[1].split("@")[0] not in ("2026.8.0", "2026.8.1", "latest")


@pytest.mark.parametrize("protocol", ["auto", "quic", "http2"])
def test_rule_45_the_protocol_is_a_setting(protocol: Literal["auto", "quic", "http2"]) -> None:
    made = cloudflared.deployment(CLUSTER, 2, protocol, "a-checksum")
    args = made["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args[args.index("--protocol") + 1] == protocol


def test_rule_44_nobody_reaches_cloudflared_and_it_reaches_dns_the_edge_and_the_controller_only() -> None:
    wall = WALLS["cloudflared"]["spec"]
    assert wall["podSelector"]["matchLabels"].items() <= TEMPLATE["metadata"]["labels"].items()
    assert wall["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in wall
    dns, edge, ingress = wall["egress"]
    assert [port["port"] for port in dns["ports"]] == [53, 53]
    assert [(port["port"], port["protocol"]) for port in edge["ports"]] == [(7844, "TCP"), (7844, "UDP")]
    assert ingress == {
        "to": [
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "warren-ingress"}},
                "podSelector": {"matchLabels": {"app.kubernetes.io/name": "ingress-controller"}},
            }
        ],
        "ports": [{"protocol": "TCP", "port": 8000}],
    }
    assert WALLS["default-deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_checksum_is_on_the_pods_and_nowhere_else() -> None:
    other = cloudflared.deployment(CLUSTER, 2, "auto", "another")
    assert TEMPLATE["metadata"]["annotations"] == {"warren/config": "a-checksum"}
    other["spec"]["template"]["metadata"]["annotations"] = {"warren/config": "a-checksum"}
    assert other == DEPLOYMENT
