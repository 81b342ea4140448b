"""Dex's config file against the security rules and against the Go structs that Dex reads it into."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from config.mistakes import Mistakes
from manifests import images
from manifests.signin import dex, signin
from tests.manifests.signin_examples import BARE, PROVIDERS, auth_of, only_provider, provider, stack, workspace

CALLBACK = "https://mcd.example.com/dex/callback"

# What Dex v2.45.1 reads, by the struct's place. A mapping stands for a nested struct, None for a plain value.
# Dex takes no notice of a key that is not here (rule 19).
CLIENT = dict.fromkeys(("clientID", "clientSecret", "redirectURI"))
ORGS = {"name": None, "teams": None}
CONNECTOR_KEYS: dict[str, dict[str, Any]] = {
    # connector/microsoft/microsoft.go:46-66
    "microsoft": CLIENT
    | dict.fromkeys(("tenant", "onlySecurityGroups", "groups", "groupNameFormat", "useGroupsAsWhitelist"))
    | dict.fromkeys(("emailToLowercase", "apiURL", "graphURL", "promptType", "domainHint", "scopes")),
    # connector/google/google.go:33-67; the map at :59 has no tag, and encoding/json does not mind capitals
    "google": CLIENT
    | dict.fromkeys(("scopes", "hostedDomains", "groups", "serviceAccountFilePath", "domainToAdminEmail"))
    | dict.fromkeys(("fetchTransitiveGroupMembership", "promptType")),
    # connector/github/github.go:41-66
    "github": CLIENT
    | dict.fromkeys(("org", "hostName", "rootCA", "teamNameField", "loadAllGroups", "useLoginAsID"))
    | {"preferredEmailDomain": None, "orgs": ORGS},
    # connector/gitlab/gitlab.go:32-41
    "gitlab": CLIENT | dict.fromkeys(("baseURL", "groups", "useLoginAsID", "getGroupsPermission", "rootCAData")),
    # connector/gitea/gitea.go:22-43
    "gitea": CLIENT | {"baseURL": None, "orgs": ORGS, "loadAllGroups": None, "useLoginAsID": None},
    # connector/oidc/oidc.go:39-139
    "oidc": CLIENT
    | dict.fromkeys(("issuer", "issuerAlias", "basicAuthUnsupported", "scopes", "hostedDomains", "rootCAs"))
    | dict.fromkeys(("insecureSkipEmailVerified", "insecureEnableGroups", "allowedGroups", "acrValues"))
    | dict.fromkeys(("insecureSkipVerify", "getUserInfo", "userIDKey", "userNameKey", "promptType", "pkceChallenge"))
    | {
        "overrideClaimMapping": None,
        "claimMapping": dict.fromkeys(("preferred_username", "email", "groups")),
        "claimModifications": dict.fromkeys(("newGroupFromClaims", "filterGroupClaims", "modifyGroupNames")),
        "providerDiscoveryOverrides": dict.fromkeys(("tokenURL", "authURL", "jwksURL")),
    },
    # connector/ldap/ldap.go:62-165
    "ldap": dict.fromkeys(("host", "insecureNoSSL", "insecureSkipVerify", "startTLS", "rootCA", "clientCert"))
    | dict.fromkeys(("clientKey", "rootCAData", "bindDN", "bindPW", "usernamePrompt"))
    | {
        "userSearch": dict.fromkeys(("baseDN", "filter", "username", "scope", "idAttr", "emailAttr", "nameAttr"))
        | dict.fromkeys(("preferredUsernameAttr", "emailSuffix")),
        "groupSearch": dict.fromkeys(("baseDN", "filter", "scope", "userAttr", "groupAttr", "recursionGroupAttr"))
        | {"nameAttr": None, "userMatchers": dict.fromkeys(("userAttr", "groupAttr", "recursionGroupAttr"))},
    },
    # connector/saml/saml.go:69-110
    "saml": dict.fromkeys(("entityIssuer", "ssoIssuer", "ssoURL", "ca", "caData", "insecureSkipSignatureValidation"))
    | dict.fromkeys(("usernameAttr", "emailAttr", "groupsAttr", "groupsDelim", "allowedGroups", "filterGroups"))
    | dict.fromkeys(("redirectURI", "nameIDPolicyFormat")),
}

# cmd/dex/config.go:27-58 and the structs it names; storage/kubernetes/storage.go:53; storage/storage.go:152;
# server/signer/local.go:16; server/server.go:131 (WebConfig has no tags).
CONFIG_KEYS: dict[str, Any] = {
    "issuer": None,
    "storage": {"type": None, "config": dict.fromkeys(("inCluster", "kubeConfigFile", "crdHandling"))},
    "web": dict.fromkeys(("http", "https", "tlsCert", "tlsKey", "allowedOrigins", "allowedHeaders"))
    | {
        "headers": dict.fromkeys(("Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options"))
        | dict.fromkeys(("X-XSS-Protection", "Strict-Transport-Security")),
        "clientRemoteIP": dict.fromkeys(("header", "trustedProxies")),
    },
    "telemetry": dict.fromkeys(("http", "enableProfiling")),
    "oauth2": dict.fromkeys(("grantTypes", "responseTypes", "skipApprovalScreen", "alwaysShowLoginScreen"))
    | {"passwordConnector": None},
    "expiry": dict.fromkeys(("signingKeys", "idTokens", "authRequests", "deviceRequests"))
    | {
        "refreshTokens": dict.fromkeys(("disableRotation", "reuseInterval", "absoluteLifetime", "validIfNotUsedFor")),
    },
    "logger": dict.fromkeys(("level", "format")),
    "frontend": dict.fromkeys(("dir", "logoURL", "issuer", "theme", "extra")),
    "signer": {"type": None, "config": {"keysRotationPeriod": None}},
    "connectors": dict.fromkeys(("type", "name", "id", "config")),
    "staticClients": dict.fromkeys(("id", "idEnv", "secret", "secretEnv", "redirectURIs", "trustedPeers", "public"))
    | {"name": None, "logoURL": None},
    "enablePasswordDB": None,
    "staticPasswords": None,
    "grpc": None,
}


def config(**fields: Any) -> dict[str, Any]:
    """The config file of a workspace with an app on a host of its own."""
    w = workspace(own_hosts=("api",), **fields)
    return dex.config(stack(), w, auth_of(w))


def unknown(found: Any, known: Any, at: str = "") -> list[str]:
    """The keys of `found` that Dex has no field for; a mapping whose keys are data is known as None."""
    if isinstance(found, list):
        return [key for item in found for key in unknown(item, known, at)]
    if not isinstance(found, dict) or known is None:
        return []
    strange = [f"{at}.{key}" for key in found if key not in known]
    return strange + [
        key for name in found if name in known for key in unknown(found[name], known[name], f"{at}.{name}")
    ]


def paths(value: Any, at: str = "") -> set[str]:
    """Every key that is set somewhere in `value`."""
    if isinstance(value, BaseModel):
        value = {key: getattr(value, key) for key in type(value).model_fields}
    if isinstance(value, dict):
        below = {path for key, item in value.items() if item is not None for path in paths(item, f"{at}.{key}")}
        return below | {f"{at}.{key}" for key, item in value.items() if item is not None}
    return {path for item in value for path in paths(item, at)} if isinstance(value, list | tuple) else set()


@pytest.mark.parametrize("kind", PROVIDERS)
def test_rule_19_dex_has_a_field_for_every_connector_key(kind: str) -> None:
    found = dex.connector(only_provider(kind), CALLBACK)
    assert set(found) == {"type", "id", "name", "config"}
    assert unknown(found["config"], CONNECTOR_KEYS[kind]) == []


def test_rule_19_dex_has_a_field_for_every_key_of_the_file() -> None:
    assert unknown(config(), CONFIG_KEYS) == []


@pytest.mark.parametrize("kind", PROVIDERS)
def test_rule_19_the_examples_set_every_field_of_their_model(kind: str) -> None:
    model = only_provider(kind)
    assert [key for key in type(model).model_fields if getattr(model, key) is None] == []


@pytest.mark.parametrize("kind", PROVIDERS)
def test_rule_19_every_field_that_is_set_reaches_dex(kind: str) -> None:
    renamed = {".clientId": ".clientID", ".serviceAccount": ".serviceAccountFilePath"}
    ours = {".id", ".name", ".type", ".acceptUnmaintained"}
    secret = re.compile(r"\.(clientSecret|bindPW|serviceAccount)\.secret")
    model = only_provider(kind)
    expected = {renamed.get(path, path) for path in paths(model) - ours if not secret.fullmatch(path)}
    redirect = set() if kind == "ldap" else {".redirectURI"}
    assert paths(dex.connector(model, CALLBACK)["config"]) == expected | redirect


@pytest.mark.parametrize("kind", BARE)
def test_what_is_left_out_stays_dexs_default(kind: str) -> None:
    found = dex.connector(only_provider(kind, bare=True), CALLBACK)
    assert found["name"] == found["id"] == kind
    assert None not in found["config"].values()


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("google", {"serviceAccount": None}),
        ("google", {"domainToAdminEmail": {}}),
        ("google", {"serviceAccount": None, "domainToAdminEmail": None}),
        ("google", {"groups": ["staff@example.com"]}),
        ("oidc", {"insecureEnableGroups": False}),
        ("saml", {"groupsAttr": None}),
    ],
)
def test_rule_19_a_group_filter_that_dex_would_not_apply_is_refused(kind: str, missing: dict[str, Any]) -> None:
    with pytest.raises((Mistakes, ValueError), match=r"groups|allowedGroups|serviceAccount"):
        only_provider(kind, **missing)


@pytest.mark.parametrize("tenant", ["common", "Common", "organizations", "CONSUMERS", "common/", "", " common",
                                    "9188040d-6c67-4c5b-b112-36a304b66dad"])  # fmt: skip
def test_rule_20_a_tenant_of_everybody_is_refused(tenant: str) -> None:
    with pytest.raises(ValueError, match="tenant"):
        only_provider("microsoft", tenant=tenant)


@pytest.mark.parametrize("kind", PROVIDERS)
def test_rule_21_nothing_skips_a_check_of_the_providers_identity(kind: str) -> None:
    found = paths(dex.connector(only_provider(kind), CALLBACK)["config"])
    assert not {path for path in found if "insecure" in path.lower()} - {".insecureEnableGroups"}


def test_rule_16_records_are_in_the_workspaces_own_namespace() -> None:
    assert config()["storage"] == {"type": "kubernetes", "config": {"inCluster": True, "crdHandling": "check"}}
    (rule,) = dex.ROLE_RULES
    assert rule["apiGroups"] == ["dex.coreos.com"]
    assert set(rule["verbs"]) == {"create", "delete", "get", "list", "update"}
    assert "*" not in rule["resources"]


def test_rule_16_the_custom_resources_are_the_ten_of_dex() -> None:
    # storage/kubernetes/storage.go:18-43
    plurals = "authcodes authrequests oauth2clients signingkeies refreshtokens passwords offlinesessionses connectors"
    expected = {f"{plural}.dex.coreos.com" for plural in [*plurals.split(), "devicerequests", "devicetokens"]}
    made = [dex.custom_resource_definition(kind) for kind in dex.CUSTOM_RESOURCES]
    assert {crd["metadata"]["name"] for crd in made} == expected
    for crd in made:
        spec = crd["spec"]
        assert spec["scope"] == "Namespaced"
        assert spec["names"]["singular"] == spec["names"]["kind"].lower()
        assert crd["metadata"]["name"] == f"{spec['names']['plural']}.{spec['group']}"
        (version,) = spec["versions"]
        assert (version["name"], version["served"], version["storage"]) == ("v1", True, True)
        assert version["schema"]["openAPIV3Schema"]["x-kubernetes-preserve-unknown-fields"] is True


def test_rule_18_no_secret_is_in_the_file() -> None:
    every = [provider(kind) for kind in PROVIDERS]
    found = config(providers=every)
    for client in found["staticClients"]:
        assert set(client) == {"id", "name", "secretEnv", "redirectURIs"}
    expanded = re.findall(r"\$([A-Z0-9_]+)", json.dumps(found["connectors"]))
    auth = auth_of(workspace(providers=every))
    assert sorted(expanded) == sorted(dex.secret_variables(auth))
    assert dex.secret_files(auth) == {"google.json": "google-key"}
    assert "$" not in json.dumps({key: value for key, value in found.items() if key != "connectors"})


def test_rule_18_variables_stay_apart() -> None:
    w = workspace(
        "a-b",
        own_hosts=("@", "apex", "c", "c-d"),
        providers=[provider("microsoft", bare=True, id=name) for name in ("a", "a-b", "a-b-c")]
        + [provider("ldap", id="directory")],
    )
    clients = [client["secretEnv"] for client in dex.config(stack(), w, auth_of(w))["staticClients"]]
    variables = [*clients, *dex.secret_variables(auth_of(w))]
    assert len(variables) == 5 + 3 + 1
    assert len(set(variables)) == len(variables)
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in variables)


@pytest.mark.parametrize("text", ["$HOME", "a${X}b", "{{ .Env.X }}"])
@pytest.mark.parametrize("place", ["name", "teams"])
def test_rule_18_text_that_would_be_expanded_never_reaches_dex(text: str, place: str) -> None:
    github = only_provider("github")
    org = github.orgs[0].model_copy(update={place: text if place == "name" else (text,)})  # type: ignore[union-attr, index]
    with pytest.raises(ValueError, match="expand"):
        dex.connector(github.model_copy(update={"orgs": (org,)}), CALLBACK)


def test_rule_18_the_images_entrypoint_is_not_run() -> None:
    assert dex.COMMAND == ["/usr/local/bin/dex", "serve", "/etc/dex/config.yaml"]
    assert images.DEX.split("@")[0].endswith(":v2.45.1")


def test_rule_22_codes_only_no_passwords_no_grpc() -> None:
    found = config()
    assert found["oauth2"]["grantTypes"] == ["authorization_code", "refresh_token"]
    assert found["oauth2"]["responseTypes"] == ["code"]
    assert found["oauth2"]["skipApprovalScreen"] is True
    assert found["enablePasswordDB"] is False
    assert not {"grpc", "staticPasswords"} & set(found)


def test_rule_23_nothing_lives_long() -> None:
    expiry = config()["expiry"]
    assert expiry["idTokens"] == "1h"
    assert expiry["authRequests"] == "15m"
    assert expiry["refreshTokens"]["absoluteLifetime"] == auth_of(workspace()).session
    assert config()["telemetry"] == {"http": "0.0.0.0:5558"}
    assert config()["web"]["http"] == "0.0.0.0:5556"


def test_each_proxy_is_a_client_with_one_address_to_return_to() -> None:
    w = workspace(own_hosts=("api",))
    found = dex.config(stack(), w, auth_of(w))["staticClients"]
    assert [(client["id"], client["redirectURIs"]) for client in found] == [
        (proxy.client, [proxy.redirect_url]) for proxy in signin.proxies(stack(), w)
    ]


def test_the_issuer_is_the_workspaces_host_and_providers_return_there() -> None:
    found = config(providers=[provider(kind) for kind in PROVIDERS])
    assert found["issuer"] == "https://mcd.example.com/dex"
    returns = {c["id"]: c["config"].get("redirectURI") for c in found["connectors"]}
    assert returns == {kind: None if kind == "ldap" else CALLBACK for kind in PROVIDERS}


def test_providers_keep_the_order_in_which_they_are_written() -> None:
    kinds = ["saml", "github", "microsoft"]
    assert [c["id"] for c in config(providers=[provider(kind) for kind in kinds])["connectors"]] == kinds


@pytest.mark.parametrize(
    ("host", "start_tls", "expected", "port"),
    [
        ("ldap.example.com", True, "ldap.example.com:389", 389),
        ("ldap.example.com", False, "ldap.example.com:636", 636),
        ("ldap.example.com", None, "ldap.example.com:636", 636),
        ("10.0.0.9:3269", True, "10.0.0.9:3269", 3269),
        ("[fd00::9]:636", None, "[fd00::9]:636", 636),
    ],
)
def test_an_ldap_host_has_the_port_that_its_tls_needs(
    host: str, start_tls: bool | None, expected: str, port: int
) -> None:
    w = workspace(providers=[provider("ldap", host=host, startTLS=start_tls)])
    (found,) = dex.config(stack(), w, auth_of(w))["connectors"]
    assert found["config"]["host"] == expected
    assert dex.connector_ports(auth_of(w)) == tuple(sorted({port, 443}))


def test_dex_reaches_the_ports_that_its_providers_are_on_and_443() -> None:
    def reached(*kinds: str) -> tuple[int, ...]:
        return dex.connector_ports(auth_of(workspace(providers=[provider(kind) for kind in kinds])))

    assert reached("microsoft", "google", "github", "gitlab", "saml") == (443,)
    assert reached("gitea", "oidc", "ldap") == (389, 443, 3000, 8443, 9443)


def test_the_order_of_a_mapping_does_not_change_the_file() -> None:
    domains = {"b.example.com": "b@example.com", "a.example.com": "a@example.com"}
    one, other = (
        dex.render(config(providers=[provider("google", domainToAdminEmail=dict(items))]))
        for items in (domains.items(), reversed(domains.items()))
    )
    assert one == other


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(TEXTS | st.booleans() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner))
)
def test_what_is_rendered_is_what_yaml_reads(value: Any) -> None:
    assert yaml.safe_load(dex.render({"a": value})) == {"a": value}


@pytest.mark.parametrize(
    "text", ["1e3", "0o17", "12:30", "yes", "~", "null", "1_000", "=", "0x1F", ".inf", "2026-01-01"]
)
def test_text_that_some_yaml_takes_for_something_else_is_quoted(text: str) -> None:
    assert dex.render({"clientID": text}) == f'clientID: "{text}"\n'
