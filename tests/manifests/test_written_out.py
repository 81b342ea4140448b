"""Lists and settings that protect by what is in them, written out a second time.

Other tests compare them with themselves (every forbidden header is cleared), and would pass without a member.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config import reserved
from manifests.ingress import controller, nginx, traefik
from manifests.ingress.annotations import ALLOWED_ANNOTATIONS, PREFIX, route_ingresses
from manifests.signin import dex, signin
from tests.config.files import STACK, edited, mistakes
from tests.manifests.ingress_examples import CLUSTER, GATE, route
from tests.manifests.signin_examples import auth_of, stack, workspace


def test_rule_65_these_headers_and_no_others_are_taken_from_every_request() -> None:
    assert set(controller.FORBIDDEN_HEADERS) == {
        "Forwarded",
        "Proxy",
        "X-Auth-Request-Access-Token",
        "X-Auth-Request-Email",
        "X-Auth-Request-Groups",
        "X-Auth-Request-Preferred-Username",
        "X-Auth-Request-Redirect",
        "X-Auth-Request-User",
        "X-Forwarded-Access-Token",
        "X-Forwarded-Email",
        "X-Forwarded-Groups",
        "X-Forwarded-Host",
        "X-Forwarded-Method",
        "X-Forwarded-Port",
        "X-Forwarded-Preferred-Username",
        "X-Forwarded-Prefix",
        "X-Forwarded-Server",
        "X-Forwarded-Tls-Client-Cert",
        "X-Forwarded-Tls-Client-Cert-Info",
        "X-Forwarded-Uri",
        "X-Forwarded-User",
        "X-Original-Forwarded-For",
        "X-Original-Forwarded-Host",
        "X-Original-Method",
        "X-Original-Uri",
        "X-Original-Url",
        "X-Real-Ip",
        "X-Rewrite-Url",
        "X-Warren-Workspace",
    }


def test_rule_65_these_four_headers_say_who_somebody_is() -> None:
    assert controller.IDENTITY_HEADERS == (
        "X-Auth-Request-User",
        "X-Auth-Request-Email",
        "X-Auth-Request-Groups",
        "X-Auth-Request-Preferred-Username",
    )


def test_rule_65_the_client_is_whom_cloudflare_names() -> None:
    assert controller.CLIENT_HEADER == "CF-Connecting-IP"
    assert controller.UNCACHED == {"Cloudflare-CDN-Cache-Control": "no-store"}


def test_rule_65_dex_changes_its_keys_and_is_in_nobodys_frame() -> None:
    config = dex.config(stack(), workspace(), auth_of(workspace()))
    assert config["signer"] == {"type": "local", "config": {"keysRotationPeriod": "6h"}}
    assert config["web"]["headers"] == {
        "Content-Security-Policy": "frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    assert config["web"]["clientRemoteIP"] == {"header": "CF-Connecting-IP", "trustedProxies": ["10.42.0.0/16"]}
    assert config["expiry"] == {
        "idTokens": "1h",
        "authRequests": "15m",
        "refreshTokens": {"absoluteLifetime": "12h", "validIfNotUsedFor": "12h"},
    }
    assert config["storage"] == {"type": "kubernetes", "config": {"inCluster": True, "crdHandling": "check"}}


def test_rule_65_sign_in_owns_two_paths_and_publishes_six_of_dex() -> None:
    assert reserved.SIGN_IN_PATHS == ("/oauth2", "/dex")
    assert set(dex.PUBLIC_PATHS) == {
        "/dex/.well-known",
        "/dex/approval",
        "/dex/auth",
        "/dex/callback",
        "/dex/static",
        "/dex/theme",
    }


@pytest.mark.parametrize("service", ["dex", "oauth2-proxy", "oauth2-proxy-api"])
def test_rule_65_the_name_of_sign_ins_ingress_depends_on_the_workspace(service: str) -> None:
    """What follows the service's name is a digest: nobody can choose names that meet it when they are joined."""
    made = [signin.ingress_name(workspace(name=name), service).removeprefix(f"{service}-") for name in ("mcd", "perso")]
    assert made[0] != made[1]
    assert all(re.fullmatch("[0-9a-f]{6,64}", mark) for mark in made)


def test_rule_65_every_path_that_is_denied_has_an_ingress_that_admits_nobody() -> None:
    row = route("/x", "page", deny=("/x/a", "/x/b", "/x/c"))
    _, *denied = route_ingresses(row, GATE)
    paths = [path["path"] for one in denied for path in one["spec"]["rules"][0]["http"]["paths"]]
    lists = {one["metadata"]["annotations"][f"{PREFIX}whitelist-source-range"] for one in denied}
    assert (paths, lists) == (["/x/a", "/x/b", "/x/c"], {"0.0.0.0/32"})


def test_rule_65_what_the_controllers_tell_nobody_and_how_much_they_read() -> None:
    assert "--entrypoints.web.http.maxheaderbytes=65536" in traefik.args(CLUSTER)
    off = ("enable-metrics", "profiling", "enable-ssl-passthrough", "watch-ingress-without-class", "update-status")
    assert {f"--{name}=false" for name in off} <= set(nginx.args())
    config = nginx.config(CLUSTER)
    assert config["server-tokens"] == "false"
    assert config["large-client-header-buffers"] == "4 64k"


def test_rule_65_an_ingress_may_say_this_and_nothing_else() -> None:
    assert {name.removeprefix("nginx.ingress.kubernetes.io/") for name in ALLOWED_ANNOTATIONS} == {
        "auth-realm",
        "auth-response-headers",
        "auth-secret",
        "auth-secret-type",
        "auth-signin",
        "auth-type",
        "auth-url",
        "backend-protocol",
        "limit-burst-multiplier",
        "limit-rpm",
        "limit-rps",
        "proxy-body-size",
        "proxy-buffer-size",
        "proxy-read-timeout",
        "proxy-request-buffering",
        "proxy-send-timeout",
        "pulumi.com/skipAwait",
        "ssl-redirect",
        "whitelist-source-range",
    }


@pytest.mark.parametrize("role", ["edit", "view"])
@pytest.mark.parametrize("group", ["system:masters", "system:authenticated", "system:serviceaccounts", "*", " ", ""])
def test_rule_65_the_clusters_own_groups_are_nobodys_people(role: str, group: str, tmp_path: Path) -> None:
    access = f'auth: none\naccess: {{ {role}: ["{group}"] }}'
    people = "  warren:people: { issuer: https://id.example.com/, clientId: kubectl }\n"
    files = {**edited("workspaces/shop.yaml", ("auth: none", access)), "Pulumi.home.yaml": STACK + people}
    said = f"workspaces/shop.yaml:5: access.{role}[0]: is not a group of your people; name one as the issuer does"
    assert mistakes(tmp_path, files) == [said]
