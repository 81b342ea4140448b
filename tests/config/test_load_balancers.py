"""Ports on the home network: both files say them, no two apps have the same, and no route is walked around."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.checks import load_balancers
from config.load import validate
from config.mistakes import Document, Loaded
from config.stack import Stack
from tests.config.examples import stack, workspace
from tests.config.files import edited, load, mistakes, write

HOME: dict[str, Any] = {"loadBalancerSourceRanges": ["10.0.0.0/24"]}
GAME = {"shop/web": {"ports": ["25565/TCP"], **HOME}}


def project(given: dict[str, Any], *changes: tuple[str, str], file: str = "workspaces/shop.yaml") -> dict[str, str]:
    """The good project with this given in its stack file, and changes in a workspace's."""
    files = edited(file, *changes) if changes else edited(file)
    told = f"  warren:loadBalancers: {json.dumps(given)}\n  warren:secrets:"
    return {**files, "Pulumi.home.yaml": files["Pulumi.home.yaml"].replace("  warren:secrets:", told)}


PORTS = "    port: 8000\n    routes: [/]\n"


def app_ports(ports: str, routes: str = "[]") -> tuple[str, str]:
    """A change of shop's web: its ports and routes."""
    return PORTS, f"    ports: {{ {ports} }}\n    routes: {routes}\n"


def test_a_port_that_both_files_say_is_right(tmp_path: Path) -> None:
    write(tmp_path, project(GAME, app_ports("game: { number: 25565, loadBalancer: 25565 }")))
    plan = load(tmp_path)
    assert list(plan.stack.loadBalancers) == ["shop/web"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"shop/web": {"ports": ["25565/UDP"], **HOME}}, "[..., 25565/TCP]"),
        ({"shop/web": {"ports": ["25566/TCP"], **HOME}}, "warren:loadBalancers.shop/web.ports: [..., 25565/TCP]"),
        ({"mcd/hello": {"ports": ["25565/TCP"], **HOME}}, "warren:loadBalancers: { shop/web: { ports: [25565/TCP], "),
    ],
)
def test_what_the_stack_gives_otherwise_is_not_given(tmp_path: Path, given: dict[str, Any], why: str) -> None:
    [told] = mistakes(tmp_path, project(given, app_ports("game: { number: 25565, loadBalancer: 25565 }")))
    assert told.startswith(
        "workspaces/shop.yaml:8: apps.web.ports.game.loadBalancer: the stack does not give 25565/TCP to shop/web; add"
    )
    assert why in told


def test_two_workspaces_with_one_port_are_told_with_both_lines(tmp_path: Path) -> None:
    given = {"shop/web": {"ports": ["53/UDP"], **HOME}, "mcd/hello": {"ports": ["53/UDP"], **HOME}}
    files = project(given, app_ports("dns: { number: 5300, protocol: UDP, loadBalancer: 53 }"))
    mcd = files["workspaces/mcd.yaml"].replace(
        "    port: 8000\n",
        "    ports:\n      http: 8000\n      dns:\n        number: 53\n        protocol: UDP\n"
        "        loadBalancer: 53\n",
    )
    assert mistakes(tmp_path, {**files, "workspaces/mcd.yaml": mcd}) == [
        "workspaces/shop.yaml:8: apps.web.ports.dns.loadBalancer: 53/UDP is taken by apps.hello.ports.dns.loadBalancer "
        "(workspaces/mcd.yaml:21) already; choose another one"
    ]


def test_two_ports_of_one_app_are_told_too_and_two_protocols_are_not_one_port(tmp_path: Path) -> None:
    given = {"shop/web": {"ports": ["53/UDP", "53/TCP"], **HOME}}
    both = "a: { number: 53, loadBalancer: 53 }, b: { number: 53, protocol: UDP, loadBalancer: 53 }"
    write(tmp_path, project(given, app_ports(both)))
    assert load(tmp_path).warnings == ()
    [told] = mistakes(tmp_path, project(given, app_ports(f"{both}, c: {{ number: 54, loadBalancer: 53 }}")))
    assert "apps.web.ports.c.loadBalancer: 53/TCP is taken by apps.web.ports.a.loadBalancer" in told


