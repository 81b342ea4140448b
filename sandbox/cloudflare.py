"""Stand-in for the cloudflare provider: tunnels, their configuration, DNS records and the tunnel's token.

Owns: the four things of Cloudflare that Warren uses, with the refusals of the provider and the API that can be known
without an account.  Every other type is refused by name.  Does not own: records that exist outside the stack.

It serves only an ``apiToken`` that starts with ``sandbox-``, so it can never be taken for a real account.  Source of
the tables: the pinned pulumi-cloudflare SDK; a test compares them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pulumi.runtime.proto import provider_pb2_grpc

from sandbox import STAND_IN
from sandbox.server import Refusal, serve
from sandbox.table import Problem, Resource, Shape, TableProvider, Values, type_of
from sandbox.versions import installed_version
from sandbox.wire import UNKNOWN, Secret

TOKEN_PREFIX: Final = "sandbox-"
TUNNEL: Final = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
TUNNEL_CONFIG: Final = "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig"
DNS_RECORD: Final = "cloudflare:index/dnsRecord:DnsRecord"
GET_TOKEN: Final = "cloudflare:index/getZeroTrustTunnelCloudflaredToken:getZeroTrustTunnelCloudflaredToken"

_ID = re.compile(r"[0-9a-f]{32}")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_SERVICE_SCHEMES = frozenset({"http", "https", "unix", "unix+tls", "tcp", "ssh", "rdp", "smb"})
# Time after which the API no longer takes a value for granted; 1 means automatic.
_TTL_AUTOMATIC, _TTL_LEAST, _TTL_MOST = 1, 60, 86400
_PROXIABLE = frozenset({"A", "AAAA", "CNAME"})
_ALONE = "CNAME"

_ORIGIN_REQUEST: Final[Mapping[str, Shape]] = {
    "access": {"audTags": [str], "teamName": str, "required": bool},
    "caPool": str,
    "connectTimeout": int,
    "disableChunkedEncoding": bool,
    "http2Origin": bool,
    "httpHostHeader": str,
    "keepAliveConnections": int,
    "keepAliveTimeout": int,
    "matchSnItoHost": bool,
    "noHappyEyeballs": bool,
    "noTlsVerify": bool,
    "originServerName": str,
    "proxyType": str,
    "tcpKeepAlive": int,
    "tlsTimeout": int,
}
_RECORD_DATA: Final[Mapping[str, Shape]] = {
    **dict.fromkeys(("algorithm", "altitude", "digestType", "keyTag", "latDegrees", "latMinutes", "latSeconds"), float),
    **dict.fromkeys(("longDegrees", "longMinutes", "longSeconds", "matchingType", "order", "port"), float),
    **dict.fromkeys(("precisionHorz", "precisionVert", "preference", "priority", "protocol", "selector"), float),
    **dict.fromkeys(("size", "type", "usage", "weight"), float),
    **dict.fromkeys(("certificate", "digest", "fingerprint", "flags", "latDirection", "longDirection"), str),
    **dict.fromkeys(("publicKey", "regex", "replacement", "service", "tag", "target", "value"), str),
}


def _identifier(key: str, values: Values) -> list[Problem]:
    value = values.get(key)
    if value is UNKNOWN or (isinstance(value, str) and _ID.fullmatch(value)):
        return []
    return [(key, "must be 32 hexadecimal digits, as the dashboard shows it")]


def _is_host(name: str) -> bool:
    labels = name.removeprefix("*.").split(".")
    return len(name) <= 253 and len(labels) >= 2 and all(_LABEL.fullmatch(label) for label in labels)


def _tunnel_problems(values: Values) -> list[Problem]:
    found = _identifier("accountId", values)
    if values["name"] == "":
        found.append(("name", "must not be empty"))
    if values.get("configSrc", "local") not in ("local", "cloudflare", UNKNOWN):
        found.append(("configSrc", "must be local or cloudflare"))
    return found


def _service_problem(service: str) -> str | None:
    if re.fullmatch(r"http_status:[1-5][0-9]{2}", service) or service == "hello_world":
        return None
    if service.startswith("http_status:"):
        return "http_status needs a status between 100 and 599"
    parts = urlsplit(service)
    if parts.scheme not in _SERVICE_SCHEMES:
        return f"{service!r} is not a service: write http://host:port, another known scheme, or http_status:404"
    if parts.scheme in ("unix", "unix+tls"):
        return None if parts.path else "a unix service needs the path of a socket"
    if not parts.hostname:
        return f"{service!r} has no host"
    if parts.scheme in ("http", "https") and parts.path not in ("", "/"):
        return f"{service!r} has a path; a tunnel's service cannot have one"
    return None


def _config_problems(values: Values) -> list[Problem]:
    found = _identifier("accountId", values)
    if values.get("source", "local") not in ("local", "cloudflare", UNKNOWN):
        found.append(("source", "must be local or cloudflare"))
    rules = (values.get("config") or {}).get("ingresses") if values.get("config") is not UNKNOWN else None
    if rules is UNKNOWN or rules is None:
        return found
    if not rules:
        return [*found, ("config.ingresses", "needs at least the catch-all rule")]
    seen: dict[tuple[Any, Any], int] = {}
    for index, rule in enumerate(rules):
        if rule is UNKNOWN:
            continue
        path, hostname = f"config.ingresses[{index}]", rule.get("hostname")
        service = rule.get("service")
        if service is None:
            found.append((f"{path}.service", "required"))
        elif service is not UNKNOWN and (problem := _service_problem(service)):
            found.append((f"{path}.service", problem))
        is_last = index == len(rules) - 1
        catches_all = hostname in (None, "", "*") and not rule.get("path")
        if is_last and not catches_all:
            found.append((path, "the last rule must match every request: no hostname and no path"))
        if not is_last and catches_all:
            found.append((path, "this rule matches every request, so the rules after it are never reached"))
        if isinstance(hostname, str) and hostname not in ("", "*") and not _is_host(hostname):
            found.append((f"{path}.hostname", f"{hostname!r} is not a host name"))
        if hostname is not UNKNOWN and (first := seen.setdefault((hostname, rule.get("path")), index)) != index:
            found.append((path, f"the same hostname and path as rule {first}"))
    return found


def _record_problems(values: Values) -> list[Problem]:
    found = _identifier("zoneId", values)
    name, kind, ttl = values["name"], values["type"], values["ttl"]
    if isinstance(name, str) and not _is_host(name):
        found.append(("name", f"{name!r} is not a full host name"))
    if ttl is not UNKNOWN and ttl != _TTL_AUTOMATIC and not _TTL_LEAST <= ttl <= _TTL_MOST:
        found.append(("ttl", f"must be 1 (automatic) or {_TTL_LEAST} to {_TTL_MOST} seconds"))
    if values.get("proxied") is True and kind is not UNKNOWN and kind not in _PROXIABLE:
        found.append(("proxied", f"a {kind} record cannot be proxied; only A, AAAA and CNAME can"))
    if values.get("proxied") is True and ttl not in (UNKNOWN, _TTL_AUTOMATIC):
        found.append(("ttl", "must be 1 when the record is proxied"))
    if values.get("content") is None and values.get("data") is None:
        found.append(("content", "required"))
    if kind == "CNAME" and isinstance(name, str) and values.get("content") == name:
        found.append(("content", "a CNAME cannot point at itself"))
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _create_tunnel(values: Values) -> tuple[str, Values]:
    outputs: Values = {
        "accountTag": values["accountId"],
        "connections": [],
        "createdAt": _now(),
        "metadata": "{}",
        "remoteConfig": values.get("configSrc") == "cloudflare",
        "status": "inactive",
        "tunType": "cfd_tunnel",
    }
    return str(uuid.uuid4()), outputs


def _create_config(values: Values) -> tuple[str, Values]:
    return str(values["tunnelId"]), {"createdAt": _now(), "version": 1}


def _create_record(values: Values) -> tuple[str, Values]:
    now = _now()
    proxiable = values["type"] in _PROXIABLE
    return uuid.uuid4().hex, {"createdOn": now, "modifiedOn": now, "meta": "{}", "proxiable": proxiable}


RESOURCES: Final[Mapping[str, Resource]] = {
    TUNNEL: Resource(
        inputs={"accountId": str, "configSrc": str, "name": str, "tunnelSecret": str},
        required=frozenset({"name", "accountId"}),
        replaced_by=frozenset({"accountId", "configSrc"}),
        computed=frozenset({"accountTag", "connections", "createdAt", "metadata", "remoteConfig", "status", "tunType"}),
        secret=frozenset({"tunnelSecret"}),
        create=_create_tunnel,
        problems=_tunnel_problems,
    ),
    TUNNEL_CONFIG: Resource(
        inputs={
            "accountId": str,
            "config": {
                "ingresses": [{"hostname": str, "originRequest": _ORIGIN_REQUEST, "path": str, "service": str}],
                "originRequest": _ORIGIN_REQUEST,
            },
            "source": str,
            "tunnelId": str,
        },
        required=frozenset({"tunnelId", "accountId"}),
        replaced_by=frozenset({"accountId", "tunnelId"}),
        computed=frozenset({"createdAt", "version"}),
        secret=frozenset(),
        create=_create_config,
        problems=_config_problems,
    ),
    DNS_RECORD: Resource(
        inputs={
            "comment": str,
            "content": str,
            "data": _RECORD_DATA,
            "name": str,
            "priority": float,
            "privateRouting": bool,
            "proxied": bool,
            "settings": {"flattenCname": bool, "ipv4Only": bool, "ipv6Only": bool},
            "tags": [str],
            "ttl": float,
            "type": str,
            "zoneId": str,
        },
        required=frozenset({"name", "ttl", "type", "zoneId"}),
        replaced_by=frozenset({"zoneId"}),
        computed=frozenset({"createdOn", "meta", "modifiedOn", "proxiable"}),
        secret=frozenset(),
        create=_create_record,
        problems=_record_problems,
    ),
}


def tunnel_token(account: str, tunnel: str) -> str:
    """Return a token in the form cloudflared reads, whose secret follows from the tunnel's id and opens nothing."""
    secret = base64.b64encode(hashlib.sha256(f"{STAND_IN} {tunnel}".encode()).digest()).decode()
    return base64.b64encode(json.dumps({"a": account, "t": tunnel, "s": secret}).encode()).decode()


