"""OAuth2-Proxy's config file against the security rules; that the program accepts it, its own --config-test shows."""

from __future__ import annotations

import base64
import csv
import functools
import itertools
import tomllib

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from config.fields.quantities import seconds
from config.signin import Allow
from manifests import images
from manifests.signin import oauth2_proxy, signin
from manifests.signin.oauth2_proxy import Option
from tests.manifests.signin_examples import ALLOWS, PROVIDERS, auth_of, provider, stack, workspace

# Every option that may ever be written, by the struct in pkg/apis/options (v7.15.3) that reads it.
ALLOWED = {
    # legacy_options.go: LegacyServer, LegacyHeaders, LegacyUpstreams
    "http_address", "metrics_address", "set_xauthrequest", "pass_access_token", "pass_authorization_header",
    "pass_basic_auth", "pass_user_headers", "upstreams",
    # legacy_options.go: LegacyProvider
    "provider", "client_id", "skip_oidc_discovery", "oidc_issuer_url", "login_url", "redeem_url", "oidc_jwks_url",
    "scope", "insecure_oidc_skip_nonce", "code_challenge_method", "approval_prompt", "allowed_groups",
    # options.go
    "reverse_proxy", "trusted_proxy_ips", "real_client_ip_header", "redirect_url", "whitelist_domains",
    "email_domains", "authenticated_emails_file", "skip_provider_button",
    # cookie.go and sessions.go
    "cookie_name", "cookie_path", "cookie_secure", "cookie_httponly", "cookie_samesite", "cookie_expire",
    "cookie_refresh", "cookie_csrf_per_request", "cookie_csrf_per_request_limit", "cookie_csrf_expire",
    "session_store_type", "session_cookie_minimal",
    # app.go and logging.go
    "footer", "request_logging", "auth_logging",
}  # fmt: skip

# Rules 5, 7, 9, 12, 23 and secrets.
FORBIDDEN = {
    "skip_auth_routes", "skip_auth_regex", "trusted_ips", "ping_user_agent", "gcp_healthchecks",
    "skip_auth_preflight", "skip_jwt_bearer_tokens", "extra_jwt_issuers", "api_routes", "cookie_domains",
    "htpasswd_file", "backend_logout_url", "insecure_oidc_allow_unverified_email",
    "insecure_oidc_skip_issuer_verification", "ssl_insecure_skip_verify", "ssl_upstream_insecure_skip_verify",
    "set_authorization_header", "set_basic_auth", "skip_auth_strip_headers", "cookie_secret", "client_secret",
    "cookie_secret_file", "client_secret_file", "basic_auth_password",
}  # fmt: skip


def settings(allow: dict[str, object] | None = None, *, kind: str = "microsoft", **fields: object) -> dict[str, Option]:
    """What one workspace's own proxy gets."""
    w = workspace(providers=[provider(kind, bare=True)], allow=allow, **fields)  # type: ignore[arg-type]
    return oauth2_proxy.options(stack(), w, auth_of(w), signin.proxies(stack(), w)[0])


@functools.cache
def every_variant() -> tuple[dict[str, Option], ...]:
    """Every provider, bare and full, with every kind of allow-list, on its own and on another host."""
    found = []
    for kind, bare, allow in itertools.product(PROVIDERS, (True, False), ALLOWS.values()):
        w = workspace(providers=[provider(kind, bare=bare)], allow=allow, own_hosts=("api", "@"))
        for proxy in signin.proxies(stack(), w):
            found.append(oauth2_proxy.options(stack(), w, auth_of(w), proxy))
    return tuple(found)


def test_rule_03_the_image_is_at_least_7_15_5() -> None:
    tag = images.OAUTH2_PROXY.split("@")[0].rsplit(":v", 1)[1]
    assert tuple(map(int, tag.split("."))) >= (7, 15, 5)


def test_rule_04_only_the_pod_network_is_a_trusted_proxy() -> None:
    for found in every_variant():
        assert found["reverse_proxy"] is True
        assert found["trusted_proxy_ips"] == ("10.42.0.0/16",)


def test_rule_05_the_cookie_is_a_host_cookie() -> None:
    for found in every_variant():
        assert found["cookie_name"] == f"__Host-{found['client_id']}"
        assert (found["cookie_path"], found["cookie_secure"], found["cookie_httponly"]) == ("/", True, True)
        assert found["cookie_samesite"] == "lax"
        assert "cookie_domains" not in found


def test_rule_07_only_listed_options_are_written() -> None:
    seen = set().union(*every_variant())
    assert seen == ALLOWED
    assert not seen & FORBIDDEN


def test_rule_07_options_that_skip_a_check_are_only_the_two_that_are_asked_for() -> None:
    skipping = {
        key: value for found in every_variant() for key, value in found.items() if "skip" in key or "insecure" in key
    }
    # The first is a button, the second is the discovery document, the third is rule 9's "do check".
    assert skipping == {"skip_provider_button": True, "skip_oidc_discovery": True, "insecure_oidc_skip_nonce": False}


@pytest.mark.parametrize(
    ("allow", "expected"),
    [
        ("domains", {"email_domains": ("example.com", "example.org")}),
        ("emails", {"authenticated_emails_file": "/etc/oauth2-proxy/emails.csv"}),
        ("groups", {"email_domains": ("*",), "allowed_groups": ("staff",)}),
        ("domains and groups", {"email_domains": ("example.com",), "allowed_groups": ("staff",)}),
        (
            "emails and groups",
            {"authenticated_emails_file": "/etc/oauth2-proxy/emails.csv", "allowed_groups": ("staff",)},
        ),
    ],
)
def test_rule_08_one_list_of_emails_admits_and_groups_narrow_it(allow: str, expected: dict[str, Option]) -> None:
    found = settings(ALLOWS[allow])
    keys = ("email_domains", "authenticated_emails_file", "allowed_groups")
    assert {key: found[key] for key in keys if key in found} == expected


