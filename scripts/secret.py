"""Set a secret of a stack: ``python -m scripts.secret <stack>``, with its name in ``WARREN_NAME``.

Owns: what a secret may be called, and what a value is: asked for without echo on a terminal, else read from a pipe.
The value goes to the engine through a pipe and nowhere else: no command line, no file, no message.  Does not own:
encryption, and the stack's file, which are the engine's.
"""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO

from config.commands import CLOUDFLARE
from config.fields.secrets import is_secret_name
from config.files.stack_file import before_the_engine
from config.files.written import as_the_engine_would
from config.load import read
from config.mistakes import Mistakes, nearest
from manifests import platform
from scripts.project import PROJECT
from scripts.stack import ENGINE_FILE, look_for, prepare, stack_file

MAX_BYTES = 1_000_000
"""A Secret of Kubernetes holds one MiB, keys and all."""

_PASSPHRASE = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


def stop(text: str) -> SystemExit:
    """Return the exit of a command that changed nothing."""
    return SystemExit(f"secret: {text}")


def check_name(name: str, *, sandbox: bool) -> None:
    """Refuse what is no secret's name, without repeating it: people paste values.

    Raises:
        SystemExit: it is none, or a sandbox has no use for it.
    """
    if not name:
        raise stop("say which: make secret NAME=web-db-password STACK=home")
    if name == CLOUDFLARE and sandbox:
        raise stop(
            f"a sandbox uses no {CLOUDFLARE}; name the stack that does: make secret NAME={CLOUDFLARE} STACK=home"
        )
    if name != CLOUDFLARE and not is_secret_name(name):
        raise stop(
            "NAME is not a secret's name: a-z, 0-9 and -, such as web-db-password; leave the value out, it is asked for"
        )


def advice(name: str, stack: str, named: Collection[str], *, sandbox: bool) -> Iterator[str]:
    """What to think of before a value is given.

    Args:
        name: The secret.
        stack: The stack's name.
        named: Every secret that the stack's workspaces name.
        sandbox: Whether the stack is a sandbox.
    """
    if sandbox:
        yield f"the passphrase of {stack} is public: any value does, and a real one belongs elsewhere (STACK=home)"
    if name != CLOUDFLARE and name not in named:
        near = nearest(name, sorted(named))
        own = "; a workspace's secrets start with its name and a dash, and it names them: { secret: NAME }"
        yield f"no workspace of {stack} reads {name}{near or own}"


def from_pipe(stream: BinaryIO) -> str:
    """Read a value to its end.

    The newline that ends a value of one line is not part of it: `echo` writes it. A key or a certificate of several
    lines is kept as it is, as `kubectl create secret --from-file` does; OpenSSH takes no key without its last newline.

    Raises:
        ValueError: what comes is no value.
    """
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError("the value is larger than 1 MB, and a Secret of Kubernetes holds no more")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ValueError("the value is not UTF-8 text; encode it first (base64), and decode it in the app") from None
    line, end, rest = text.partition("\n")
    return checked(line.removesuffix("\r") if end and not rest else text)


def from_terminal(name: str) -> str:
    """Ask for a value of one line, without echo.

    Raises:
        ValueError: what was typed is no value.
    """
    value = getpass.getpass(f"Value of {name} (not shown): ")
    if value.startswith("-----BEGIN "):
        raise ValueError(f"a key has several lines; give its file: make secret NAME={name} STACK=... < key.pem")
    return checked(value)


def checked(value: str) -> str:
    """Return a value that is one.

    Raises:
        ValueError: it is blank, or holds what no variable of a process can.
    """
    if not value.strip():
        raise ValueError("the value is empty")
    if "\0" in value:
        raise ValueError("the value has a zero byte in it; encode it first (base64), and decode it in the app")
    return value


def passphrase(stack: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Ask for the stack's passphrase where the engine would, had it not the value on its standard input."""
    if any(environment.get(key) is not None for key in _PASSPHRASE):
        return {}
    file = read(stack_file(stack, PROJECT), "").data
    if not isinstance(file, dict) or "encryptionsalt" not in file:
        return {}
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return {}  # nobody to ask; the engine says how else it can be given
    return {_PASSPHRASE[0]: getpass.getpass(f"Passphrase of the stack {stack} (not shown): ")}


def main(stack: str, name: str) -> int:
    """Set a secret and return the engine's exit code."""
    if mistakes := before_the_engine(PROJECT, stack):
        raise Mistakes(mistakes)
    sandbox = look_for(stack, PROJECT)
    check_name(name, sandbox=sandbox)
    named = platform.readers(PROJECT, stack, as_the_engine_would(PROJECT, stack).config)
    for line in advice(name, stack, named, sandbox=sandbox):
        print(f"secret: {line}", file=sys.stderr)
    try:
        value = from_terminal(name) if sys.stdin.isatty() else from_pipe(sys.stdin.buffer)
    except ValueError as refused:
        raise stop(f"{refused}; nothing was changed") from None
    engine = json.loads(ENGINE_FILE.read_text(encoding="utf-8"))
    key = [CLOUDFLARE] if name == CLOUDFLARE else ["--path", f"secrets.{name}"]
    words = ["config", "set", "--secret", "--raw", *key, "--non-interactive"]
    environment = prepare(words, stack, engine, sandbox=sandbox)
    if not sandbox:
        environment |= passphrase(stack, environment)
    done = subprocess.run(
        [engine["path"], *words],
        cwd=PROJECT,
        env=environment,
        input=value.encode(),
        stderr=subprocess.PIPE,
        check=False,
    )
    sys.stderr.write(said := done.stderr.decode(errors="replace"))
    if "no stack " in said:
        print(
            f"secret: {stack} has to be made once: make pulumi ARGS='stack init {stack}' STACK={stack}", file=sys.stderr
        )
    if done.returncode == 0:
        readers = f", read by {', '.join(named[name])}" if name in named else ""
        print(f"{stack_file(stack, PROJECT).name} has {name} now, encrypted{readers}")
    return done.returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], os.environ.pop("WARREN_NAME", "")))
    except Mistakes as found:
        raise SystemExit(str(found)) from None
    except (KeyboardInterrupt, EOFError):
        raise SystemExit("\nsecret: nothing was changed") from None
