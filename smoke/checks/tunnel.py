"""Cloudflare's side: the tunnel and its connectors, and where each host's DNS record leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from config.files.stack_file import last_part
from smoke.edge import TOKEN, Edge, Refused
from smoke.floors import CLOUDFLARED, version_of
from smoke.plan import Plan
from smoke.result import Result, Verdict, fail, ok, result, shown, skip

_TARGET = "cfargotunnel.com"
_ADDRESSES = ("A", "AAAA", "CNAME")
_RIGHTS = "the token needs Account > Cloudflare Tunnel > Read and Zone > DNS > Read; see also the ids in the stack file"
_LOGS = "kubectl -n warren-tunnel logs deploy/cloudflared"


def name_of(plan: Plan) -> str:
    """What the tunnel is called."""
    return f"warren-{last_part(plan.name)}"


def not_asked() -> Verdict:
    """The verdict without a token."""
    how = f"read -rs {TOKEN}; export {TOKEN}, with a token that may read DNS and tunnels"
    return skip(f"not checked, because {TOKEN} is not set", how)


def results(plan: Plan, edge: Edge) -> Iterator[Result]:
    """A line for the tunnel, and one for each host."""
    yield result("cloudflare", f"tunnel {name_of(plan)}", judge_tunnel(plan, edge))
    tunnels = () if isinstance(edge.tunnels, Refused) else edge.tunnels
    target = f"{tunnels[0].get('id')}.{_TARGET}" if len(tunnels) == 1 else None
    for host, records in edge.records.items():
        yield result("cloudflare", f"DNS {host}", judge_records(plan, records, target))


def judge_tunnel(plan: Plan, edge: Edge) -> Verdict:
    """Whether the tunnel is there, is well, and is held open by enough connectors."""
    for part in (edge.tunnels, edge.connectors):
        if isinstance(part, Refused):
            return fail(str(part), _RIGHTS)
    assert not isinstance(edge.tunnels, Refused)
    assert not isinstance(edge.connectors, Refused)
    if len(edge.tunnels) != 1:
        return fail(f"Cloudflare has {len(edge.tunnels)} tunnels of this name, not 1", plan.repair)
    status = shown(str(edge.tunnels[0].get("status")))
    if status != "healthy":
        return fail(f"is {status}, not healthy", _LOGS)
    up = [each for each in edge.connectors if each.get("conns")]
    for each in up:
        version = str(each.get("version", ""))
        if version_of(version) in CLOUDFLARED.broken:
            return fail(
                f"a connector runs {shown(version)}: {CLOUDFLARED.advisories}", f"pulumi up --stack {plan.name}"
            )
    enough = min(2, plan.stack.tunnel.replicas)
    if len(up) < enough:
        return fail(f"has {len(up)} connectors, not {enough}", _LOGS)
    lines = sum(len(each["conns"]) for each in up)
    return ok(f"is healthy (connectors: {len(up)}, connections: {lines})")


def judge_records(plan: Plan, records: Sequence[Mapping[str, Any]] | Refused, target: str | None) -> Verdict:
    """Whether a host has exactly one address record, and it is a proxied one into the tunnel."""
    if isinstance(records, Refused):
        return fail(str(records), _RIGHTS)
    leading = [each for each in records if each.get("type") in _ADDRESSES]
    if len(leading) != 1:
        told = ", ".join(f"{shown(str(each.get('type')))} {shown(str(each.get('content')))}" for each in leading)
        fix = f"keep the CNAME into the tunnel and delete the others, then {plan.repair}" if leading else plan.repair
        return fail(f"has {told or 'no record'}, not one CNAME into the tunnel", fix)
    kind, content = leading[0].get("type"), str(leading[0].get("content"))
    if kind != "CNAME" or (content != target if target else not content.endswith(f".{_TARGET}")):
        return fail(f"leads to {shown(str(kind))} {shown(content)}, not to {target or 'a tunnel'}", plan.repair)
    if leading[0].get("proxied") is not True:
        return fail("is not proxied, so Cloudflare's edge is not in between", plan.repair)
    return ok("is one proxied CNAME into the tunnel" if target else "is a proxied CNAME into a tunnel")