def test_rule_08_every_group_is_named() -> None:
    assert settings({"groups": ["staff", "family"]})["allowed_groups"] == ("staff", "family")


def test_rule_08_an_allow_list_that_names_nobody_is_refused() -> None:
    w = workspace()
    nobody = auth_of(w).model_copy(update={"allow": Allow.model_construct()})
    with pytest.raises(ValueError, match="would admit everyone"):
        oauth2_proxy.options(stack(), w, nobody, signin.proxies(stack(), w)[0])


def test_rule_08_the_file_of_emails_survives_comments_and_quotes() -> None:
    text = oauth2_proxy.emails_file(Allow.model_construct(emails=('#b"c@example.com', "ada@example.com")))
    assert text is not None
    # As validator.go:62 reads it: a line that starts with # is a comment.
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert [row[0] for row in csv.reader(lines, strict=True)] == ['#b"c@example.com', "ada@example.com"]


def test_rule_08_without_emails_there_is_no_file() -> None:
    assert oauth2_proxy.emails_file(auth_of(workspace(allow=ALLOWS["groups"])).allow) is None


def test_rule_09_nonce_pkce_and_an_explicit_redirect() -> None:
    for found in every_variant():
        assert found["insecure_oidc_skip_nonce"] is False
        assert found["code_challenge_method"] == "S256"
        assert found["approval_prompt"] == "auto"
        assert found["skip_provider_button"] is True
        host = str(found["redirect_url"]).removeprefix("https://").removesuffix("/oauth2/callback")
        assert host in {"mcd.example.com", "api.example.com", "example.com"}
        assert found["whitelist_domains"] == (host,)


@pytest.mark.parametrize("session", ["90s", "30m", "12h"])
def test_rule_10_a_session_ends_within_12_hours_and_is_never_refreshed(session: str) -> None:
    w = workspace()
    auth = auth_of(w).model_copy(update={"session": session})
    found = oauth2_proxy.options(stack(), w, auth, signin.proxies(stack(), w)[0])
    assert found["cookie_expire"] == session
    assert seconds(session) <= 12 * 3600
    assert (found["cookie_refresh"], found["session_store_type"], found["session_cookie_minimal"]) == (
        "0s",
        "cookie",
        True,
    )


def test_rule_11_parallel_sign_ins_are_bounded() -> None:
    assert settings()["cookie_csrf_per_request"] is True
    assert settings()["cookie_csrf_per_request_limit"] == 5


def test_rule_12_identity_headers_and_no_tokens() -> None:
    found = settings()
    assert found["set_xauthrequest"] is True
    passing = {key: value for key, value in found.items() if key.startswith("pass_")}
    assert passing == dict.fromkeys(
        ("pass_access_token", "pass_authorization_header", "pass_basic_auth", "pass_user_headers"), False
    )


def test_rule_13_nothing_is_proxied() -> None:
    assert settings()["upstreams"] == ("static://202",)


def test_rule_14_metrics_have_their_own_port() -> None:
    assert settings()["metrics_address"] == "0.0.0.0:44180"
    assert settings()["http_address"] == "0.0.0.0:4180"


def test_rule_17_people_go_through_the_edge_and_servers_do_not() -> None:
    w = workspace(own_hosts=("api",))
    for proxy in signin.proxies(stack(), w):
        found = oauth2_proxy.options(stack(), w, auth_of(w), proxy)
        assert found["skip_oidc_discovery"] is True
        assert found["oidc_issuer_url"] == "https://mcd.example.com/dex"
        assert found["login_url"] == "https://mcd.example.com/dex/auth"
        assert found["redeem_url"] == "http://dex.mcd.svc.cluster.local:5556/dex/token"
        assert found["oidc_jwks_url"] == "http://dex.mcd.svc.cluster.local:5556/dex/keys"


def test_rule_30_the_client_address_is_for_the_log_only() -> None:
    assert settings()["real_client_ip_header"] == "CF-Connecting-IP"
    assert "trusted_ips" not in settings()


def test_the_log_has_no_authorization_codes() -> None:
    assert settings()["request_logging"] is False
    assert settings()["auth_logging"] is True


def test_groups_are_in_the_scope_where_they_are_wanted() -> None:
    assert settings(ALLOWS["domains"])["scope"] == "openid email profile"
    assert settings(ALLOWS["groups"])["scope"] == "openid email profile groups"


@limits(max_examples=50, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_rule_06_every_cookie_secret_decodes_to_its_32_bytes(data: bytes) -> None:
    text = oauth2_proxy.cookie_secret(base64.b64encode(data).decode())
    # As pkg/encryption/utils.go:24 does it: URL-safe only, padding cut off.
    assert not set("+/") & set(text)
    assert base64.b64decode(text.rstrip("=") + "=", altchars=b"-_", validate=True) == data


@limits(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,20}", fullmatch=True),
        st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.lists(st.text()).map(tuple),
    )
)
def test_what_is_rendered_is_what_toml_reads(found: dict[str, Option]) -> None:
    expected = {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}
    assert tomllib.loads(oauth2_proxy.render(found)) == expected


def test_no_group_can_write_another_option() -> None:
    evil = 'x"]\nskip_auth_routes = ["GET=^/"]\n#'
    found = tomllib.loads(oauth2_proxy.render(settings({"groups": [evil]})))
    assert found["allowed_groups"] == [evil]
    assert "skip_auth_routes" not in found