def test_apps_with_addresses_of_their_own_may_have_the_same_port(tmp_path: Path) -> None:
    given = {
        "shop/web": {"ports": ["22/TCP"], **HOME, "loadBalancerIP": "10.0.0.241"},
        "mcd/hello": {"ports": ["22/TCP"], **HOME, "loadBalancerIP": "10.0.0.242"},
    }
    files = project(given, app_ports("ssh: { number: 2222, loadBalancer: 22 }"))
    mcd = files["workspaces/mcd.yaml"].replace(
        "port: 8000", "ports: { http: 8000, ssh: { number: 22, loadBalancer: 22 } }"
    )
    write(tmp_path, {**files, "workspaces/mcd.yaml": mcd})
    assert load(tmp_path).stack.loadBalancers["shop/web"].loadBalancerIP == "10.0.0.241"


KEPT_OUT = "would let people to 8000 whom its routes keep out; give the app a second port for them"
WEB = {"shop/web": {"ports": ["80/TCP"], **HOME}, "mcd/hello": {"ports": ["80/TCP"], **HOME}}


@pytest.mark.parametrize(
    "rule",
    [
        "{ path: /, allowFrom: [203.0.113.0/24] }",
        "{ path: /, basicAuth: { secret: shop-x } }",
        "{ path: /, deny: [/a] }",
    ],
)
def test_nobody_walks_around_what_a_route_asks(tmp_path: Path, rule: str) -> None:
    files = project(WEB, app_ports("web: { number: 8000, loadBalancer: 80 }", f"[{rule}]"))
    secrets = files["Pulumi.home.yaml"].replace("    mcd-entra:", "    shop-x: { secure: AAAA }\n    mcd-entra:")
    assert mistakes(tmp_path, {**files, "Pulumi.home.yaml": secrets}) == [
        f"workspaces/shop.yaml:8: apps.web.ports.web.loadBalancer: {KEPT_OUT}"
    ]


def test_nobody_walks_around_sign_in(tmp_path: Path) -> None:
    offered = ("port: 8000", "port: { number: 8000, loadBalancer: 80 }")
    files = project(WEB, offered, file="workspaces/mcd.yaml")
    assert mistakes(tmp_path, files) == [f"workspaces/mcd.yaml:16: apps.hello.port.loadBalancer: {KEPT_OUT}"]
    api = project(
        WEB, offered, ("routes: [/hello]", "routes: [{ path: /hello, auth: api }]"), file="workspaces/mcd.yaml"
    )
    assert mistakes(tmp_path, api) == [f"workspaces/mcd.yaml:16: apps.hello.port.loadBalancer: {KEPT_OUT}"]
    some = "routes: [/hello, { path: /hello/open, public: true }]"
    assert len(mistakes(tmp_path, project(WEB, offered, ("routes: [/hello]", some), file="workspaces/mcd.yaml"))) == 1
    public = project(
        WEB, offered, ("routes: [/hello]", "routes: [{ path: /hello, public: true }]"), file="workspaces/mcd.yaml"
    )
    write(tmp_path, public)
    assert load(tmp_path).routes


def test_a_static_folder_is_not_offered(tmp_path: Path) -> None:
    given = {"mcd/landing": {"ports": ["80/TCP"], **HOME}}
    static = (
        "landing: { static: mcd/landing,",
        "landing: { static: mcd/landing, port: { number: 80, loadBalancer: 80 },",
    )
    [told] = mistakes(tmp_path, project(given, static, file="workspaces/mcd.yaml"))
    assert "apps.landing.port.loadBalancer: a static folder is served by its routes" in told


def test_an_app_on_its_nodes_network_is_not_offered(tmp_path: Path) -> None:
    trust = "  warren:trust: { shop/web: { hostNetwork: true } }\n  warren:secrets:"
    files = project(GAME, app_ports("game: { number: 25565, loadBalancer: 25565 }"))
    files["workspaces/shop.yaml"] = files["workspaces/shop.yaml"].replace(
        "    ports:", "    hostNetwork: true\n    ports:"
    )
    files["Pulumi.home.yaml"] = files["Pulumi.home.yaml"].replace("  warren:secrets:", trust)
    told = mistakes(tmp_path, files)
    assert any(
        "25565 is on its node's network already, where no wall knows the app; leave it out" in each for each in told
    )


