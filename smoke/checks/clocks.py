"""Clocks: this machine's, Cloudflare's, the API server's and each node's. Sign-in and certificates compare them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from smoke.ask import Answer, Reply, Request
from smoke.cluster import Cluster, Unreadable
from smoke.plan import Plan
from smoke.result import Result, Verdict, fail, ok, result, skip
from smoke.server import Server, Unknown, ahead

Manifest = dict[str, Any]

LIMIT = 30
"""Seconds that two clocks may differ by. Tokens of sign-in are good for some minutes and forgive none before that."""

_RENEWAL = 40
"""A kubelet notes its own time in its Lease every 10 s, and is taken for dead after 40 s without (its
`nodeLeaseDurationSeconds`)."""
_HERE = "this machine's clock: timedatectl"
_THERE = "timedatectl on the node; is udp 123 open? (Warren's docs/nodes.md, The clock)"


def asks(plan: Plan) -> Request:
    """What Cloudflare's edge answers itself, so that its Date is the edge's own."""
    return Request(plan.platform.hosts[0], "/cdn-cgi/trace")


def edge_ahead(reply: Reply, now: float) -> float | None:
    """By how many seconds Cloudflare's clock is before this machine's."""
    return ahead(reply.get("date"), now) if isinstance(reply, Answer) else None


def judge_here(edge: float | None) -> Verdict:
    """Whether this machine's clock is right."""
    if edge is None:
        return skip("not compared, because Cloudflare was not asked or did not say", "run it once without --url")
    if abs(edge) > LIMIT:
        return fail(f"is {_apart(-edge)} Cloudflare's", _HERE)
    return ok("has the time of Cloudflare")


def judge_server(seen: Server | Unknown | None, edge: float | None) -> Verdict:
    """Whether the API server's clock is right: Cloudflare's is, or else this machine's is taken for it."""
    whose = "Cloudflare's" if edge is not None else "this machine's"
    if not isinstance(seen, Server):
        return skip(f"not compared: {seen or 'its certificate is not trusted'}", "see the line about its certificate")
    if seen.ahead is None:
        return skip("not compared: it does not say its time", "timedatectl on the control plane")
    difference = seen.ahead - (edge or 0)
    if abs(difference) > LIMIT:
        return fail(f"is {_apart(difference)} {whose}", _THERE)
    return ok(f"agrees with {whose}")


def nodes(plan: Plan, cluster: Cluster, edge: float | None) -> Iterator[Result]:
    """A line for each node of the stack that is there and ready: what its kubelet noted last, beside the time now."""
    if isinstance(cluster.nodes, Unreadable):
        return
    now = cluster.seen + (edge or 0)
    noted = {each["metadata"]["name"]: each for each in cluster.nodes if each["kind"] == "Lease"}
    ready = {each["metadata"]["name"] for each in cluster.nodes if each["kind"] == "Node" and is_ready(each)}
    for node in plan.stack.cluster.nodes:
        if node.name in ready:
            yield result("clocks", node.name, judge_node(noted.get(node.name), now))


def is_ready(node: Manifest) -> bool:
    """Whether Kubernetes calls a node ready."""
    conditions = node.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def judge_node(lease: Manifest | None, now: float) -> Verdict:
    """Whether a node's clock is right."""
    text = (lease or {}).get("spec", {}).get("renewTime")
    try:
        noted = datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return skip("not compared: it notes no time", "kubectl -n kube-node-lease get leases")
    difference = noted - now
    if difference > LIMIT:
        return fail(f"is {_apart(difference)} the time", _THERE)
    if difference < -(LIMIT + _RENEWAL):
        return fail(f"is {_apart(difference)} the time, or its kubelet hangs", _THERE)
    return ok("notes the right time")


def _apart(seconds: float) -> str:
    return f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'}"
