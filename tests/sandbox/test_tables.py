"""The stand-ins for cloudflare and random, by table and beside the pinned SDKs."""

from __future__ import annotations

import base64
import json
import re
import string
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from manifests import connection
from sandbox import cloudflare, randomness
from sandbox.cloudflare import DNS_RECORD, GET_TOKEN, TUNNEL, TUNNEL_CONFIG, Cloudflare, tunnel_token
from sandbox.randomness import Random, generate
from sandbox.server import Refusal
from sandbox.table import Shape, check_shape
from sandbox.wire import UNKNOWN, Secret, decode, encode

ACCOUNT = "0123456789abcdef" * 2
PACKAGES = Path(sysconfig.get_paths()["purelib"])
PASSWORD = "random:index/randomPassword:RandomPassword"
TEXT = "random:index/randomString:RandomString"
VALID: dict[str, dict[str, Any]] = {
    TUNNEL: {"accountId": ACCOUNT, "name": "warren", "configSrc": "cloudflare"},
    TUNNEL_CONFIG: {
        "accountId": ACCOUNT,
        "tunnelId": "t",
        "config": {
            "ingresses": [
                {"hostname": "mcd.example.com", "service": "http://ingress-controller.warren-ingress.svc:80"},
                {"service": "http_status:404"},
            ]
        },
    },
    DNS_RECORD: {
        "zoneId": ACCOUNT,
        "name": "mcd.example.com",
        "type": "CNAME",
        "content": "t.cfargotunnel.com",
        "ttl": 1,
        "proxied": True,
    },
    "random:index/randomBytes:RandomBytes": {"length": 32},
    "random:index/randomId:RandomId": {"byteLength": 8, "prefix": "w-"},
    PASSWORD: {"length": 24, "special": False, "keepers": {"a": "b"}},
    TEXT: {"length": 8, "upper": False},
}


def urn(token: str, name: str = "it") -> str:
    return f"urn:pulumi:dev::warren::warren:components:Tunnel${token}::{name}"


def provider(token: str, manifests: Path = Path("/nowhere")) -> Cloudflare | Random:
    return Random("1.0.0", "") if token.startswith("random:") else Cloudflare("1.0.0", "", manifests)


def check(token: str, inputs: dict[str, Any], served: Cloudflare | Random | None = None, name: str = "it") -> list[str]:
    request = provider_pb2.CheckRequest(urn=urn(token, name), news=encode(inputs))
    return [failure.reason for failure in (served or provider(token)).Check(request, None).failures]


def config(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"config": {"ingresses": list(rules)}}


LAST = {"service": "http_status:404"}
HOST = {"hostname": "a.example.com", "service": "http://a:80"}


@pytest.mark.parametrize("token", VALID)
def test_valid_inputs_are_accepted(token: str) -> None:
    assert check(token, VALID[token]) == []


