"""What keeps any answer from being judged: nobody there, Cloudflare in between, a limit, a broken service."""

from __future__ import annotations

from smoke.ask import Answer, NoAnswer, Reply
from smoke.plan import Plan
from smoke.result import Verdict, fail, warn

_UNREACHED = range(520, 531)
"""Cloudflare's own answers about an origin that it cannot reach; 530 comes with 1033 when no tunnel is connected."""


def trouble(plan: Plan, reply: Reply, logs: str) -> Verdict | None:
    """Why a reply says nothing about what was asked; None when it does.

    Args:
        plan: What should be there.
        reply: What came back.
        logs: The command that shows what the service behind the answer has to say.
    """
    if isinstance(reply, NoAnswer):
        return no_answer(plan, reply)
    if reply.get("cf-mitigated") is not None:
        past = "ask past it with --url and a port-forward (Warren's docs/smoke.md)"
        fix = f"{past}, or look at Security > Bots in the dashboard"
        return fail("Cloudflare took it for a bot and challenged it", fix)
    if reply.status in _UNREACHED:
        fix = "kubectl -n warren-tunnel logs deploy/cloudflared"
        return fail(f"Cloudflare answered {reply.status}: it does not reach the tunnel", fix)
    if reply.status >= 500:
        return fail(f"answered {reply.status}", logs)
    if reply.status == 429:
        return warn("answered 429: a rate limit was reached", "wait a minute and run it again")
    return None


def no_answer(plan: Plan, reply: NoAnswer) -> Verdict:
    """The verdict on nothing."""
    if plan.address is not None and reply.kind in ("name", "connect"):
        return fail(reply.reason, "give --url an address that answers; does the port-forward still run?")
    fixes = {
        "name": f"{plan.repair}, which makes the DNS record",
        "connect": "is this machine on the internet? then see status.cloudflare.com",
        "timeout": "kubectl -n warren-tunnel logs deploy/cloudflared",
        "tls": "see the line about its certificate",
        "http": "kubectl -n warren-ingress logs deploy/ingress-controller",
    }
    return fail(reply.reason, fixes[reply.kind])


def answered(reply: Reply) -> Answer:
    """A reply that `trouble` let through."""
    assert isinstance(reply, Answer), "trouble() has a verdict on everything else"
    return reply
