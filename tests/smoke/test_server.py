"""The API server asked by a stranger: a real TLS server with certificates of openssl's."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from smoke import run, server
from smoke.ask import Answer, NoAnswer, Request
from smoke.checks import certificates, clocks, routes
from smoke.checks.clocks import LIMIT
from smoke.cluster import Kubectl
from smoke.plan import Address, Plan
from smoke.server import Entry, Server, Unknown
from smoke.visitor import Visitor
from tests.smoke.conftest import World
from tests.smoke.standin import Quiet, _Server, served
from tests.smoke.test_checks import answer

DAY = 86400


def make(folder: Path, days: int) -> Path:
    """A key and a certificate of its own, for 127.0.0.1."""
    pem = folder / f"{days}.pem"
    subject = ["-subj", "/CN=k3s", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / f"{days}.key"), "-out", str(pem)]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, "-days", str(days), *subject],
        check=True,
        capture_output=True,
    )
    return pem


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a certificate for 200 days and one for 20."""
    folder = tmp_path_factory.mktemp("certificates")
    make(folder, 200)
    make(folder, 20)
    return folder


@dataclass
class Api:
    """A server that shows a certificate, says what its clock says, and answers 401 to everybody."""

    port: int
    off: float = 0.0
    says: bool = True


@pytest.fixture
def api(folder: Path) -> Iterator[Api]:
    found = Api(0)

    class Answers(Quiet):
        def do_GET(self) -> None:  # noqa: N802 - as http.server calls it
            assert "Authorization" not in self.headers
            self.answer(401)

        def date_time_string(self, timestamp: float | None = None) -> str:
            assert timestamp is None
            return super().date_time_string(time.time() + found.off)

        def send_header(self, keyword: str, value: str) -> None:
            if keyword != "Date" or found.says:
                super().send_header(keyword, value)

    handler: type[BaseHTTPRequestHandler] = Answers
    with _Server(("127.0.0.1", 0), handler) as https:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "200.pem", folder / "200.key")
        https.socket = context.wrap_socket(https.socket, server_side=True)
        found.port = https.server_address[1]
        thread = threading.Thread(target=https.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            https.shutdown()
            thread.join()


def kubeconfig(path: Path, api: Api, folder: Path, **user: Any) -> Path:
    """As k3s writes it: everything inside."""
    data = base64.b64encode((folder / "200.pem").read_bytes()).decode()
    cluster = {"server": f"https://127.0.0.1:{api.port}", "certificate-authority-data": data}
    own = user or {"client-certificate-data": base64.b64encode((folder / "20.pem").read_bytes()).decode()}
    config = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"client-key-data": "bm90IHJlYWQ=", **own}}],
        "contexts": [{"name": "home", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(json.dumps(config), "utf-8")
    return path


def test_a_kubeconfig_says_the_way_and_how_long_it_signs_in(api: Api, folder: Path, tmp_path: Path) -> None:
    way = server.entry(kubeconfig(tmp_path / "config", api, folder), "home")
    assert (way.host, way.port, way.name) == ("127.0.0.1", api.port, "127.0.0.1")
    assert way.ends is not None
    assert abs(way.ends - time.time() - 20 * DAY) < 3600
    assert "bm90IHJlYWQ=" not in repr(way)


def test_files_beside_a_kubeconfig_are_found_and_a_token_is_no_certificate(
    api: Api, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.pem").write_bytes((folder / "200.pem").read_bytes())
    beside = server.entry(kubeconfig(tmp_path / "a", api, folder, **{"client-certificate": "own.pem"}), "home")
    assert beside.ends is not None
    assert abs(beside.ends - time.time() - 200 * DAY) < 3600
    token = server.entry(kubeconfig(tmp_path / "b", api, folder, token="a-token"), "home")
    assert token.ends is None
    assert "a-token" not in repr(token)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "contexts: []",
        json.dumps({"contexts": [{"name": "home", "context": {"cluster": "c", "user": "u"}}], "clusters": []}),
        json.dumps(
            {
                "contexts": [{"name": "home", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
                "users": [{"name": "u", "user": {"client-certificate-data": "bm9uc2Vuc2U="}}],
            }
        ),
    ],
)
def test_what_is_no_kubeconfig_is_said_and_nothing_breaks(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text, "utf-8")
    with pytest.raises(Unknown):
        server.entry(tmp_path / "config", "home")


def test_the_end_of_a_certificate_is_what_openssl_says(folder: Path) -> None:
    for days in (20, 200):
        pem = folder / f"{days}.pem"
        said = subprocess.run(
            ["openssl", "x509", "-noout", "-enddate", "-in", str(pem)], capture_output=True, text=True, check=True
        ).stdout
        assert server.ends(pem.read_text()) == ssl.cert_time_to_seconds(said.strip().removeprefix("notAfter="))
    far = make(folder, 40_000)  # after 2049 dates have four digits of year
    assert server.ends(far.read_text()) > time.time() + 39_000 * DAY
    whole = (folder / "20.pem").read_text()
    for broken in ("", "nonsense", whole.replace("MII", "AAA", 1), f"{whole[:200]}\n-----END CERTIFICATE-----"):
        with pytest.raises(ValueError, match="is not a certificate"):
            server.ends(broken)


def test_the_server_shows_its_certificate_and_its_clock_to_a_stranger(api: Api, folder: Path, tmp_path: Path) -> None:
    way = server.entry(kubeconfig(tmp_path / "config", api, folder), "home")
    for off in (0, 90, -3600):
        api.off = off
        seen = server.ask(way)
        assert abs(seen.ends - time.time() - 200 * DAY) < 3600
        assert seen.ahead is not None
        assert abs(seen.ahead - off) < 5
    api.says = False
    assert server.ask(way).ahead is None


def test_a_server_that_is_not_trusted_or_not_there_is_told_apart(api: Api, folder: Path) -> None:
    good = Entry("127.0.0.1", api.port, "127.0.0.1", (folder / "200.pem").read_text(), None)
    with pytest.raises(ssl.SSLCertVerificationError):
        server.ask(Entry(good.host, good.port, good.name, (folder / "20.pem").read_text(), None))
    with pytest.raises(ssl.SSLCertVerificationError):
        server.ask(Entry(good.host, good.port, "10.0.0.50", good.authority, None))
    with pytest.raises(Unknown, match="does not answer"):
        server.ask(Entry("127.0.0.1", 9, good.name, good.authority, None))


def test_a_run_says_how_long_the_certificates_last_and_whose_clock_is_wrong(
    world: World, api: Api, folder: Path, tmp_path: Path
) -> None:
    config = str(kubeconfig(tmp_path / "config", api, folder))
    code, checks = world.checked("--kubeconfig", config)
    assert code == 0
    assert checks["certificates", "API server"]["reason"] == "has a certificate for 199 more days"
    own = checks["certificates", "kubeconfig"]
    assert (own["status"], own["reason"]) == ("warn", "has a certificate that ends in 19 days")
    assert "docs/nodes.md, Certificates" in own["fix"]
    assert checks["clocks", "API server"]["reason"] == "agrees with this machine's"
    api.off = 3600
    code, checks = world.checked("--kubeconfig", config)
    assert code == 1
    assert checks["clocks", "API server"]["reason"].endswith("s ahead of this machine's")
    assert "docs/nodes.md" in checks["clocks", "API server"]["fix"]


@pytest.mark.parametrize(
    ("days", "status"), [(-1, "fail"), (0.5, "fail"), (6, "fail"), (8, "warn"), (29, "warn"), (31, "ok"), (365, "ok")]
)
def test_a_certificate_of_k3s_has_to_last_a_month(days: float, status: str) -> None:
    way = Entry("h", 1, "h", None, days * DAY)
    for found in (certificates.judge_client(way, 0), certificates.judge_server(Server(days * DAY, None), 0)):
        assert (found.status, bool(found.fix)) == (status, status != "ok")
    assert certificates.judge_client(Entry("h", 1, "h", None, None), 0).status == "ok"


@pytest.mark.parametrize(
    ("here", "there", "of_here", "of_there"),
    [
        (0.0, 0.0, "ok", "ok"),
        # This machine's clock is wrong, and the API server's is not.
        (300.0, 300.0, "fail", "ok"),
        (-300.0, -300.0, "fail", "ok"),
        (0.0, 300.0, "ok", "fail"),
        (300.0, 0.0, "fail", "fail"),
        (None, 0.0, "skip", "ok"),
        (None, -300.0, "skip", "fail"),
        (float(LIMIT), -1.0, "ok", "fail"),
    ],
)
def test_the_clock_that_is_wrong_is_the_one_that_is_named(
    here: float | None, there: float, of_here: str, of_there: str
) -> None:
    """Cloudflare's seconds before this machine's, and the API server's."""
    assert clocks.judge_here(here).status == of_here
    assert clocks.judge_server(Server(0, there), here).status == of_there


def test_a_clock_behind_is_not_called_ahead() -> None:
    assert clocks.judge_here(300).reason == "is 300 s behind Cloudflare's"
    assert clocks.judge_here(-300).reason == "is 300 s ahead of Cloudflare's"


PLAIN: list[tuple[Answer | NoAnswer, str]] = [
    (answer(301, Location="https://mcd.example.com/"), "ok"),
    (answer(308, Location="https://mcd.example.com/"), "ok"),
    (NoAnswer("connect", "refused"), "ok"),
    (answer(200), "fail"),
    (answer(302, Location="http://mcd.example.com/oauth2/start"), "fail"),
    (answer(301, Location="https://elsewhere.example.com/"), "fail"),
    (answer(301), "fail"),
    (answer(404), "fail"),
    (NoAnswer("name", "no address"), "fail"),
]


@pytest.mark.parametrize(("reply", "status"), PLAIN)
def test_without_tls_everybody_is_sent_to_https(plan: Plan, reply: Answer | NoAnswer, status: str) -> None:
    found = routes.judge_plain(plan, "mcd.example.com", reply)
    assert (found.status, bool(found.fix)) == (status, status != "ok")


class Nearby(Visitor):
    """Finds every host at one address, as the internet would, and asks it as the internet is asked."""

    def __init__(self, there: Address) -> None:
        super().__init__(None)
        self.there, self.dialled = there, set[tuple[str, str, int]]()

    def _connected(self, where: Address, host: str, seconds: float) -> Any:
        self.dialled.add((where.scheme, where.host, where.port))
        return super()._connected(self.there, host, seconds)

    def certificate(self, host: str) -> NoAnswer:
        return NoAnswer("tls", "has none here")


def test_the_edge_is_asked_by_http_as_a_browser_would(plan: Plan) -> None:
    seen: list[dict[str, str]] = []

    class Edge(Quiet):
        def do_GET(self) -> None:  # noqa: N802 - as http.server calls it
            seen.append(dict(self.headers.items()))
            self.answer(301, b"", {"Location": f"https://{self.headers['Host']}/"})

    with served(Edge) as url:
        visitor = Nearby(Address("http", "127.0.0.1", int(url.rpartition(":")[2])))
        for check in routes.plain(plan):
            assert check.judge(tuple(visitor.ask(each) for each in check.asks)).status == "ok"
        begun = time.time()
        reply = visitor.ask(clocks.asks(plan))
        visitor.ask(Request("mcd.example.com", "/"))
    assert {("http", host, 80) for host in plan.platform.hosts} <= visitor.dialled
    assert ("https", "mcd.example.com", 443) in visitor.dialled
    assert not any("CF-Connecting-IP" in headers for headers in seen), "that is for the edge itself to say"
    difference = clocks.edge_ahead(reply, begun)
    assert difference is not None
    assert abs(difference) < 5
    assert clocks.edge_ahead(NoAnswer("connect", "x"), 0) is None


def test_a_run_through_the_edge_asks_each_host_by_http_too(plan: Plan, tmp_path: Path) -> None:
    class Edge(Quiet):
        def do_GET(self) -> None:  # noqa: N802 - as http.server calls it
            self.answer(200, b"hello")

    with served(Edge) as url:
        visitor = Nearby(Address("http", "127.0.0.1", int(url.rpartition(":")[2])))
        kubectl = Kubectl(None, None, "home")
        found = {(each.group, each.name): each for each in run.examine(plan, visitor, kubectl, None)}
    assert {found["routes", f"http://{host}"].status for host in plan.platform.hosts} == {"fail"}
    assert found["clocks", "this machine"].status == "ok"
    assert ("routes", "http:// of all hosts") not in found
