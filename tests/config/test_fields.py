"""What the small types accept, and what they make of it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from config.fields import addresses, containers, names, secrets
from config.fields.quantities import cpu_quantity, mebibytes, memory_quantity, millicores, seconds
from config.load import validate
from config.mistakes import Document, Mistakes
from config.signin import Auth


@pytest.mark.parametrize(("text", "value"), [("2", 2000), ("0.5", 500), ("250m", 250), ("1.25", 1250), ("0.001", 1)])
def test_cpu_is_read_in_millicores(text: str, value: int) -> None:
    assert millicores(text) == value


@pytest.mark.parametrize("text", ["", "0", "0m", "-1", "1.0005", "1 core", "1e3", "½", "٣"])
def test_what_is_no_cpu_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a cpu quantity"):
        millicores(text)


@pytest.mark.parametrize(
    ("text", "value"), [("512Mi", 512), ("2Gi", 2048), ("1.5Gi", 1536), ("1G", 953), ("1k", 1), ("1Ti", 1048576)]
)
def test_memory_is_read_in_mebibytes_rounded_down(text: str, value: int) -> None:
    assert mebibytes(text) == value


@pytest.mark.parametrize("text", ["", "0Mi", "1024", "2 Gi", "2GB", "2gi", "-1Gi", "1e3Mi"])
def test_what_is_no_memory_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a memory quantity"):
        mebibytes(text)


@pytest.mark.parametrize(
    ("mib", "text"),
    [(0, "0"), (1, "1Mi"), (1023, "1023Mi"), (1024, "1Gi"), (1536, "1536Mi"), (2048, "2Gi"), (3 * 1024**2, "3Ti")],
)
def test_memory_is_written_in_kubernetes_canonical_form(mib: int, text: str) -> None:
    assert memory_quantity(mib) == text


@pytest.mark.parametrize(("millis", "text"), [(0, "0"), (50, "50m"), (1000, "1"), (1500, "1500m"), (12000, "12")])
def test_cpu_is_written_in_kubernetes_canonical_form(millis: int, text: str) -> None:
    assert cpu_quantity(millis) == text


@pytest.mark.parametrize(("text", "value"), [("90s", 90), ("5m", 300), ("12h", 43200)])
def test_durations_are_read_in_seconds(text: str, value: int) -> None:
    assert seconds(text) == value


def accepts(kind: Any, value: Any) -> bool:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (names.Name, ["a", "web-2", "a" * 40], ["", "2web", "-a", "a-", "A", "a_b", "a.b", "a" * 41, "a\n"]),
        (addresses.HostLabel, ["@", "mcd", "2048", "a.b", "a" * 63], ["", "*", "-a", "a_b", "a..b", "a" * 64, "A"]),
        (addresses.Domain, ["example.com", "example.co.uk"], ["example", "https://example.com", "a..b", "*.a.b"]),
        (addresses.RoutePath, ["/", "/a", "/a/", "/a/b-c_d.e"], ["", "a", "//", "/a//b", "/..", "/.a", "/a b", "/~a"]),
        (
            addresses.RoutePath,
            ["/.well-known", "/.well-known/", "/.well-known/a/b.c"],
            ["/.well-known/.a", "/.well-known/..", "/.well-knownx", "/a/.well-known", "/.well-known//a", "/.WELL"],
        ),
        (addresses.Port, [1, 65535], [0, 65536, -1]),
        (addresses.Cidr, ["10.0.0.0/8", "10.0.0.7/32", "fd00::/8"], ["10.0.0.1/8", "10.0.0.0/33", "lan", ""]),
        (addresses.Address, ["10.0.0.7", "fd00::1"], ["10.0.0.7/32", "010.0.0.7", "pi-1", "fe80::1%eth0"]),
        (addresses.Server, ["10.0.0.7", "nas.lan", "nas"], ["a b", "nas:/export", ""]),
        (containers.Image, ["a:1", "ghcr.io/a/b:v1", f"a@sha256:{'0' * 64}"], ["a", "a:latest", "A:1", "a:", "https://a:1"]),
        (addresses.Email, ["ann@example.com", "a.b+c@example.com"], ["ann", "*@example.com", "Ann@example.com", "a@b"]),
        (addresses.EmailDomain, ["example.com"], ["*", "", ".", "@example.com", "*.com"]),
        (containers.EnvName, ["A", "_a", "A_1"], ["", "1A", "A-B", "A=B", "A B"]),
        (containers.MountPath, ["/data", "/data/"], ["", "/", "data", "/a/../b", "/a:b", "//", "/a\nb", "/a\x1b[2J"]),
        (names.LabelKey, ["disk", "kubernetes.io/arch"], ["", "a b", "/a", "a/", "A.B/c", "-a"]),
        (names.LabelValue, ["", "arm64", "a_b.c"], ["a b", "-a", "a" * 64]),
        (
            containers.Cron,
            ["@daily", "@annually",
             "0 3 * * *", "*/5 * * * *", "0 0 1-7 jan-mar mon", "0,30 8-18/2 * * 1-5"],
            ["", "@Daily", "@every 1h", "@reboot",
             "0 3 * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "*/0 * * * *",
             "5-1 * * * *", "a * * * *", "* * * * mon-", "TZ=UTC 0 3 * * *"],
        ),
        (
            containers.TimeZone,
            ["Etc/UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"],
            ["", "Local", "berlin", "Europe/Nowhere", "../etc/passwd", "/etc/localtime", "Europe/", "UTC+1"],
        ),
    ],
)  # fmt: skip
def test_each_type_knows_right_from_wrong(kind: Any, right: list[Any], wrong: list[Any]) -> None:
    assert [value for value in right if not accepts(kind, value)] == []
    assert [value for value in wrong if accepts(kind, value)] == []


@pytest.mark.parametrize("name", ["mcd-entra-client-secret", "a", "suite-db-password"])
def test_a_secrets_name_is_plain(name: str) -> None:
    assert secrets.SecretRef(secret=name).secret == name


CLIENT = {"clientId": "a", "clientSecret": {"secret": "s"}}
OIDC = {"type": "oidc", "id": "x", "issuer": "https://id.example.com", **CLIENT}
LDAP = {"type": "ldap", "id": "x", "host": "ldap.lan:636", "userSearch": {"baseDN": "dc=x", "username": "uid"}}
SAML = {
    "type": "saml",
    "id": "x",
    "acceptUnmaintained": True,
    "ssoURL": "https://id.example.com/sso",
    "caData": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
    "usernameAttr": "u",
    "emailAttr": "e",
}


@pytest.mark.parametrize(
    ("provider", "key"),
    [
        (OIDC, "insecureSkipVerify"),
        (OIDC, "insecureSkipEmailVerified"),
        (OIDC, "insecureCAData"),
        (OIDC, "hostedDomains"),
        (OIDC, "redirectURI"),
        (LDAP, "insecureNoSSL"),
        (LDAP, "insecureSkipVerify"),
        (SAML, "insecureSkipSignatureValidation"),
        (SAML, "insecureSkipVerify"),
        ({"type": "microsoft", "id": "x", "tenant": "example.com", **CLIENT}, "redirectURI"),
        ({"type": "github", "id": "x", **CLIENT}, "org"),
        ({"type": "gitlab", "id": "x", **CLIENT}, "group"),
        ({"type": "google", "id": "x", **CLIENT}, "hostedDomain"),
    ],
)
def test_a_key_that_skips_a_check_or_that_dex_would_ignore_is_refused(provider: dict[str, Any], key: str) -> None:
    auth = {"providers": [provider], "allow": {"groups": ["ops"]}}
    assert validate(Auth, Document("x.yaml", auth)).model.providers[0].id == "x"
    with pytest.raises(Mistakes) as refused:
        validate(Auth, Document("x.yaml", {**auth, "providers": [{**provider, key: True}]}))
    assert [mistake.where for mistake in refused.value.mistakes] == [f"providers[0].{key}"]


@pytest.mark.parametrize(
    "tenant", ["common", "Common", "organizations", "consumers", "", "9188040d-6c67-4c5b-b112-36a304b66dad"]
)
def test_a_tenant_that_is_everybodys_is_refused(tenant: str) -> None:
    provider = {"type": "microsoft", "id": "x", "tenant": tenant, **CLIENT}
    with pytest.raises(Mistakes, match="lets every Microsoft account in"):
        validate(Auth, Document("x.yaml", {"providers": [provider], "allow": {"groups": ["ops"]}}))


def test_a_path_is_no_longer_than_one_word_of_nginx_may_be_with_room() -> None:
    assert accepts(addresses.RoutePath, "/" + "a" * (addresses.MAX_PATH - 1))
    assert not accepts(addresses.RoutePath, "/" + "a" * addresses.MAX_PATH)
