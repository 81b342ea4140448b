"""The certificates that visitors see. Cloudflare makes and renews them."""

from __future__ import annotations

from smoke.ask import NoAnswer
from smoke.checks.trouble import no_answer
from smoke.plan import Plan
from smoke.result import Verdict, fail, ok, skip
from smoke.visitor import Certificate

DAYS = 14
"""Cloudflare renews a month before the end; less than this means that it did not."""


def judge(plan: Plan, seen: Certificate | NoAnswer, now: float) -> Verdict:
    """Whether a host's certificate is trusted, is its own, and lasts."""
    where = "Cloudflare dashboard: SSL/TLS > Edge Certificates"
    if isinstance(seen, NoAnswer):
        return fail(seen.reason, where) if seen.kind == "tls" else no_answer(plan, seen)
    days = int((seen.expires - now) // 86400)
    if days < DAYS:
        return fail(f"has a certificate that ends in {days} days", where)
    return ok(f"has a trusted certificate for {days} more days")


def not_asked() -> Verdict:
    """The verdict where no TLS is spoken."""
    return skip("not checked, because the address of --url is http", "run it once without --url")