def test_no_app_has_the_name_of_the_service(tmp_path: Path) -> None:
    files = project(GAME, app_ports("game: { number: 25565, loadBalancer: 25565 }"))
    files["workspaces/shop.yaml"] += "  web-lan: { image: ghcr.io/example/x:1 }\n"
    [told] = mistakes(tmp_path, files)
    assert "apps.web-lan: 'web-lan' is the name of the Service that offers web at home; choose another one" in told


SACRED = [22, 179, 2049, 2379, 2380, 6443, 6444, 7946, 10248, 10249, 10250, 10256, 10257, 10259, 30000, 32767]


@pytest.mark.parametrize("number", SACRED)
def test_rule_65_what_nodes_need_at_their_own_addresses_is_not_given(number: int) -> None:
    given: dict[str, Any] = {"ports": [f"{number}/TCP"], **HOME}
    document = Document("Pulumi.home.yaml", {})
    [told] = load_balancers.check_stack(Loaded(stack(loadBalancers={"team/web": given}), document))
    assert told.where == "loadBalancers.team/web.ports[0]"
    own = {**given, "loadBalancerIP": "10.0.0.241"}
    assert list(load_balancers.check_stack(Loaded(stack(loadBalancers={"team/web": own}), document))) == []


@pytest.mark.parametrize("port", ["68/UDP", "8472/UDP", "51820/UDP", "7946/UDP", "30000/UDP"])
def test_rule_65_nor_over_udp(port: str) -> None:
    given = {"team/web": {"ports": [port], **HOME}}
    assert len(list(load_balancers.check_stack(Loaded(stack(loadBalancers=given), Document("f", {}))))) == 1


def test_the_api_servers_port_is_where_the_stack_says() -> None:
    cluster = {**stack().cluster.model_dump(mode="json"), "apiPort": 8443}
    given = {"team/web": {"ports": ["8443/TCP"], **HOME}}
    [told] = load_balancers.check_stack(Loaded(stack(cluster=cluster, loadBalancers=given), Document("f", {})))
    assert "is the API server" in told.what


@given(
    st.dictionaries(
        st.sampled_from(["team/a", "team/b", "team/c"]),
        st.sets(st.sampled_from(["53/TCP", "53/UDP", "1883/TCP"]), min_size=1),
    ),
    st.dictionaries(
        st.sampled_from("abc"), st.sets(st.sampled_from([(53, "TCP"), (53, "UDP"), (1883, "TCP")]), min_size=1)
    ),
)
def test_whatever_passes_is_given_and_is_had_once(
    given: dict[str, set[str]], wanted: dict[str, set[tuple[int, str]]]
) -> None:
    made = workspace(
        apps={
            name: {
                "image": "x/a:1",
                "ports": {
                    f"p{i}": {"number": 1000 + i, "protocol": protocol, "loadBalancer": number}
                    for i, (number, protocol) in enumerate(sorted(wanted.get(name, ())))
                },
            }
            for name in "abc"
        }
    )
    written = stack(loadBalancers={key: {"ports": sorted(ports), **HOME} for key, ports in given.items()})
    file = Loaded(made, Document("workspaces/team.yaml", {}))
    told = list(load_balancers.check(Loaded(written, Document("Pulumi.home.yaml", {})), [file]))
    asked = [(f"team/{name}", f"{number}/{protocol}") for name, ports in wanted.items() for number, protocol in ports]
    granted = [port for key, port in asked if port in given.get(key, set())]
    assert (told == []) == (len(granted) == len(asked) == len(set(granted)))


def test_a_port_is_written_as_one_means_it() -> None:
    read = validate(
        Stack, Document("f", stack(loadBalancers={"team/web": {"ports": ["0053/UDP"], **HOME}}).model_dump(mode="json"))
    )
    assert read.model.loadBalancers["team/web"].ports == ("53/UDP",)
