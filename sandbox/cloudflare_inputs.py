"""What the cloudflare provider and the API refuse about the inputs of one resource.

Owns: the nested tables and the checks of a tunnel, its configuration and a DNS record.  Does not own: refusals that
need a second resource, and the provider itself (``cloudflare``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from sandbox.table import Problem, Shape, Values
from sandbox.wire import UNKNOWN

_ID = re.compile(r"[0-9a-f]{32}")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_SERVICE_SCHEMES = frozenset({"http", "https", "unix", "unix+tls", "tcp", "ssh", "rdp", "smb"})
# Time after which the API no longer takes a value for granted; 1 means automatic.
_TTL_AUTOMATIC, _TTL_LEAST, _TTL_MOST = 1, 60, 86400
PROXIABLE = frozenset({"A", "AAAA", "CNAME"})

ORIGIN_REQUEST: Final[Mapping[str, Shape]] = {
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
RECORD_DATA: Final[Mapping[str, Shape]] = {
    **dict.fromkeys(("algorithm", "altitude", "digestType", "keyTag", "latDegrees", "latMinutes", "latSeconds"), float),
    **dict.fromkeys(("longDegrees", "longMinutes", "longSeconds", "matchingType", "order", "port"), float),
    **dict.fromkeys(("precisionHorz", "precisionVert", "preference", "priority", "protocol", "selector"), float),
    **dict.fromkeys(("size", "type", "usage", "weight"), float),
    **dict.fromkeys(("certificate", "digest", "fingerprint", "flags", "latDirection", "longDirection"), str),
    **dict.fromkeys(("publicKey", "regex", "replacement", "service", "tag", "target", "value"), str),
}


def identifier(key: str, values: Values) -> list[Problem]:
    """Check an account or zone id."""
    value = values.get(key)
    if value is UNKNOWN or (isinstance(value, str) and _ID.fullmatch(value)):
        return []
    return [(key, "must be 32 hexadecimal digits, as the dashboard shows it")]


def _is_host(name: str) -> bool:
    labels = name.removeprefix("*.").split(".")
    return len(name) <= 253 and len(labels) >= 2 and all(_LABEL.fullmatch(label) for label in labels)


def tunnel_problems(values: Values) -> list[Problem]:
    """Check a tunnel."""
    found = identifier("accountId", values)
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


def config_problems(values: Values) -> list[Problem]:
    """Check a tunnel's configuration: rules in order, the last of which takes everything."""
    found = identifier("accountId", values)
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
        found += _rule_problems(rule, path, is_last=index == len(rules) - 1)
        if hostname is not UNKNOWN and (first := seen.setdefault((hostname, rule.get("path")), index)) != index:
            found.append((path, f"the same hostname and path as rule {first}"))
    return found


def _rule_problems(rule: Values, path: str, *, is_last: bool) -> list[Problem]:
    found = []
    hostname, service = rule.get("hostname"), rule.get("service")
    if service is None:
        found.append((f"{path}.service", "required"))
    elif service is not UNKNOWN and (problem := _service_problem(service)):
        found.append((f"{path}.service", problem))
    catches_all = hostname in (None, "", "*") and not rule.get("path")
    if is_last and not catches_all:
        found.append((path, "the last rule must match every request: no hostname and no path"))
    if not is_last and catches_all:
        found.append((path, "this rule matches every request, so the rules after it are never reached"))
    if isinstance(hostname, str) and hostname not in ("", "*") and not _is_host(hostname):
        found.append((f"{path}.hostname", f"{hostname!r} is not a host name"))
    return found


def record_problems(values: Values) -> list[Problem]:
    """Check a DNS record."""
    found = identifier("zoneId", values)
    name, kind, ttl = values["name"], values["type"], values["ttl"]
    if isinstance(name, str) and not _is_host(name):
        found.append(("name", f"{name!r} is not a full host name"))
    if ttl is not UNKNOWN and ttl != _TTL_AUTOMATIC and not _TTL_LEAST <= ttl <= _TTL_MOST:
        found.append(("ttl", f"must be 1 (automatic) or {_TTL_LEAST} to {_TTL_MOST} seconds"))
    if values.get("proxied") is True and kind is not UNKNOWN and kind not in PROXIABLE:
        found.append(("proxied", f"a {kind} record cannot be proxied; only A, AAAA and CNAME can"))
    if values.get("proxied") is True and ttl not in (UNKNOWN, _TTL_AUTOMATIC):
        found.append(("ttl", "must be 1 when the record is proxied"))
    if values.get("content") is None and values.get("data") is None:
        found.append(("content", "required"))
    if kind == "CNAME" and isinstance(name, str) and values.get("content") == name:
        found.append(("content", "a CNAME cannot point at itself"))
    return found
