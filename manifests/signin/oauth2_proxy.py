"""OAuth2-Proxy's settings, each with the security rule that asks for it. Pure: a workspace in, a config file out.

Owns the config file, the list of admitted e-mails and the names of the two secret variables; pods are made elsewhere.
Source: pkg/apis/options/*.go of oauth2-proxy v7.15.3; docs/features/endpoints.md for what it serves under /oauth2.

What an app reads: `X-Auth-Request-Email`, `-Preferred-Username` and `-Groups` as the provider gave them, and `-User`,
which is Dex's subject: opaque, the same for one person at one provider while the provider's `id` stays, and so the
right key for an app's own records (an e-mail address can change). All four come from the session, and
`session_cookie_minimal` drops only the tokens (pkg/sessions/cookie/session_store.go:105).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping

from config.signin import Allow, Auth
from config.stack import Stack
from config.workspace import Workspace
from manifests.signin.signin import PROXY_PORT, Proxy, back_channel, issuer, wants_groups

METRICS_PORT = 44180
CONFIG_DIRECTORY = "/etc/oauth2-proxy"
CONFIG_FILE = "oauth2-proxy.cfg"
EMAILS_FILE = "emails.csv"
COOKIE_SECRET_ENV, CLIENT_SECRET_ENV = "OAUTH2_PROXY_COOKIE_SECRET", "OAUTH2_PROXY_CLIENT_SECRET"
SIGN_IN_MINUTES = 15
"""How long a person may take at the provider; the CSRF cookie and Dex's request live as long as each other.

OAuth2-Proxy's own default. Anybody can begin a sign-in, and Dex keeps a record of each for so long."""

Option = str | bool | int | tuple[str, ...]


def options(stack: Stack, workspace: Workspace, auth: Auth, proxy: Proxy) -> dict[str, Option]:
    """The whole configuration but for the two secrets, which come by environment."""
    return {
        "http_address": f"0.0.0.0:{PROXY_PORT}",
        "metrics_address": f"0.0.0.0:{METRICS_PORT}",  # rule 14
        # Rule 4. Unset, trusted_proxy_ips is everybody; the NetworkPolicy narrows it to the ingress controller.
        "reverse_proxy": True,
        "trusted_proxy_ips": (stack.cluster.podCidr,),
        "real_client_ip_header": "CF-Connecting-IP",  # rule 30: for the log only
        **_provider(stack, workspace, auth, proxy),
        **_admission(auth.allow),
        **_session(auth, proxy),
        # Rule 12. The defaults of pass_basic_auth and pass_user_headers are true.
        "set_xauthrequest": True,
        "pass_access_token": False,
        "pass_authorization_header": False,
        "pass_basic_auth": False,
        "pass_user_headers": False,
        # Nothing is proxied: the ingress controller asks /oauth2/auth and talks to the app itself (rule 13).
        "upstreams": ("static://202",),
        "skip_provider_button": True,
        "footer": "-",
        # The request log would hold the authorization code of every callback; sign-ins are logged without it.
        "request_logging": False,
        "auth_logging": True,
    }


def _provider(stack: Stack, workspace: Workspace, auth: Auth, proxy: Proxy) -> dict[str, Option]:
    public, inside = issuer(stack, workspace), back_channel(workspace)
    return {
        "provider": "oidc",
        "client_id": proxy.client,
        "redirect_url": proxy.redirect_url,
        # Rule 17: people go to the public address, the proxy itself stays inside; `iss` is still verified.
        "skip_oidc_discovery": True,
        "oidc_issuer_url": public,
        "login_url": f"{public}/auth",
        "redeem_url": f"{inside}/token",
        "oidc_jwks_url": f"{inside}/keys",
        "scope": "openid email profile groups" if wants_groups(workspace, auth) else "openid email profile",
        # Rule 9. Unset, the nonce is not checked, and approval_prompt is "force": Dex would ask at every sign-in.
        "insecure_oidc_skip_nonce": False,
        "code_challenge_method": "S256",
        "approval_prompt": "auto",
        "whitelist_domains": (proxy.host,),
    }


def _admission(allow: Allow) -> dict[str, Option]:
    # Rule 8: domains and the file are an "or", so there is never more than one of them; groups narrow either down.
    groups: dict[str, Option] = {"allowed_groups": allow.groups} if allow.groups else {}
    if allow.emails:
        return {"authenticated_emails_file": f"{CONFIG_DIRECTORY}/{EMAILS_FILE}", **groups}
    if allow.emailDomains:
        return {"email_domains": allow.emailDomains, **groups}
    if not groups and not allow.directory:
        raise ValueError("nobody is named in `allow`, and an empty list would admit everyone")
    return {"email_domains": ("*",), **groups}


def _session(auth: Auth, proxy: Proxy) -> dict[str, Option]:
    return {
        # Rule 5: no cookie_domains, so that __Host- holds.
        "cookie_name": proxy.cookie,
        "cookie_path": "/",
        "cookie_secure": True,
        "cookie_httponly": True,
        "cookie_samesite": "lax",
        # Rule 10: nothing is rechecked before it ends, and Traefik would drop a refreshed cookie.
        "cookie_expire": auth.session,
        "cookie_refresh": "0s",
        "session_store_type": "cookie",
        "session_cookie_minimal": True,
        # Rule 11: parallel tabs, but not without bound.
        "cookie_csrf_per_request": True,
        "cookie_csrf_per_request_limit": 5,
        "cookie_csrf_expire": f"{SIGN_IN_MINUTES}m",
    }


def emails_file(allow: Allow) -> str | None:
    """The admitted addresses as the CSV that OAuth2-Proxy reads (validator.go:48); None without `allow.emails`.

    Every address is quoted: bare, a `#` would start a comment and a `"` would make it refuse the whole file.
    """
    if not allow.emails:
        return None
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([email] for email in sorted(allow.emails))
    return text.getvalue()


def cookie_secret(base64: str) -> str:
    """32 random bytes in the one spelling that OAuth2-Proxy decodes.

    It knows the URL-safe alphabet only (pkg/encryption/utils.go:24): with a `+` or `/` the text itself would be the
    key, and 44 bytes are no AES key, so it would not start.
    """
    return base64.translate(str.maketrans("+/", "-_"))


def render(settings: Mapping[str, Option]) -> str:
    """The settings as TOML, in their order."""
    return "".join(f"{key} = {_toml(value)}\n" for key, value in settings.items())


def _toml(value: Option) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        # A TOML basic string is a JSON string, but for DEL, which TOML wants escaped too.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"[{', '.join(map(_toml, value))}]"
