"""Routes that lead elsewhere, in a real Traefik: where to, and that no request chooses the place."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.live.conftest import Live
from tests.live.visitor import Header

WWW, OPEN, PAGES = "www.example.com", "example.com", "pages.example.com"
AWAY = "https://elsewhere.example:8443/x/%C3%A4?a=b&c=d"


@pytest.mark.parametrize(
    ("host", "asked", "where", "codes"),
    [
        (WWW, "/", "https://example.com/", (301, 308)),
        (WWW, "/a/b?c=d&e=%2F", "https://example.com/a/b?c=d&e=%2F", (301, 308)),
        (OPEN, "/old", "https://example.com/about?from=old", (302, 307)),
        (OPEN, "/old/deep?x=y", "https://example.com/about?from=old", (302, 307)),
        (PAGES, "/away/z", AWAY, (302, 307)),
        (OPEN, "/.well-known/carddav", "https://example.com/upload/dav", (302, 307)),
    ],
)
def test_a_redirect_leads_where_the_file_says(
    live: Live, host: str, asked: str, where: str, codes: tuple[int, int]
) -> None:
    for method, code in zip(("GET", "POST"), codes, strict=True):
        reply = live.visitor().get(host, asked, method=method, body=b"a=b" if method == "POST" else None)
        assert (reply.status, reply.location, reply.app) == (code, where, None)
        assert reply.header("Cloudflare-CDN-Cache-Control") == "no-store"


def test_other_hosts_and_paths_of_the_app_are_served(live: Live) -> None:
    for host, path in ((PAGES, "/"), (PAGES, "/old"), (OPEN, "/about"), (OPEN, "/oldest")):
        assert live.visitor().get(host, path).app == "open/site"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/x",
        "///evil.example",
        "/\\evil.example",
        "/%5c%5cevil.example",
        "/@evil.example",
        "/.evil.example",
        "/%0d%0aSet-Cookie:%20a=b",
        "/%0aLocation:%20https://evil.example",
        "/x%E5%98%8A%E5%98%8DSet-Cookie:a=b",
        "/..//evil.example",
        "/%2e%2e//evil.example",
        "/$1${1}$host",
        "/?https://evil.example",
        "/#@evil.example",
        "https://evil.example/x",
        "http://evil.example/x",
        "http://evil.example?x",
        "http://www.example.com@evil.example/",
        ".evil.example/",
        "@evil.example",
        "*",
    ],
)
@pytest.mark.parametrize("host", [WWW, f"{WWW}:443", f"{WWW}."])
def test_no_target_leads_to_another_host_or_writes_a_header(live: Live, host: str, target: str) -> None:
    who = live.visitor()
    reply = who.exactly(f"GET {target} HTTP/1.1", [("Host", host), *who.added()])
    assert reply.app is None
    assert reply.all("Set-Cookie") == []
    assert reply.status in (301, 400, 403, 404, 418), reply
    if reply.location is not None:
        assert (urlsplit(reply.location).scheme, urlsplit(reply.location).netloc) == ("https", "example.com")


@pytest.mark.parametrize(
    "header",
    [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Uri", "//evil.example"),
        ("X-Original-Url", "https://evil.example"),
        ("X-Forwarded-Prefix", "//evil.example"),
        ("Forwarded", "host=evil.example;proto=http"),
    ],
)
def test_no_header_leads_to_another_place(live: Live, header: Header) -> None:
    for host, asked, where in (
        (WWW, "/a", "https://example.com/a"),
        (OPEN, "/old", "https://example.com/about?from=old"),
    ):
        assert live.visitor().get(host, asked, header).location == where


def test_a_target_with_a_host_of_somebody_else_leads_nowhere(live: Live) -> None:
    for host in ("www.example.com@evil.example", "www.example.com, evil.example", "evil.example"):
        assert live.visitor().get(host, "/a").status in (400, 404, 421)
