"""The visitor: exact requests, no redirect followed, and a reason whenever nothing comes back."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smoke.ask import Answer, NoAnswer, Request
from smoke.plan import Address, address
from smoke.visitor import Certificate, Visitor
from tests.smoke.standin import Quiet, served


class Odd(Quiet):
    """Answers in ways that clients trip over."""

    seen: list[tuple[str, list[tuple[str, str]]]] = []

    def do_GET(self) -> None:  # noqa: N802 - as http.server calls it
        self.seen.append((self.path, self.headers.items()))
        if self.path == "/redirect":
            self.answer(302, b"", {"Location": "/elsewhere"})
        elif self.path == "/large":
            self.answer(200, b"x" * 1_000_000)
        elif self.path == "/stream":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"data: 1\n")
            self.wfile.flush()
            time.sleep(0.5)
        elif self.path == "/broken":
            self.wfile.write(b"nonsense\r\n\r\n")
        elif self.path == "/slow":
            time.sleep(0.5)
        else:
            self.answer(200, b"hello")


@pytest.fixture
def odd() -> Iterator[Address]:
    Odd.seen.clear()
    with served(Odd) as url:
        yield address(url)


def ask(visitor: Visitor, path: str, *headers: tuple[str, str]) -> Answer | NoAnswer:
    return visitor.ask(Request("mcd.example.com", path, headers))


def test_paths_and_header_names_are_sent_as_they_are_written(odd: Address) -> None:
    ask(Visitor(odd), "/a%2Fb/../c?rd=%2F%5C", ("X_Auth_Request_Email", "a"), ("X.Auth.Request.Email", "b"))
    path, headers = Odd.seen[0]
    assert path == "/a%2Fb/../c?rd=%2F%5C"
    assert ("X_Auth_Request_Email", "a") in headers
    assert ("X.Auth.Request.Email", "b") in headers
    assert [value for name, value in headers if name == "Host"] == ["mcd.example.com"]


def test_a_redirect_is_an_answer(odd: Address) -> None:
    found = ask(Visitor(odd), "/redirect")
    assert isinstance(found, Answer)
    assert (found.status, found.get("location")) == (302, "/elsewhere")
    assert [path for path, _ in Odd.seen] == ["/redirect"]


def test_only_the_beginning_of_an_answer_is_read(odd: Address) -> None:
    found = ask(Visitor(odd), "/large")
    assert isinstance(found, Answer)
    assert len(found.body) == 256 * 1024


def test_a_stream_is_answered_by_its_beginning(odd: Address) -> None:
    found = ask(Visitor(odd, timeout=0.2), "/stream")
    assert isinstance(found, Answer)
    assert found.body == b"data: 1\n"


@pytest.mark.parametrize(("path", "kind"), [("/slow", "timeout"), ("/broken", "http")])
def test_what_gives_no_answer_says_why(odd: Address, path: str, kind: str) -> None:
    found = ask(Visitor(odd, timeout=0.2), path)
    assert isinstance(found, NoAnswer)
    assert found.kind == kind


def test_an_address_that_nobody_listens_on_is_asked_once() -> None:
    visitor = Visitor(Address("http", "127.0.0.1", 9))
    first = ask(visitor, "/")
    assert isinstance(first, NoAnswer)
    assert first.kind == "connect"
    assert ask(visitor, "/other") is first


def test_a_name_that_does_not_exist_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "create_connection", unknown)
    found = ask(Visitor(None), "/")
    assert found == NoAnswer("name", "mcd.example.com has no address in the DNS")


def test_nothing_is_asked_when_the_time_is_up(odd: Address) -> None:
    found = ask(Visitor(odd, budget=0.0), "/")
    assert isinstance(found, NoAnswer)
    assert found.kind == "timeout"
    assert Odd.seen == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "10", "-subj", "/CN=mcd.example.com", "-addext", "subjectAltName=DNS:mcd.example.com"),
            *("-keyout", str(file), "-out", str(file.with_suffix(".crt"))),
        ],
        check=True,
        capture_output=True,
    )
    return file


@pytest.fixture
def edge(certificate: Path) -> Iterator[tuple[Address, list[str]]]:
    """Something that speaks TLS, and the names that it was asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.with_suffix(".crt"), certificate)
    names: list[str] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                plain, _ = listener.accept()
                try:
                    with context.wrap_socket(plain, server_side=True) as sock:
                        if sock.recv(65536):
                            sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                except OSError:
                    plain.close()
                    if names and names[-1] == "stop.example.com":
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        where = Address("https", "127.0.0.1", listener.getsockname()[1])
        try:
            yield where, names
        finally:
            Visitor(where).certificate("stop.example.com")
            thread.join()


def test_tls_is_spoken_with_the_name_of_the_route(edge: tuple[Address, list[str]], certificate: Path) -> None:
    where, names = edge
    visitor = Visitor(where, trust=ssl.create_default_context(cafile=str(certificate.with_suffix(".crt"))))
    found = visitor.certificate("mcd.example.com")
    assert isinstance(found, Certificate)
    assert 9 * 86400 < found.expires - time.time() <= 10 * 86400
    answer = ask(visitor, "/")
    assert isinstance(answer, Answer)
    assert answer.status == 204
    assert names == ["mcd.example.com", "mcd.example.com"]


def test_a_certificate_for_another_name_or_from_nobody_is_not_trusted(
    edge: tuple[Address, list[str]], certificate: Path
) -> None:
    where, _ = edge
    known = ssl.create_default_context(cafile=str(certificate.with_suffix(".crt")))
    for visitor, host in ((Visitor(where, trust=known), "team.example.com"), (Visitor(where), "mcd.example.com")):
        found = visitor.certificate(host)
        assert isinstance(found, NoAnswer)
        assert found.kind == "tls"
        assert "not trusted" in found.reason
