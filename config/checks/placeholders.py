"""What stands in a stack's file for a value that somebody has yet to find: where `make new` knew none.

The sandbox takes them. A real stack would fail at Cloudflare after minutes, or open its walls to addresses of nobody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from config.mistakes import Loaded, Mistake
from config.stack import Stack

_NO_ID = "0" * 32
_NO_DOMAIN = ("example", "invalid", "localhost", "test")
"""Top-level domains that nobody can have (RFC 2606)."""
_NOBODY = tuple(ipaddress.ip_network(cidr) for cidr in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
"""Networks of documentation (RFC 5737)."""


def check(file: Loaded[Stack]) -> Iterator[Mistake]:
    """Every value of a real stack that is still a placeholder."""
    stack = file.model
    if stack.domain.rpartition(".")[2] in _NO_DOMAIN:
        what = f"{stack.domain} is a placeholder; write the domain that is a zone of your account at Cloudflare"
        yield file.mistake(("domain",), what)
    for key, value in (("accountId", stack.cloudflare.accountId), ("zoneId", stack.cloudflare.zoneId)):
        if value == _NO_ID:
            what = 'is a placeholder; dash.cloudflare.com shows it on the domain\'s overview, column "API"'
            yield file.mistake(("cloudflare", key), what)
    for i, node in enumerate(stack.cluster.nodes):
        if any(ipaddress.ip_address(node.ip) in network for network in _NOBODY):
            what = f"{node.ip} is a placeholder; kubectl get nodes -o wide shows each node's name and address"
            yield file.mistake(("cluster", "nodes", i, "ip"), what)
