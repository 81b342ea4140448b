"""Sign-in, as far as it goes without an account: where people are sent to, with what, and where never."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urljoin, urlsplit

from config.workspace import Workspace
from manifests.signin.signin import Proxy, issuer
from smoke.ask import Answer, Check, Reply, Request
from smoke.checks.trouble import answered, trouble
from smoke.plan import Plan
from smoke.result import Verdict, fail, ok, shown

ELSEWHERE = "evil.example"
"""Nobody's name (RFC 2606)."""
LURES = (f"https://{ELSEWHERE}/", f"//{ELSEWHERE}/", f"/\\{ELSEWHERE}/")
"""Ways back that lead somewhere else. Browsers read the last one as the second one."""


def checks(plan: Plan) -> Iterator[Check]:
    """For each protected host: its start, its closed door, its ways back; for each workspace: its Dex."""
    for workspace, proxy in plan.proxies():
        yield _start(plan, workspace, proxy)
        yield _closed(plan, workspace, proxy)
        yield _ways_back(plan, workspace, proxy)
    for workspace in plan.workspaces:
        if workspace.auth != "none":
            yield _discovery(plan, workspace)


def logs(workspace: Workspace, name: str) -> str:
    """The command that shows what a part of sign-in has to say."""
    return f"kubectl -n {workspace.name} logs deploy/{name}"


def _restart(plan: Plan, workspace: Workspace, name: str) -> str:
    return f"{plan.repair}; what it says: {logs(workspace, name)}"


def _start(plan: Plan, workspace: Workspace, proxy: Proxy) -> Check:
    back = f"https://{proxy.host}/"
    path = f"/oauth2/start?rd={quote(back, safe='')}"

    def verdict(replies: tuple[Reply, ...]) -> Verdict:
        if (found := trouble(plan, replies[0], logs(workspace, proxy.name))) is not None:
            return found
        wrong = wrong_start(answered(replies[0]), proxy, issuer(plan.stack, workspace), back)
        if wrong is not None:
            return fail(wrong, _restart(plan, workspace, proxy.name))
        return ok("leads to its own Dex, with PKCE, a nonce and a cookie of its own")

    return Check("sign-in", f"https://{proxy.host}/oauth2/start", (Request(proxy.host, path),), verdict)


def wrong_start(answer: Answer, proxy: Proxy, issuer_url: str, back: str) -> str | None:
    """What is wrong with the redirect that begins a sign-in; None when nothing is."""
    location = answer.get("Location") or ""
    if answer.status != 302 or not location.startswith(f"{issuer_url}/auth?"):
        went = f" to {shown(location)}" if location else ""
        return f"answered {answer.status}{went}, not with a redirect to {issuer_url}/auth"
    query = {key: values[-1] for key, values in parse_qs(urlsplit(location).query).items()}
    wanted = {
        "client_id": proxy.client,
        "redirect_uri": proxy.redirect_url,
        "response_type": "code",
        "code_challenge_method": "S256",
        "approval_prompt": "auto",
    }
    for key, value in wanted.items():
        if query.get(key) != value:
            return f"sends {key}={shown(query.get(key, ''))}, not {value}"
    for key in ("code_challenge", "nonce", "state"):
        if not query.get(key):
            return f"sends no {key}"
    if not query["state"].endswith(f":{back}"):
        return f"would lead back to {shown(query['state'].partition(':')[2])}, not to {back}"
    return _wrong_cookie(answer, proxy)


def _wrong_cookie(answer: Answer, proxy: Proxy) -> str | None:
    cookies = [
        text for text in answer.all("Set-Cookie") if text.startswith(f"{proxy.cookie}_") and "_csrf=" in text[:200]
    ]
    if not cookies:
        return f"sets no cookie {proxy.cookie}_..._csrf"
    attributes = {part.strip().lower() for part in cookies[0].split(";")[1:]}
    for wanted in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        if wanted.lower() not in attributes:
            return f"sets its cookie without {wanted}"
    if any(each.startswith("domain=") for each in attributes):
        return "sets its cookie for a whole domain"
    return None


def _closed(plan: Plan, workspace: Workspace, proxy: Proxy) -> Check:
    def verdict(replies: tuple[Reply, ...]) -> Verdict:
        if (found := trouble(plan, replies[0], logs(workspace, proxy.name))) is not None:
            return found
        answer = answered(replies[0])
        if answer.status == 401 and answer.get("Location") is None:
            return ok("answers 401 without sign-in")
        return fail(f"answered {answer.status}, not 401", _restart(plan, workspace, proxy.name))

    return Check("sign-in", f"https://{proxy.host}/oauth2/auth", (Request(proxy.host, "/oauth2/auth"),), verdict)


def _discovery(plan: Plan, workspace: Workspace) -> Check:
    public = issuer(plan.stack, workspace)
    host, path = str(urlsplit(public).hostname), "/dex/.well-known/openid-configuration"

    def verdict(replies: tuple[Reply, ...]) -> Verdict:
        if (found := trouble(plan, replies[0], logs(workspace, "dex"))) is not None:
            return found
        answer = answered(replies[0])
        if answer.status != 200:
            return fail(f"answered {answer.status}, not 200", _restart(plan, workspace, "dex"))
        said = _issuer_of(answer.body)
        if said != public:
            return fail(f"says that it is {shown(said)}, not {public}", _restart(plan, workspace, "dex"))
        return ok("is the workspace's own issuer")

    return Check("sign-in", public, (Request(host, path),), verdict)


def _issuer_of(body: bytes) -> str:
    try:
        data = json.loads(body)
    except ValueError:
        return "no JSON"
    return str(data.get("issuer", "nobody")) if isinstance(data, dict) else "no JSON object"


def _ways_back(plan: Plan, workspace: Workspace, proxy: Proxy) -> Check:
    asks = tuple(
        Request(proxy.host, f"/oauth2/{door}?rd={quote(lure, safe='')}")
        for door in ("start", "sign_out")
        for lure in LURES
    )

    def verdict(replies: tuple[Reply, ...]) -> Verdict:
        for request, reply in zip(asks, replies, strict=True):
            if (found := trouble(plan, reply, logs(workspace, proxy.name))) is not None:
                return found
            if leads_away(answered(reply), proxy.host):
                fix = f"{_restart(plan, workspace, proxy.name)}; its whitelist_domains should be {proxy.host} only"
                return fail(f"GET {request.path} leads to {ELSEWHERE}", fix)
        return ok(f"leads nobody to another site ({len(asks)} tries)")

    return Check("sign-in", f"https://{proxy.host}/oauth2/", asks, verdict)


def leads_away(answer: Answer, host: str) -> bool:
    """Whether a redirect, or the way back that it carries, leads to `ELSEWHERE`."""
    location = _as_browsers_read(answer.get("Location") or "")
    query = location.partition("?")[2].partition("#")[0]
    state = parse_qs(query).get("state", [""])[0].partition(":")[2]
    return any(_host_of(target, host).endswith(ELSEWHERE) for target in (location, _as_browsers_read(state)))


def _host_of(target: str, here: str) -> str:
    try:
        return urlsplit(urljoin(f"https://{here}/oauth2/", target)).hostname or ""
    except ValueError:  # what cannot be read may lead anywhere
        return ELSEWHERE


def _as_browsers_read(target: str) -> str:
    """Tabs and line ends are dropped, and backslashes are slashes (url.spec.whatwg.org)."""
    kept = "".join(char for char in target if char not in "\t\r\n").strip()
    path, mark, query = kept.partition("?")
    return path.replace("\\", "/") + mark + query
