"""The tunnel's rules, records and arguments."""

from __future__ import annotations

import pytest

from config.stack import Cluster
from manifests.tunnel import tunnel
from tests.manifests.ingress_examples import CLUSTER

URL = "http://ingress-controller.warren-ingress.svc.cluster.local:80"


def test_every_host_has_one_rule_and_everything_else_is_404() -> None:
    assert tunnel.rules(["b.example.com", "a.example.com", "b.example.com"], URL) == [
        {"hostname": "a.example.com", "service": URL},
        {"hostname": "b.example.com", "service": URL},
        {"service": "http_status:404"},
    ]


def test_rule_40_a_tunnel_without_hosts_still_ends_in_404_and_no_rule_has_a_path() -> None:
    assert tunnel.rules([], URL) == [{"service": "http_status:404"}]
    assert not any("path" in rule for rule in tunnel.rules(["a.example.com"], URL))


def test_rule_42_a_record_is_a_proxied_cname_with_automatic_ttl_and_its_full_name() -> None:
    assert tunnel.record("mcd.example.com", "0" * 32, tunnel.target("an-id")) == {
        "zoneId": "0" * 32,
        "name": "mcd.example.com",
        "type": "CNAME",
        "ttl": 1,
        "proxied": True,
        "content": "an-id.cfargotunnel.com",
    }


@pytest.mark.parametrize("protocol", ["auto", "quic", "http2"])
def test_rule_45_cloudflared_never_updates_itself_and_never_sees_a_token_in_its_arguments(protocol: str) -> None:
    args = tunnel.args(protocol, CLUSTER)  # type: ignore[arg-type]
    assert "--no-autoupdate" in args
    assert args[args.index("--protocol") + 1] == protocol
    assert args[args.index("--metrics") + 1] == "0.0.0.0:2000"
    assert not any("token" in arg for arg in args)
    assert tunnel.GRACE_SECONDS > 30


@pytest.mark.parametrize(("pods", "family"), [("10.42.0.0/16", "4"), ("fd00:42::/56", "6")])
def test_cloudflared_connects_with_the_addresses_that_its_pods_have(pods: str, family: str) -> None:
    cluster = Cluster.model_validate({**CLUSTER.model_dump(), "podCidr": pods})
    args = tunnel.args("auto", cluster)
    assert args[args.index("--edge-ip-version") + 1] == family
    # A flag of `tunnel`: after `run` cloudflared would not know it.
    assert args.index("--edge-ip-version") < args.index("run")