@pytest.mark.parametrize(
    ("token", "change", "message"),
    [
        (TUNNEL, {"accountId": "mine"}, "accountId: must be 32 hexadecimal digits"),
        (TUNNEL, {"accountId": None}, "accountId: required"),
        (TUNNEL, {"name": None}, "name: required"),
        (TUNNEL, {"configSrc": "remote"}, "configSrc: must be local or cloudflare"),
        (TUNNEL, {"secret": "x"}, "secret: unknown property"),
        (TUNNEL, {"configSource": "x"}, "configSource: unknown property (did you mean configSrc?)"),
        (TUNNEL_CONFIG, config(), "config.ingresses: needs at least the catch-all rule"),
        (TUNNEL_CONFIG, config(HOST), "the last rule must match every request"),
        (TUNNEL_CONFIG, config(LAST, HOST, LAST), "config.ingresses[0]: this rule matches every request"),
        (TUNNEL_CONFIG, config(HOST, HOST, LAST), "config.ingresses[1]: the same hostname and path as rule 0"),
        (TUNNEL_CONFIG, config(HOST | {"service": "a:80"}, LAST), "'a:80' is not a service"),
        (TUNNEL_CONFIG, config(HOST | {"service": "http://a/x"}, LAST), "'http://a/x' has a path"),
        (TUNNEL_CONFIG, config(HOST | {"service": "http_status:999"}, LAST), "a status between 100 and 599"),
        (TUNNEL_CONFIG, config(HOST | {"hostname": "a b.example.com"}, LAST), "'a b.example.com' is not a host name"),
        (TUNNEL_CONFIG, config(HOST | {"service": None}, LAST), "config.ingresses[0].service: required"),
        (TUNNEL_CONFIG, {"config": {"ingress": [LAST]}}, "config.ingress: unknown property (did you mean ingresses?)"),
        (
            TUNNEL_CONFIG,
            config(HOST | {"originRequest": {"connectTimeout": "30s"}}, LAST),
            "config.ingresses[0].originRequest.connectTimeout: must be a whole number",
        ),
        (DNS_RECORD, {"zoneId": "z"}, "zoneId: must be 32 hexadecimal digits"),
        (DNS_RECORD, {"name": "mcd"}, "name: 'mcd' is not a full host name"),
        (DNS_RECORD, {"ttl": 30, "proxied": False}, "ttl: must be 1 (automatic) or 60 to 86400 seconds"),
        (DNS_RECORD, {"ttl": 300}, "ttl: must be 1 when the record is proxied"),
        (DNS_RECORD, {"ttl": None}, "ttl: required"),
        (DNS_RECORD, {"type": "TXT"}, "proxied: a TXT record cannot be proxied"),
        (DNS_RECORD, {"content": None}, "content: required"),
        (DNS_RECORD, {"content": "mcd.example.com"}, "a CNAME cannot point at itself"),
        (DNS_RECORD, {"proxied": "yes"}, "proxied: must be true or false"),
        (PASSWORD, {"length": 0}, "length: must be at least 1"),
        (PASSWORD, {"length": "24"}, "length: must be a whole number"),
        (PASSWORD, {"length": 3, "minLower": 2, "minUpper": 2}, "at least the sum of the minima, 4"),
        (PASSWORD, {"lower": False, "upper": False, "numeric": False}, "at least one of lower, upper, numeric"),
        (PASSWORD, {"keepers": {"a": 1}}, "keepers: must be a map of strings"),
        ("random:index/randomBytes:RandomBytes", {"length": 0}, "length: must be at least 1"),
    ],
)
def test_broken_inputs_are_refused(token: str, change: dict[str, Any], message: str) -> None:
    found = check(token, VALID[token] | change)
    assert any(message in reason for reason in found), found


@pytest.mark.parametrize(
    ("token", "served"),
    [
        ("cloudflare:index/zone:Zone", Cloudflare("1", "", Path("/nowhere"))),
        ("random:index/randomPet:RandomPet", Random("1", "")),
    ],
)
def test_every_other_type_is_refused_by_name(token: str, served: Cloudflare | Random) -> None:
    [reason] = check(token, {}, served)
    assert f"sandbox stand-in {served.name} does not serve {token}" in reason


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({}, {}, "A CNAME record with that host already exists"),
        ({}, {"name": "MCD.example.com"}, "A CNAME record with that host already exists"),
        ({}, {"type": "A", "content": "192.0.2.1"}, "An A, AAAA, or CNAME record with that host already exists"),
        (
            {"type": "A", "content": "192.0.2.1"},
            {"type": "A", "content": "192.0.2.1"},
            "An identical record already exists",
        ),
    ],
)
def test_a_record_that_the_zone_would_have_twice_is_refused(
    first: dict[str, Any], second: dict[str, Any], message: str
) -> None:
    account = provider(DNS_RECORD)
    assert check(DNS_RECORD, VALID[DNS_RECORD] | first, account, "one") == []
    assert check(DNS_RECORD, VALID[DNS_RECORD] | first, account, "one") == []
    [reason] = check(DNS_RECORD, VALID[DNS_RECORD] | second, account, "two")
    assert message in reason
    assert "'one'" in reason


