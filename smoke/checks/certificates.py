"""The certificates that visitors see, and k3s' own two, which nobody renews while it runs.

Cloudflare makes and renews the former.
"""

from __future__ import annotations

import ssl

from smoke.ask import NoAnswer
from smoke.checks.trouble import no_answer
from smoke.plan import Plan
from smoke.result import Verdict, fail, ok, shown, skip, warn
from smoke.server import Entry, Server, Unknown
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


MONTH, WEEK = 30, 7
"""k3s renews its own at every start within 120 days of the end: a month before it, nobody has started it for long."""
_PAGE = "Warren's docs/nodes.md, Certificates"


def judge_client(way: Entry | Unknown, now: float) -> Verdict:
    """Whether the certificate that a kubeconfig signs in with lasts."""
    if isinstance(way, Unknown):
        return skip(f"not checked: {shown(str(way))}", "--kubeconfig PATH and --context NAME say which one is meant")
    if way.ends is None:
        return ok("signs in without a certificate")
    return _lasting(way.ends, now, f"copy it from the control plane again ({_PAGE})")


def judge_server(seen: Server | Unknown | ssl.SSLCertVerificationError, now: float) -> Verdict:
    """Whether the API server's certificate is what the kubeconfig trusts, and lasts."""
    fix = f"restart k3s on the control plane, which renews it ({_PAGE})"
    if isinstance(seen, ssl.SSLCertVerificationError):
        return fail(f"shows a certificate that is not trusted: {shown(seen.verify_message)}", fix)
    if isinstance(seen, Unknown):
        return skip(f"not checked: {shown(str(seen))}", "see the lines about nodes and pods")
    return _lasting(seen.ends, now, fix)


def _lasting(ends: float, now: float, fix: str) -> Verdict:
    days = int((ends - now) // 86400)
    if days < 0:
        return fail("has a certificate that has ended", fix)
    if days < MONTH:
        return (fail if days < WEEK else warn)(f"has a certificate that ends in {days} days", fix)
    return ok(f"has a certificate for {days} more days")
