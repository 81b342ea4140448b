"""What `make secret` takes for a name and for a value, and what it says before it asks."""

from __future__ import annotations

import io

import pytest

from scripts import secret


@pytest.mark.parametrize("name", ["web-db-password", "mcd-entra-client-secret", "cloudflare:apiToken"])
def test_a_secret_s_name_is_taken(name: str) -> None:
    secret.check_name(name, sandbox=False)


@pytest.mark.parametrize(
    "name",
    ["a.b", "a[0]", 'a"]', "A", "-a", "a\nb", "a b", "$(x)", "`x`", "warren:secrets.a", "cloudflare:apiKey", "a" * 21],
)
def test_what_is_no_secret_s_name_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(SystemExit, match="NAME is not a secret's name") as refused:
        secret.check_name(name, sandbox=False)
    assert len(name) < 3 or name not in str(refused.value)


def test_no_name_and_the_token_of_a_sandbox_are_refused() -> None:
    with pytest.raises(SystemExit, match="say which: make secret NAME="):
        secret.check_name("", sandbox=False)
    with pytest.raises(SystemExit, match="a sandbox uses no cloudflare:apiToken"):
        secret.check_name("cloudflare:apiToken", sandbox=True)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b" spaces stay \n", " spaces stay "),
        (b"key\nof lines\n", "key\nof lines\n"),
        (b"key\nof lines", "key\nof lines"),
        (b"key\r\nof lines\r\n", "key\r\nof lines\r\n"),
        (b'{\n  "a": 1\n}\n', '{\n  "a": 1\n}\n'),
        (b'it\'s $(made) "up" `value`\\n', 'it\'s $(made) "up" `value`\\n'),
        ("schlüssel\n".encode(), "schlüssel"),
    ],
)
def test_a_value_of_one_line_loses_its_newline_and_one_of_several_is_kept(given: bytes, value: str) -> None:
    assert secret.from_pipe(io.BytesIO(given)) == value


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b" \n\n", "is empty"),
        (b"a\0b", "zero byte"),
        (b"\xff\xfehunter2", "not UTF-8 text"),
        (b"a" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_what_is_no_value_is_refused_and_not_repeated(given: bytes, answer: str) -> None:
    with pytest.raises(ValueError, match=answer) as refused:
        secret.from_pipe(io.BytesIO(given))
    assert "hunter2" not in str(refused.value)


def test_an_endless_pipe_is_not_read_to_its_end() -> None:
    class Endless(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert size > 0, "it was read to its end"
            return b"a" * size

    with pytest.raises(ValueError, match="larger than 1 MB"):
        secret.from_pipe(Endless())


def test_the_first_line_of_a_pasted_key_is_not_taken_for_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda _: "-----BEGIN OPENSSH PRIVATE KEY-----")
    with pytest.raises(ValueError, match=r"make secret NAME=git-deploy-key STACK=\.\.\. < key\.pem"):
        secret.from_terminal("git-deploy-key")


def test_a_name_that_nobody_reads_is_told_with_the_one_that_was_meant() -> None:
    named = ("mcd-entra-client-secret", "web-db-password")
    assert list(secret.advice("web-db-password", "home", named, sandbox=False)) == []
    assert list(secret.advice("cloudflare:apiToken", "home", named, sandbox=False)) == []
    [near] = secret.advice("web-db-pasword", "home", named, sandbox=False)
    assert near == "no workspace of home reads web-db-pasword, did you mean web-db-password?"
    [far] = secret.advice("smtp", "home", named, sandbox=False)
    assert "start with its name and a dash" in far


def test_a_sandbox_is_to_get_no_real_secret() -> None:
    [said] = secret.advice("web-db-password", "sandbox", ("web-db-password",), sandbox=True)
    assert "the passphrase of sandbox is public" in said