def test_records_of_one_name_that_can_stand_together_are_accepted() -> None:
    account = provider(DNS_RECORD)
    for number in (1, 2):
        record = VALID[DNS_RECORD] | {"type": "A", "content": f"192.0.2.{number}"}
        assert check(DNS_RECORD, record, account, f"a{number}") == []


@pytest.mark.parametrize(("token", "key"), [(token, key) for token, inputs in VALID.items() for key in inputs])
def test_a_value_that_is_not_known_yet_is_good(token: str, key: str) -> None:
    assert check(token, VALID[token] | {key: UNKNOWN}) == []


@pytest.mark.parametrize(
    ("token", "key", "value", "replaces"),
    [
        (TUNNEL, "configSrc", "local", True),
        (TUNNEL, "accountId", "f" * 32, True),
        (TUNNEL, "name", "other", False),
        (TUNNEL_CONFIG, "tunnelId", "other", True),
        (TUNNEL_CONFIG, "config", config(LAST)["config"], False),
        (DNS_RECORD, "zoneId", "f" * 32, True),
        (DNS_RECORD, "content", "other", False),
        (PASSWORD, "length", 25, True),
        (PASSWORD, "keepers", {"a": "c"}, True),
        (TEXT, "length", 9, True),
    ],
)
def test_a_change_updates_or_replaces(token: str, key: str, value: Any, *, replaces: bool) -> None:
    request = provider_pb2.DiffRequest(
        urn=urn(token), old_inputs=encode(VALID[token]), news=encode(VALID[token] | {key: value})
    )
    answer = provider(token).Diff(request, None)
    assert list(answer.detailedDiff) == [key]
    assert list(answer.replaces) == ([key] if replaces else [])


@pytest.mark.parametrize("token", VALID)
def test_a_preview_leaves_what_the_service_decides_unknown(token: str) -> None:
    request = provider_pb2.CreateRequest(urn=urn(token), properties=encode(VALID[token]), preview=True)
    answer = provider(token).Create(request, None)
    outputs = decode(answer.properties)
    assert answer.id == ""
    for key in provider(token).resources[token].computed:
        assert outputs[key] is UNKNOWN


@pytest.mark.parametrize("token", VALID)
def test_an_update_keeps_what_was_computed(token: str) -> None:
    served = provider(token)
    made = served.Create(provider_pb2.CreateRequest(urn=urn(token), properties=encode(VALID[token])), None)
    request = provider_pb2.UpdateRequest(urn=urn(token), olds=made.properties, news=encode(VALID[token]))
    kept = decode(served.Update(request, None).properties)
    before = decode(made.properties)
    for key in served.resources[token].computed:
        assert kept[key] == before[key]


def test_a_tunnel_s_token_has_cloudflared_s_form_and_follows_from_its_id() -> None:
    account = provider(TUNNEL)
    request = provider_pb2.InvokeRequest(tok=GET_TOKEN, args=encode({"accountId": ACCOUNT, "tunnelId": "t"}))
    token = decode(getattr(account.Invoke(request, None), "return"))["token"]
    assert token == tunnel_token(ACCOUNT, "t")
    content = json.loads(base64.b64decode(token))
    assert (content["a"], content["t"]) == (ACCOUNT, "t")
    assert tunnel_token(ACCOUNT, "u") != token


def test_an_unknown_function_is_refused() -> None:
    request = provider_pb2.InvokeRequest(tok="cloudflare:index/getZone:getZone")
    [failure] = provider(TUNNEL).Invoke(request, None).failures
    assert "does not serve the function cloudflare:index/getZone:getZone" in failure.reason


