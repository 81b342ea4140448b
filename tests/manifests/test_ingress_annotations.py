"""The Ingress objects that both controllers serve."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import pytest
import yaml

from config.routes import Route
from manifests import images
from manifests.ingress import nginx, own_routers, traefik
from manifests.ingress.annotations import (
    ALLOWED_ANNOTATIONS,
    NOBODY,
    PREFIX,
    Gate,
    Manifest,
    basic_auth_secret,
    password,
    route_ingresses,
)
from manifests.ingress.controller import HTTP_PORT, IDENTITY_HEADERS, Controller
from tests.config.examples import assert_valid
from tests.manifests.ingress_examples import (  # fmt: skip
    CLUSTER,
    EVERY_KIND,
    FORBIDDEN,
    GATE,
    GATEWAY,
    HOST,
    NGINX_READS,
    SECRET,
    TRAEFIK_READS,
    ingresses,
    route,
)

ALL = [*ingresses(), *GATEWAY]


def _notes(manifest: Manifest) -> dict[str, str]:
    """The nginx annotations of an Ingress, without their prefix."""
    found: dict[str, str] = manifest["metadata"]["annotations"]
    return {name.removeprefix(PREFIX): value for name, value in found.items() if name.startswith(PREFIX)}


def _of(row: Route) -> dict[str, str]:
    return _notes(route_ingresses(row, GATE)[0])


def _path(manifest: Manifest) -> Manifest:
    path: Manifest = manifest["spec"]["rules"][0]["http"]["paths"][0]
    return path


# What holds for every Ingress, under either controller.


@pytest.mark.parametrize("reads", [TRAEFIK_READS, NGINX_READS], ids=["traefik", "nginx"])
def test_both_controllers_understand_every_annotation_that_is_ever_emitted(reads: frozenset[str]) -> None:
    assert {name for manifest in ALL for name in _notes(manifest)} <= reads


def test_rule_27_every_emitted_annotation_is_on_the_allow_list_and_every_listed_one_is_emitted() -> None:
    every = [*ALL, own_routers.measuring()]
    assert {name for manifest in every for name in manifest["metadata"]["annotations"]} == ALLOWED_ANNOTATIONS


@pytest.mark.parametrize("name", FORBIDDEN)
def test_rules_27_and_31_the_allow_list_has_nothing_that_rewrites_aliases_injects_or_works_in_one_controller_only(
    name: str,
) -> None:
    assert PREFIX + name not in ALLOWED_ANNOTATIONS


def test_every_ingress_is_what_the_kubernetes_schemas_allow() -> None:
    for manifest in ALL:
        assert_valid(manifest)


def test_rule_27_every_rule_has_one_plain_host() -> None:
    for manifest in ALL:
        assert [rule["host"] for rule in manifest["spec"]["rules"]] == [HOST]
        assert "defaultBackend" not in manifest["spec"]


def test_rule_26_no_ingress_has_tls_or_redirects_to_https() -> None:
    for manifest in ALL:
        assert "tls" not in manifest["spec"]
        assert _notes(manifest)["ssl-redirect"] == "false"


def test_rule_33_no_ingress_is_awaited() -> None:
    assert {manifest["metadata"]["annotations"]["pulumi.com/skipAwait"] for manifest in ALL} == {"true"}


def test_only_prefixes_are_emitted_because_the_controllers_rank_exact_paths_differently() -> None:
    assert {_path(manifest)["pathType"] for manifest in ALL} == {"Prefix"}


def test_no_two_ingresses_share_a_name_or_a_host_and_path() -> None:
    assert len({manifest["metadata"]["name"] for manifest in ALL}) == len(ALL)
    assert len({_path(manifest)["path"] for manifest in ALL}) == len(ALL)


def test_every_path_passes_the_pattern_that_both_controllers_check() -> None:
    # Traefik: strictPathTypeRegexp in kubernetes.go; ingress-nginx: inspector/rules.go.
    assert all(re.fullmatch(r"/[A-Za-z0-9._\-/]*", _path(manifest)["path"]) for manifest in ALL)


def test_every_value_passes_the_patterns_that_nginx_checks() -> None:
    # internal/ingress/annotations/parser/validators.go: the widest of them, URLWithNginxVariableRegex.
    for manifest in ALL:
        for name, value in _notes(manifest).items():
            assert re.fullmatch(r"[\-._~a-zA-Z0-9/:, ?&=$]*", value), (name, value)


def test_numbers_are_bare_because_traefik_ignores_a_number_with_a_unit() -> None:
    numbers = {"limit-rps", "limit-rpm", "limit-burst-multiplier", "proxy-read-timeout", "proxy-send-timeout"}
    found = [value for manifest in ALL for name, value in _notes(manifest).items() if name in numbers]
    assert found
    assert all(value.isdigit() for value in found)


def test_an_ingress_lives_in_its_workspace_and_is_served_by_warrens_class_only() -> None:
    for manifest in ALL:
        assert manifest["metadata"]["namespace"] == "mcd"
        assert manifest["spec"]["ingressClassName"] == "warren"


# What a route says.


def test_a_plain_route_says_nothing_but_what_all_say() -> None:
    assert _of(route("/")) == {"ssl-redirect": "false", "proxy-buffer-size": "16k"}


def test_a_route_leads_to_its_apps_service_port_by_name() -> None:
    assert _path(route_ingresses(route("/x"), None)[0])["backend"] == {
        "service": {"name": "web", "port": {"name": "http"}}
    }


@pytest.mark.parametrize(
    ("rule", "notes"),
    [
        ({"rateLimit": "20/s"}, {"limit-rps": "20", "limit-burst-multiplier": "5"}),
        ({"rateLimit": "300/m"}, {"limit-rpm": "300", "limit-burst-multiplier": "5"}),
        ({"bodySize": "8Mi"}, {"proxy-body-size": "8m"}),
        ({"timeout": "5m"}, {"proxy-read-timeout": "300", "proxy-send-timeout": "300"}),
        (
            {"allowFrom": ("203.0.113.0/24", "2001:db8::/32")},
            {"whitelist-source-range": "203.0.113.0/24,2001:db8::/32"},
        ),
        ({"protocol": "https"}, {"backend-protocol": "HTTPS"}),
        ({"protocol": "grpc"}, {"backend-protocol": "GRPC"}),
    ],
)
def test_an_option_becomes_these_annotations(rule: dict[str, Any], notes: dict[str, str]) -> None:
    plain = _of(route("/x"))
    assert {name: value for name, value in _of(route("/x", **rule)).items() if name not in plain} == notes


def test_a_public_route_has_no_auth_annotations_even_with_a_gate() -> None:
    assert not [name for name in _of(route("/x")) if name.startswith("auth-")]


def test_a_page_sends_people_to_sign_in_and_back_to_where_they_were() -> None:
    notes = _of(route("/x", "page"))
    assert notes["auth-url"] == "http://oauth2-proxy.mcd.svc.cluster.local:4180/oauth2/auth"
    assert notes["auth-signin"] == f"https://{HOST}/oauth2/start?rd=https://{HOST}$escaped_request_uri"


def test_rule_13_an_api_route_has_nowhere_to_redirect_to() -> None:
    notes = _of(route("/x", "api"))
    assert "auth-signin" not in notes
    assert notes["auth-url"].endswith("/oauth2/auth")


def test_rule_24_every_identity_header_is_taken_from_sign_in_on_every_protected_route() -> None:
    protected = [_of(row) for row in EVERY_KIND if row.auth != "none"]
    assert protected
    for notes in protected:
        assert tuple(notes["auth-response-headers"].split(",")) == IDENTITY_HEADERS
    assert {name.removeprefix("X-Auth-Request-") for name in IDENTITY_HEADERS} == {
        "User",
        "Email",
        "Groups",
        "Preferred-Username",
    }


def test_rule_26_https_is_written_out_where_people_are_sent_and_where_they_come_back_to() -> None:
    address = GATE.sign_in
    assert address.count("https://") == 2
    assert "$scheme" not in address


@pytest.mark.parametrize("gate", [None, Gate("other.example.com", "oauth2-proxy", "mcd")])
def test_a_protected_route_without_a_gate_of_its_own_host_is_never_made(gate: Gate | None) -> None:
    with pytest.raises(ValueError, match=f"^https://{HOST}/x needs sign-in and has no OAuth2-Proxy of its own host$"):
        route_ingresses(route("/x", "page"), gate)


def test_basic_auth_reads_an_htpasswd_file_from_the_routes_own_secret() -> None:
    row = route("/x", basicAuth=SECRET)
    notes = _of(row)
    wanted = {
        "auth-type": "basic",
        "auth-secret": basic_auth_secret(row),
        "auth-secret-type": "auth-file",
        "auth-realm": "web",
    }
    assert {name: value for name, value in notes.items() if name.startswith("auth-")} == wanted
    assert "/" not in notes["auth-secret"]


def test_the_htpasswd_file_is_where_the_route_looks_for_it() -> None:
    row = route("/x", basicAuth=SECRET)
    made = password(row, "me:hash")
    assert_valid(made)
    assert (made["metadata"]["namespace"], made["metadata"]["name"]) == ("mcd", _of(row)["auth-secret"])
    assert made["metadata"]["labels"]["warren/workspace"] == "mcd"
    assert (made["type"], made["stringData"]) == ("Opaque", {"auth": "me:hash"})


def test_basic_auth_beside_sign_in_never_redirects_because_nginx_would_do_so_for_a_wrong_password() -> None:
    assert "auth-signin" not in _of(route("/x", "page", basicAuth=SECRET))
    assert "auth-url" in _of(route("/x", "page", basicAuth=SECRET))


@pytest.mark.parametrize("auth", ["none", "page", "api"])
def test_a_denied_path_has_an_ingress_that_admits_nobody(auth: str) -> None:
    row = route("/x", auth, deny=("/x/metrics",))
    _, denied = route_ingresses(row, GATE)
    assert _path(denied)["path"] == "/x/metrics"
    assert _path(denied)["backend"] == {"service": {"name": "web", "port": {"name": "http"}}}
    assert _notes(denied) == {
        "ssl-redirect": "false",
        "proxy-buffer-size": "16k",
        "whitelist-source-range": "0.0.0.0/32",
    }


def test_nobody_is_one_address_that_is_nobodys_and_that_nginx_can_read() -> None:
    network = ipaddress.ip_network(NOBODY)
    assert network.num_addresses == 1
    assert network.network_address.is_unspecified
    # nginx takes 255.255.255.255, its own error value, for a mistake (ngx_ptocidr), and keeps its whole old config.
    assert network != ipaddress.ip_network("255.255.255.255/32")


def test_a_denied_path_wins_in_traefik_because_its_rule_is_longer() -> None:
    row = route("/x", deny=("/x/metrics",), rateLimit="1/s")
    limited = own_routers.config([row])["http"]["routers"]
    assert [router["priority"] for router in limited.values()] < [len(own_routers.router_rule(HOST, "/x/metrics"))]


def test_the_gateways_own_ingresses_ask_nobody_and_count_nothing() -> None:
    for manifest in GATEWAY:
        assert _notes(manifest) == {"ssl-redirect": "false", "proxy-buffer-size": "16k"}
    assert [_path(manifest)["path"] for manifest in GATEWAY] == ["/oauth2", "/dex"]
    assert [_path(manifest)["backend"]["service"]["port"] for manifest in GATEWAY] == [
        {"name": "http"},
        {"name": "http"},
    ]


# What both controllers keep, whichever one it is.

BOTH = pytest.mark.parametrize(
    "told", [traefik.controller(CLUSTER, EVERY_KIND), nginx.controller(CLUSTER)], ids=["traefik", "nginx"]
)


@BOTH
def test_rule_32_a_controller_runs_under_pod_security_restricted(told: Controller) -> None:
    security = told.container["securityContext"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"]["drop"] == ["ALL"]
    # The one capability that the restricted profile lets a container add.
    assert security["capabilities"].get("add", ["NET_BIND_SERVICE"]) == ["NET_BIND_SERVICE"]
    assert told.user != 0
    assert all(port["containerPort"] > 1024 for port in told.container["ports"])


@BOTH
def test_a_controller_listens_where_the_walls_and_the_service_expect_it(told: Controller) -> None:
    assert {"name": "http", "containerPort": HTTP_PORT} in told.container["ports"]
    assert HTTP_PORT == 8000


@BOTH
def test_a_controllers_rbac_only_reads_and_never_touches_workloads(told: Controller) -> None:
    for rule in told.cluster_rules:
        assert set(rule["verbs"]) <= {"list", "watch"}
    found = {resource for rule in told.cluster_rules for resource in rule["resources"]}
    assert found == {"ingresses", "ingressclasses", "services", "secrets", "configmaps", "endpointslices"}
    assert not [rule for rule in told.own_rules if "secrets" in rule["resources"] or "*" in rule["verbs"]]


@BOTH
def test_rule_30_no_network_that_a_controller_trusts_is_everybody(told: Controller) -> None:
    text = yaml.safe_dump([told.container["args"], {name: dict(data) for name, data in told.config.items()}])
    networks = re.findall(r"[0-9a-f.:]+/[0-9]{1,3}\b", text)
    assert CLUSTER.podCidr in networks
    assert all(ipaddress.ip_network(net).prefixlen >= 8 for net in networks if net.count(".") == 3)


@BOTH
def test_both_are_watched_by_probes_on_a_port_that_no_route_reaches(told: Controller) -> None:
    named = {port["name"]: port["containerPort"] for port in told.container["ports"]}
    probes = [each["httpGet"]["port"] for name, each in told.container.items() if name.endswith("Probe")]
    assert len(probes) >= 2
    assert HTTP_PORT not in [named[port] for port in probes]


@BOTH
def test_a_controller_has_requests_and_a_memory_limit(told: Controller) -> None:
    resources = told.container["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert set(resources["limits"]) == {"memory"}


def test_rule_2_the_images_are_at_or_above_their_floor() -> None:
    def version(image: str) -> tuple[int, ...]:
        match = re.search(r":v(\d+)\.(\d+)\.(\d+)(@sha256:[0-9a-f]{64})?$", image)
        assert match, image
        return tuple(int(part) for part in match.groups()[:3])

    assert version(images.TRAEFIK) >= (3, 7, 13)
    assert version(images.INGRESS_NGINX) == (1, 15, 1)