class Cloudflare(TableProvider):
    """The cloudflare provider with an account that is not there."""

    name = "cloudflare"
    resources = RESOURCES
    settings: Mapping[str, Shape] = dict.fromkeys(
        ("apiKey", "apiToken", "apiUserServiceKey", "baseUrl", "email", "userAgentOperatorSuffix"), str
    )

    def __init__(self, version: str, engine_address: str, manifests: Path) -> None:
        super().__init__(version, engine_address)
        self._manifests = manifests
        self._guard = threading.Lock()
        self._records: dict[tuple[Any, str], list[tuple[str, Values]]] = {}
        self._has_tunnel = False

    def settings_problems(self, settings: Values) -> list[Problem]:
        """Refuse every token that could be a real one."""
        token = settings.get("apiToken")
        if isinstance(token, str) and token.startswith(TOKEN_PREFIX):
            return []
        return [
            (
                "apiToken",
                f"this is the {STAND_IN} for the cloudflare provider; it serves only tokens that start with "
                f"{TOKEN_PREFIX!r}. For a real account run plain `pulumi`, without the sandbox's PULUMI_HOME",
            )
        ]

    def problems_of_run(self, urn: str, news: Values) -> list[Problem]:
        """Refuse a record that another resource of this run has, or that cannot stand beside it."""
        token = type_of(urn)
        if token == TUNNEL:
            self._has_tunnel = True
        if token != DNS_RECORD or not isinstance(news["name"], str):
            return []
        with self._guard:
            others = self._records.setdefault((news["zoneId"], news["name"].lower()), [])
            others[:] = [(other, record) for other, record in others if other != urn]
            others.append((urn, news))
            for other, record in others[:-1]:
                if problem := _conflict(record, news):
                    return [("name", f"{problem} (resource {other.rpartition('::')[2]!r})")]
        return []

    def before_delete(self, token: str, identity: str) -> None:
        """Keep a tunnel whose connectors still run: the API refuses to delete it (error 1022)."""
        # A tunnel that the program still declares has been replaced; its connectors have moved to the new one.
        if token != TUNNEL or self._has_tunnel:
            return
        connectors = [path for path in self._manifests.glob("*/*.yaml") if "/cloudflared" in path.read_text("utf-8")]
        if connectors:
            raise Refusal(
                f"Cannot delete tunnel because it has active connections (1022): {connectors[0].name} still runs; "
                "let cloudflared depend on the tunnel, so that it goes first"
            )

    def invoke(self, token: str, arguments: Values) -> Values:
        """Give the tunnel's token."""
        if token != GET_TOKEN:
            return super().invoke(token, arguments)
        account, tunnel = arguments.get("accountId"), arguments.get("tunnelId")
        if tunnel is UNKNOWN or account is UNKNOWN:
            return {"accountId": account, "id": UNKNOWN, "token": Secret(UNKNOWN), "tunnelId": tunnel}
        if problems := _identifier("accountId", arguments):
            raise Refusal(f"accountId {problems[0][1]}")
        if not tunnel:
            raise Refusal("tunnelId is required")
        # Not marked secret, as in the official provider: a program must do that (rule 39).
        return {
            "accountId": account,
            "id": tunnel,
            "token": tunnel_token(str(account), str(tunnel)),
            "tunnelId": tunnel,
        }


def _conflict(one: Values, other: Values) -> str | None:
    """Return the API's refusal of two records with one name, or None."""
    kinds = {one["type"], other["type"]}
    if UNKNOWN in kinds:
        return None
    if kinds == {_ALONE}:
        return "A CNAME record with that host already exists (81053)"
    if _ALONE in kinds and kinds & {"A", "AAAA", "NS"}:
        return "An A, AAAA, or CNAME record with that host already exists (81053)"
    if len(kinds) == 1 and one.get("content") == other.get("content") and one.get("content") is not UNKNOWN:
        return "An identical record already exists (81058)"
    return None


def main(engine_address: str) -> None:
    """Serve one engine, which starts its plugins in the project's directory."""
    version = installed_version(sys.path[1], "pulumi_cloudflare")
    provider = Cloudflare(version, engine_address, Path(".state", "sandbox", "manifests").absolute())
    serve(provider_pb2_grpc.add_ResourceProviderServicer_to_server, provider)