def test_a_tunnel_stays_while_its_connectors_run(tmp_path: Path) -> None:
    pod = tmp_path / "manifests-dev" / "warren-tunnel" / "deployment-cloudflared.yaml"
    pod.parent.mkdir(parents=True)
    pod.write_text("image: cloudflare/cloudflared:2026.7.0\n")
    urn = f"urn:pulumi:dev::warren::{TUNNEL}::t"
    with pytest.raises(Refusal, match="active connections"):
        Cloudflare("1", "", tmp_path).before_delete(urn)
    Cloudflare("1", "", tmp_path).before_delete(urn.replace(":dev:", ":other:"))
    replaced = Cloudflare("1", "", tmp_path)
    assert check(TUNNEL, VALID[TUNNEL], replaced) == []
    replaced.before_delete(urn)
    pod.unlink()
    Cloudflare("1", "", tmp_path).before_delete(urn)


@pytest.mark.parametrize("stack", ["sandbox", "home"])
def test_both_stand_ins_look_into_the_same_folder(stack: str) -> None:
    assert f".state/sandbox/{cloudflare.manifests(stack)}" == connection.manifests(stack)


def test_a_manifest_that_goes_while_a_tunnel_is_deleted_is_no_connector(tmp_path: Path) -> None:
    folder = tmp_path / "manifests-dev" / "team"
    folder.mkdir(parents=True)
    (folder / "service-web.yaml").symlink_to(tmp_path / "gone")
    Cloudflare("1", "", tmp_path).before_delete(f"urn:pulumi:dev::warren::{TUNNEL}::t")


@pytest.mark.parametrize("token", ["", "v1.0-abcdef", "Sandbox-x"])
def test_a_token_that_could_be_real_is_refused(token: str) -> None:
    request = provider_pb2.CheckRequest(news=encode({"apiToken": Secret(token)}))
    [failure] = provider(TUNNEL).CheckConfig(request, None).failures
    assert "it serves only tokens that start with 'sandbox-'" in failure.reason
    assert failure.property == ""


def test_a_token_that_the_official_provider_would_not_take_for_one_is_refused_too() -> None:
    request = provider_pb2.CheckRequest(news=encode({"apiToken": Secret("sandbox-short")}))
    [failure] = provider(TUNNEL).CheckConfig(request, None).failures
    assert "must match [0-9A-Za-z_-]{40,80}" in failure.reason
    request = provider_pb2.CheckRequest(news=encode({"apiToken": Secret(connection.SANDBOX_TOKEN)}))
    assert list(provider(TUNNEL).CheckConfig(request, None).failures) == []


def test_a_password_has_its_classes_and_its_length() -> None:
    for _ in range(50):
        text = generate({"length": 12, "special": False, "minNumeric": 3})
        assert len(text) == 12
        assert sum(character in string.digits for character in text) >= 3
        assert set(text) <= set(string.ascii_letters + string.digits)
    assert set(generate({"length": 64, "lower": False, "upper": False, "numeric": False, "overrideSpecial": "_"})) == {
        "_"
    }


