"""The route table, row by row, as somebody sees it who is not signed in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from config.routes import Route
from manifests import names
from manifests.ingress import redirects
from manifests.ingress.controller import UNCACHED
from smoke.ask import Answer, Check, NoAnswer, Reply, Request
from smoke.checks.trouble import answered, trouble
from smoke.plan import Plan
from smoke.result import Verdict, fail, ok, shown, skip, warn

_REFUSED = (b"Forbidden", b"<html>\r\n<head><title>403 Forbidden</title></head>")
"""How Traefik and nginx themselves begin a 403."""
_MOVED = (301, 302, 307, 308)
_NO_ROUTE = (b"404 page not found", b"<html>\r\n<head><title>404 Not Found</title></head>")
"""How Traefik and nginx say that no route leads on. Apps in Go say it as Traefik does."""


def checks(plan: Plan) -> Iterator[Check]:
    """A check for each row, for each path that a row denies, and for a host that is nobody's."""
    for row in plan.platform.routes:
        yield _row(plan, row)
        yield from (_denied(plan, row, path) for path in row.rule.deny)
    yield _stranger(plan)


def plain(plan: Plan) -> Iterator[Check]:
    """A check for each host, of what is sent without TLS: cookies would be, too."""
    yield from (_plain(plan, host) for host in plan.platform.hosts)


def _plain(plan: Plan, host: str) -> Check:
    ask = Request(host, "/", scheme="http")
    return Check("routes", f"http://{host}", (ask,), lambda replies: judge_plain(plan, host, replies[0]))


def judge_plain(plan: Plan, host: str, reply: Reply) -> Verdict:
    """Whether somebody without TLS is sent to https, or finds nobody."""
    if isinstance(reply, NoAnswer) and reply.kind == "connect":
        return ok("is not served")
    if (found := trouble(plan, reply, "kubectl -n warren-ingress logs deploy/ingress-controller")) is not None:
        return found
    answer = answered(reply)
    location = urlsplit(answer.get("location") or "")
    if answer.status in _MOVED and location.scheme == "https" and location.hostname == host:
        return ok("leads to https")
    where = "Cloudflare dashboard: SSL/TLS > Edge Certificates > Always Use HTTPS"
    fix = f"{where} (Warren's docs/getting-started.md, Cloudflare)"
    return fail(f"answered {answer.status} instead of sending to https", fix)


def plain_not_asked() -> Verdict:
    """The verdict where all requests go to one address, which is not the one that browsers ask by http."""
    return skip("not asked, because of --url", "run it once without --url")


def _row(plan: Plan, row: Route) -> Check:
    return Check("routes", row.url, (Request(row.host, row.path),), lambda replies: judge(plan, row, replies[0]))


def judge(plan: Plan, row: Route, reply: Reply) -> Verdict:
    """Whether a row answers a stranger as it should."""
    app = next(each for each in plan.workspaces if each.name == row.workspace).apps[row.app]
    if row.rule.redirect is not None:
        return _elsewhere(plan, row, reply)
    if app.replicas == 0 and row.auth == "none" and row.rule.basicAuth is None:
        return skip(f"{row.app} has replicas: 0", f"give it one in {plan.platform.read_from[row.workspace][0]}")
    if (found := trouble(plan, reply, logs(row))) is not None:
        return found
    answer = answered(reply)
    if row.rule.allowFrom and answer.status == 403:
        return ok(f"answers 403 here: only {', '.join(row.rule.allowFrom)} may come in")
    if row.rule.basicAuth is not None:
        return _password(plan, row, answer)
    if row.auth == "page":
        return _page(plan, row, answer)
    if row.auth == "api":
        return _api(plan, row, answer)
    return _open(plan, row, answer)


def _elsewhere(plan: Plan, row: Route, reply: Reply) -> Verdict:
    if (found := trouble(plan, reply, "kubectl -n warren-ingress logs deploy/ingress-controller")) is not None:
        return found
    answer = answered(reply)
    to, keeps = redirects.target(row)
    wanted = to + row.path.removeprefix("/") if keeps else to
    if answer.status in _MOVED and answer.get("Location") == wanted:
        return ok(f"leads to {wanted}")
    return fail(f"answered {_told(answer)}, not with a redirect to {wanted}", f"{_look(plan, row)}; then {plan.repair}")


def logs(row: Route) -> str:
    """The command that shows what an app has to say."""
    return f"kubectl -n {row.workspace} logs deploy/{row.app}"


def sign_in(row: Route) -> str:
    """Where a row sends strangers to. Traefik and nginx write the way back percent-encoded."""
    return f"https://{row.host}/oauth2/start?rd={row.url}"


def _page(plan: Plan, row: Route, answer: Answer) -> Verdict:
    if answer.status == 302 and _decoded(answer.get("Location") or "") == sign_in(row):
        return ok("asks for sign-in")
    return _not_closed(plan, row, answer, f"a redirect to {sign_in(row)}")


def _api(plan: Plan, row: Route, answer: Answer) -> Verdict:
    if answer.status == 401 and answer.get("Location") is None:
        return ok("answers 401 without sign-in")
    return _not_closed(plan, row, answer, "401")


