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
import os
import re
import sys
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pulumi.runtime.proto import provider_pb2_grpc

from sandbox import STAND_IN
from sandbox.cloudflare_inputs import (
    ORIGIN_REQUEST,
    PROXIABLE,
    RECORD_DATA,
    config_problems,
    identifier,
    record_problems,
    tunnel_problems,
)
from sandbox.server import Refusal, serve
from sandbox.table import Problem, Resource, Shape, TableProvider, Values, type_of
from sandbox.versions import installed_version
from sandbox.wire import UNKNOWN, Secret

TOKEN_PREFIX: Final = "sandbox-"
TOKEN_FORM: Final = re.compile(r"[0-9A-Za-z_-]{40,80}")
"""What the official provider takes for a token at all (tried with 6.17.0)."""
TUNNEL: Final = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
TUNNEL_CONFIG: Final = "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig"
DNS_RECORD: Final = "cloudflare:index/dnsRecord:DnsRecord"
GET_TOKEN: Final = "cloudflare:index/getZeroTrustTunnelCloudflaredToken:getZeroTrustTunnelCloudflaredToken"

_ALONE: Final = "CNAME"


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
    proxiable = values["type"] in PROXIABLE
    return uuid.uuid4().hex, {"createdOn": now, "modifiedOn": now, "meta": "{}", "proxiable": proxiable}


RESOURCES: Final[Mapping[str, Resource]] = {
    TUNNEL: Resource(
        inputs={"accountId": str, "configSrc": str, "name": str, "tunnelSecret": str},
        required=frozenset({"name", "accountId"}),
        replaced_by=frozenset({"accountId", "configSrc"}),
        computed=frozenset({"accountTag", "connections", "createdAt", "metadata", "remoteConfig", "status", "tunType"}),
        secret=frozenset({"tunnelSecret"}),
        create=_create_tunnel,
        problems=tunnel_problems,
    ),
    TUNNEL_CONFIG: Resource(
        inputs={
            "accountId": str,
            "config": {
                "ingresses": [{"hostname": str, "originRequest": ORIGIN_REQUEST, "path": str, "service": str}],
                "originRequest": ORIGIN_REQUEST,
            },
            "source": str,
            "tunnelId": str,
        },
        required=frozenset({"tunnelId", "accountId"}),
        replaced_by=frozenset({"accountId", "tunnelId"}),
        computed=frozenset({"createdAt", "version"}),
        secret=frozenset(),
        create=_create_config,
        problems=config_problems,
    ),
    DNS_RECORD: Resource(
        inputs={
            "comment": str,
            "content": str,
            "data": RECORD_DATA,
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
        problems=record_problems,
    ),
}


def stack_of(urn: str) -> str:
    """Return the stack in a URN."""
    return urn.removeprefix("urn:pulumi:").partition("::")[0]


def manifests(stack: str) -> str:
    """Return the folder of a stack's manifests, as ``manifests.connection`` of the program does, without importing it.

    A test compares the two.
    """
    return "manifests" if stack == "sandbox" else f"manifests-{stack}"


def _runs_cloudflared(manifest: Path) -> bool:
    try:
        return "/cloudflared" in manifest.read_text("utf-8")
    except FileNotFoundError:
        return False  # the other stand-in deletes at the same time


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

    def __init__(self, version: str, engine_address: str, sandbox: Path) -> None:
        super().__init__(version, engine_address)
        self._sandbox = sandbox
        self._guard = threading.Lock()
        self._records: dict[tuple[Any, str], list[tuple[str, Values]]] = {}
        self._has_tunnel = False

    def settings_problems(self, settings: Values) -> list[Problem]:
        """Refuse every token that could be a real one."""
        token = settings.get("apiToken")
        if isinstance(token, str) and token.startswith(TOKEN_PREFIX):
            return [] if TOKEN_FORM.fullmatch(token) else [("apiToken", f"must match {TOKEN_FORM.pattern}")]
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

    def before_delete(self, urn: str) -> None:
        """Keep a tunnel whose connectors still run: the API refuses to delete it (error 1022)."""
        # A tunnel that the program still declares has been replaced; its connectors have moved to the new one.
        if type_of(urn) != TUNNEL or self._has_tunnel:
            return
        folder = self._sandbox / manifests(stack_of(urn))
        connectors = [path for path in folder.glob("*/*.yaml") if _runs_cloudflared(path)]
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
        if problems := identifier("accountId", arguments):
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
    """Serve one engine, which starts its plugins in the program's directory: that may be below the project's."""
    version = installed_version(sys.path[1], "pulumi_cloudflare")
    home = Path(os.environ.get("PULUMI_HOME", ".state/pulumi-home")).absolute()
    provider = Cloudflare(version, engine_address, home.with_name("sandbox"))
    serve(provider_pb2_grpc.add_ResourceProviderServicer_to_server, provider)