def test_two_passwords_are_never_the_same() -> None:
    assert len({generate({"length": 16}) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("token", "secret"),
    [(PASSWORD, {"result"}), ("random:index/randomBytes:RandomBytes", {"base64", "hex"}), (TEXT, set())],
)
def test_outputs_are_secret_where_the_official_ones_are(token: str, secret: set[str]) -> None:
    request = provider_pb2.CreateRequest(urn=urn(token), properties=encode(VALID[token]))
    answer = provider(token).Create(request, None)
    outputs = decode(answer.properties)
    assert {key for key, value in outputs.items() if isinstance(value, Secret)} == secret
    for key in secret:
        assert outputs[key].value != answer.id, "an id is not encrypted in the state"


def test_random_bytes_are_one_value_in_two_forms() -> None:
    outputs = randomness.RESOURCES["random:index/randomBytes:RandomBytes"].create({"length": 32})[1]
    assert base64.b64decode(outputs["base64"]).hex() == outputs["hex"]
    assert len(outputs["hex"]) == 64


def _camel(name: str) -> str:
    words = name.split("_")
    return words[0] + "".join(word.title() for word in words[1:])


def _sdk_resource(token: str) -> tuple[set[str], set[str], set[str]]:
    """Return inputs, other outputs and secret outputs of a resource, read from the text of the SDK's module."""
    package, module, name = re.split("[:/]", token)[0], re.split("[:/]", token)[2], token.rpartition(":")[2]
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", module).lower()
    source = (PACKAGES / f"pulumi_{package}" / f"{snake}.py").read_text(encoding="utf-8")
    assert f"'{token}'" in source, token
    start = source.index("def _internal_init(")
    body = source[start : source.index("super(", start)]
    inputs: set[str] = set()
    outputs: set[str] = set()
    for key, value in re.findall(r'__props__\.__dict__\["(\w+)"\] = (.*)', body):
        (outputs if value == "None" else inputs).add(_camel(key))
    secret = re.search(r"additional_secret_outputs=\[(.*?)\]", body)
    assert f"{name}Args" in source
    return inputs, outputs, set(re.findall(r'"(\w+)"', secret.group(1))) if secret else set()


@pytest.mark.parametrize("token", VALID)
def test_the_tables_have_the_sdk_s_names(token: str) -> None:
    resource = provider(token).resources[token]
    inputs, outputs, secret = _sdk_resource(token)
    assert set(resource.inputs) == inputs
    assert resource.computed <= outputs
    # bcryptHash needs a library that the stand-in does without.
    assert resource.secret == secret - {"bcryptHash"}


def test_the_nested_tables_have_the_sdk_s_names() -> None:
    source = (PACKAGES / "pulumi_cloudflare" / "_inputs.py").read_text(encoding="utf-8")

    def names(class_name: str) -> set[str]:
        start = source.index(f"\nclass {class_name}:")
        body = source[start : source.index("\n@pulumi.input_type", start)]
        getters = re.findall(r"@pulumi\.getter(?:\(name=\"(\w+)\"\))?\n    def (\w+)", body)
        return {wire or name for wire, name in getters}

    def table(token: str, *path: str) -> set[str]:
        at: Any = cloudflare.RESOURCES[token].inputs
        for step in path:
            at = at[step][0] if isinstance(at[step], list) else at[step]
        return set(at)

    prefix = "ZeroTrustTunnelCloudflaredConfigConfig"
    assert table(TUNNEL_CONFIG, "config") == names(f"{prefix}Args")
    assert table(TUNNEL_CONFIG, "config", "ingresses") == names(f"{prefix}IngressArgs")
    assert table(TUNNEL_CONFIG, "config", "originRequest") == names(f"{prefix}OriginRequestArgs")
    assert table(TUNNEL_CONFIG, "config", "ingresses", "originRequest") == names(f"{prefix}IngressOriginRequestArgs")
    assert table(TUNNEL_CONFIG, "config", "originRequest", "access") == names(f"{prefix}OriginRequestAccessArgs")
    assert table(DNS_RECORD, "data") == names("DnsRecordDataArgs")
    assert table(DNS_RECORD, "settings") == names("DnsRecordSettingsArgs")


def test_the_provider_s_settings_and_the_function_are_the_sdk_s() -> None:
    source = (PACKAGES / "pulumi_cloudflare" / "provider.py").read_text(encoding="utf-8")
    assert {_camel(key) for key in re.findall(r'__props__\.__dict__\["(\w+)"\]', source)} == set(Cloudflare.settings)
    function = (PACKAGES / "pulumi_cloudflare" / "get_zero_trust_tunnel_cloudflared_token.py").read_text(
        encoding="utf-8"
    )
    assert f"'{GET_TOKEN}'" in function


@pytest.mark.parametrize(
    ("shape", "value", "fits"),
    [
        (str, "a", True),
        (str, 1, False),
        (int, True, False),
        (bool, True, True),
        (float, 1, True),
        (dict, {"a": "b"}, True),
        ([str], ["a", UNKNOWN], True),
        ([str], "a", False),
        ({"a": int}, {"a": None}, True),
        ({"a": int}, {"b": 1}, False),
        ({"a": int}, 5, False),
    ],
)
def test_a_value_fits_a_shape_or_not(shape: Shape, value: Any, *, fits: bool) -> None:
    assert (check_shape(shape, value) == []) is fits
    assert isinstance(shape, type | list | Mapping)