def _password(plan: Plan, row: Route, answer: Answer) -> Verdict:
    asked = (answer.get("WWW-Authenticate") or "").lower().startswith("basic")
    if answer.status == 401 and answer.get("Location") is None and (asked or row.auth != "none"):
        return ok("asks for its password")
    return _not_closed(plan, row, answer, "401 that asks for a password")


def _not_closed(plan: Plan, row: Route, answer: Answer, wanted: str) -> Verdict:
    without = "the password" if row.auth == "none" else "sign-in"
    what = f"answered {_told(answer)}"
    if answer.status < 300:
        what += f" without {without}"
    elif _no_route(answer):
        return _no_route_verdict(plan, row, answer)
    return fail(f"{what}, not with {wanted}", f"{_look(plan, row)}; then {plan.repair}")


def _open(plan: Plan, row: Route, answer: Answer) -> Verdict:
    location = urlsplit(answer.get("Location") or "")
    if answer.status in range(300, 400) and location.path.startswith("/oauth2/"):
        return fail("asks for sign-in, and the files say that it is open", f"{_look(plan, row)}; then {plan.repair}")
    if _no_route(answer):
        return _no_route_verdict(plan, row, answer)
    if answer.status == 401 and answer.get("WWW-Authenticate") is None:
        # An app that asks for a login of its own has to say how; OAuth2-Proxy does not.
        fix = f"{_look(plan, row)}; then {plan.repair}"
        return fail("answered 401 as if behind sign-in, and the files say that it is open", fix)
    if answer.status == 403 and answer.body.startswith(_REFUSED):
        return fail("is refused by the controller (403)", f"{_look(plan, row)}; then {plan.repair}")
    if answer.status in (401, 403):
        return warn(f"answered {answer.status}: the app's own doing?", logs(row))
    return ok(f"answers {answer.status}")


def _no_route(answer: Answer) -> bool:
    """Whether no app said this 404. Only what went through a route has the header; Cloudflare takes it off again."""
    through = all(answer.get(name) == value for name, value in UNCACHED.items())
    body = answer.body.strip()
    return answer.status == 404 and not through and (body == b"" or body.startswith(_NO_ROUTE))


def _no_route_verdict(plan: Plan, row: Route, answer: Answer) -> Verdict:
    if not answer.body.strip():
        return fail("answered an empty 404, as the tunnel does for hosts that it does not know", plan.repair)
    return fail("answered the controller's 404: no route leads to the app", f"{_look(plan, row)}; then {plan.repair}")


def _look(plan: Plan, row: Route) -> str:
    return f"kubectl -n {row.workspace} get ingress {names.slug(row)} -o yaml"


def _denied(plan: Plan, row: Route, path: str) -> Check:
    def verdict(replies: tuple[Reply, ...]) -> Verdict:
        if (found := trouble(plan, replies[0], logs(row))) is not None:
            return found
        answer = answered(replies[0])
        if answer.status == 403:
            return ok("is denied to everybody")
        fix = f"kubectl -n {row.workspace} get ingress -l {names.APP_LABEL}={row.app} -o yaml; then {plan.repair}"
        return fail(f"answered {_told(answer)}, and the files deny it to everybody", fix)

    return Check("routes", f"https://{row.host}{path}", (Request(row.host, path),), verdict)


def _stranger(plan: Plan) -> Check:
    host = f"nobody-{secrets.token_hex(4)}.{plan.stack.domain}"
    return Check("routes", f"https://{host}/", (Request(host, "/"),), lambda replies: judge_stranger(plan, replies[0]))


def judge_stranger(plan: Plan, reply: Reply) -> Verdict:
    """Whether a host that no workspace owns leads nowhere."""
    if isinstance(reply, NoAnswer) and reply.kind == "name" and plan.address is None:
        return ok("has no DNS record, and is nobody's")
    if isinstance(reply, NoAnswer) and reply.kind == "tls":
        return ok("has no certificate, and is nobody's")
    if isinstance(reply, Answer) and reply.get("Server") == "cloudflare" and reply.status in (403, 404, 409, 530):
        return ok(f"is answered by Cloudflare itself ({reply.status}), and is nobody's")
    controller = "kubectl -n warren-ingress logs deploy/ingress-controller"
    if (found := trouble(plan, reply, controller)) is not None:
        return found
    answer = answered(reply)
    if answer.status == 404:
        return ok("answers 404, and is nobody's")
    fix = "kubectl get ingress -A; delete the one without a host or with a wildcard"
    return fail(f"answered {_told(answer)}, and no workspace owns it", fix)


def _decoded(location: str) -> str:
    """A redirect to sign-in as it would be without percent-encoding; as it is when it is anything else."""
    parts = urlsplit(location)
    query = parse_qs(parts.query, keep_blank_values=True)
    if list(query) != ["rd"] or len(query["rd"]) != 1 or parts.fragment:
        return location
    return f"{parts.scheme}://{parts.netloc}{parts.path}?rd={query['rd'][0]}"


def _told(answer: Answer) -> str:
    location = answer.get("Location")
    return str(answer.status) if location is None else f"{answer.status} to {shown(location)}"
