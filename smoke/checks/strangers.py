"""What a stranger makes up, and how little it is worth: identity headers and session cookies."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from config.routes import Route
from config.workspace import Workspace
from manifests.ingress.controller import IDENTITY_HEADERS
from manifests.signin.signin import Proxy
from smoke.ask import Answer, Check, Reply, Request
from smoke.checks import routes
from smoke.checks.trouble import answered, trouble
from smoke.plan import Plan
from smoke.result import Verdict, fail, ok, shown, warn

NAMES = (
    *IDENTITY_HEADERS,
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
)
ALIASES = ("X_Auth_Request_Email", "X.Auth.Request.Email")
"""Many frameworks read these as X-Auth-Request-Email (security rule 25)."""


def headers(plan: Plan) -> Iterator[Check]:
    """Identity headers that nobody but sign-in may set: on every row, and in other spellings once a host."""
    marker = f"warren-smoke-{secrets.token_hex(8)}"
    for host in plan.platform.hosts:
        rows = plan.rows(host)
        if rows:
            yield _headers(plan, host, rows, marker)
            yield _aliases(plan, host, rows[0], marker)


def _headers(plan: Plan, host: str, rows: tuple[Route, ...], marker: str) -> Check:
    spoofed = tuple((name, marker) for name in NAMES)

    def verdict(replies: tuple[Reply, ...]) -> Verdict:
        worst = ok(f"of a stranger change nothing (routes: {len(rows)})")
        for row, reply in zip(rows, replies, strict=True):
            found = judge_spoofed(plan, row, reply, marker)
            if found.status == "fail":
                return found
            worst = found if found.status == "warn" else worst
        return worst

    return Check(
        "headers", f"https://{host} identity headers", tuple(Request(host, row.path, spoofed) for row in rows), verdict
    )


def judge_spoofed(plan: Plan, row: Route, reply: Reply, marker: str) -> Verdict:
    """Whether made-up identity headers change nothing: a closed row stays closed, an open one does not hear of them."""
    if isinstance(reply, Answer) and reply.holds(marker):
        fix = f"{plan.repair}; the controller's config should remove them (manifests/ingress/controller.py)"
        return fail(f"{row.path} was told the stranger's own identity headers", fix)
    if row.auth == "none":
        # Whether the row answers at all is another check's business.
        return ok("is not told")
    found = routes.judge(plan, row, reply)
    if found.status != "fail":
        return found
    return fail(f"with made-up identity headers {row.path} {found.reason}", found.fix)


def _aliases(plan: Plan, host: str, row: Route, marker: str) -> Check:
    asks = tuple(Request(host, row.path, ((alias, marker),)) for alias in ALIASES)

    def verdict(replies: tuple[Reply, ...]) -> Verdict:
        for alias, reply in zip(ALIASES, replies, strict=True):
            found = judge_alias(plan, row, reply, alias, marker)
            if found.status != "ok":
                return found
        return ok(f"{' and '.join(ALIASES)} are refused or dropped")

    return Check("headers", f"https://{host} other spellings", asks, verdict)


def judge_alias(plan: Plan, row: Route, reply: Reply, alias: str, marker: str) -> Verdict:
    """Whether another spelling of an identity header is refused.

    Traefik answers 400. nginx drops the header, and so may Cloudflare on the way.
    """
    if isinstance(reply, Answer) and reply.status == 400 and not reply.holds(marker):
        return ok("is refused")
    refused = judge_spoofed(plan, row, reply, marker)
    if refused.status != "ok":
        return refused
    if (found := trouble(plan, reply, routes.logs(row))) is not None:
        return found
    if plan.plain and plan.stack.ingress.controller == "traefik":
        fix = f"{plan.repair}; the controller's arguments should say aliasheadersstrategy=reject"
        return fail(f"answered {answered(reply).status} to {alias}, not 400", fix)
    return ok("is dropped")


def cookies(plan: Plan) -> Iterator[Check]:
    """Made-up session cookies: for each protected host, its own name and those of all others, in one request."""
    known = plan.proxies()
    made_up = "; ".join(f"{proxy.cookie}={secrets.token_urlsafe(48)}|1|made-up" for _, proxy in known)
    for workspace, proxy in known:
        yield _cookies(plan, workspace, proxy, made_up, len(known))


def _cookies(plan: Plan, workspace: Workspace, proxy: Proxy, made_up: str, count: int) -> Check:
    row = next((row for row in plan.rows(proxy.host) if row.auth != "none"), None)
    path = "/oauth2/auth" if row is None else row.path
    asks = (Request(proxy.host, path, (("Cookie", made_up),)),)

    def verdict(replies: tuple[Reply, ...]) -> Verdict:
        found = _closed(plan, workspace, proxy, replies[0]) if row is None else routes.judge(plan, row, replies[0])
        if found.status == "ok":
            return ok(f"lets nobody in with a made-up cookie (names: {count})")
        if found.status == "warn":
            return warn(found.reason, found.fix)
        return fail(f"with made-up cookies {shown(path)} {found.reason}", found.fix)

    return Check("cookies", f"https://{proxy.host}{path}", asks, verdict)


def _closed(plan: Plan, workspace: Workspace, proxy: Proxy, reply: Reply) -> Verdict:
    logs = f"kubectl -n {workspace.name} logs deploy/{proxy.name}"
    if (found := trouble(plan, reply, logs)) is not None:
        return found
    status = answered(reply).status
    return ok("is closed") if status == 401 else fail(f"answered {status}, not 401", logs)
