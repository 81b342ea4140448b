"""Run Pulumi on one stack: ``python -m scripts.stack preview|up|destroy|config|pulumi <stack>``.

Owns: the environment of the sandbox stacks, which is all inside the project, the little that other stacks need, and
what is said before the engine would fail in words that do not help.  ``config`` and ``pulumi`` take the rest of their
command line from ``WARREN_ARGS``.  Does not own: anything a plain ``pulumi`` command needs; the same commands work
without this file wherever Pulumi is installed.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from config.files.stack_file import before_the_engine, file_of, last_part, stacks
from config.load import child
from config.mistakes import Mistakes
from scripts import changes, event_log
from scripts.git import is_true
from scripts.project import PROJECT, WARREN
from scripts.tree import draw

STATE = PROJECT / ".state"
ENGINE_FILE = WARREN / ".tools" / "engine.json"

SANDBOX_PASSPHRASE = "warren-sandbox"  # noqa: S105 (see below)
"""Public by design: it encrypts the demo secrets of Pulumi.sandbox.yaml, which open nothing."""

_KEY = "warren:sandbox"
_SANDBOX_LINE = re.compile(rf"""^\s+["']?{_KEY}["']?:\s*["']?true["']?\s*(#.*)?$""", re.MULTILINE)
_SPELLINGS = {spelt: word for word in ("true", "false") for spelt in (word, word.title(), word.upper())}
_PROJECT_LINE = re.compile(r"^name:\s*(\S+)", re.MULTILINE)
_RUN_THE_PROGRAM = ("preview", "up", "update", "destroy", "refresh", "import", "watch")
_WITH_A_VALUE = ("--type", "--stack", "-s", "--config-file", "--cwd", "-C", "--color", "--verbose", "-v")
"""The flags of ``pulumi config set`` whose next word is theirs."""


def stop(text: str) -> SystemExit:
    """Return the exit of a command that would not work, before anything is done."""
    return SystemExit(f"stack: {text}")


def is_sandbox(stack_file: Path) -> bool:
    """Say whether the stack's own file says ``warren:sandbox: true``; nothing else makes a stack a sandbox.

    The engine's reading counts: of the words that YAML once had for it, it takes ``true``, ``True`` and ``TRUE``.

    Raises:
        ValueError: the file says something for which the engine has no reading.
    """
    if not stack_file.is_file():
        return False
    text = stack_file.read_text(encoding="utf-8")
    try:
        file = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError:
        # Its other lines will be told by the engine, in the environment that this one asks for.
        return _SANDBOX_LINE.search(text) is not None
    found = child(child(file, "config"), _KEY)
    if found is None:
        return False
    if isinstance(found, yaml.ScalarNode):
        # In quotes it is text, of which the engine takes one spelling only.
        word = found.value if found.style else _SPELLINGS.get(found.value, "")
        if word in ("true", "false"):
            return word == "true"
    raise ValueError(f"{stack_file.name}:{found.start_mark.line + 1}: {_KEY}: write true or false")


def sandbox_environment(root: Path, base: dict[str, str]) -> dict[str, str]:
    """Return the environment in which the stand-ins serve: without the user's own Pulumi, cluster and accounts."""
    state = root / ".state"
    kept = {
        key: value
        for key, value in base.items()
        if not key.startswith(("PULUMI_", "CLOUDFLARE_")) and key not in ("KUBECONFIG",)
    }
    return kept | {
        "PULUMI_HOME": str(state / "pulumi-home"),
        # The engine writes its state by rename, but the metadata file beside it in place: killed just then it cannot
        # read the state again ("failed to load checkpoint: EOF").  The state needs no such file.
        "PULUMI_BACKEND_URL": f"file://{state / 'backend'}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": SANDBOX_PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # A plugin on PATH would come before the sandbox's own, with a warning in every preview.
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        # A plugin that is missing is a mistake to report, not a reason to reach for the network.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def user_environment(base: dict[str, str]) -> dict[str, str]:
    """Return the user's environment; with a file backend in the home directory where nothing else was ever chosen."""
    if "PULUMI_BACKEND_URL" in base:
        return base
    try:
        logged_in = bool(json.loads((_home(base) / "credentials.json").read_text(encoding="utf-8")).get("current"))
    except (OSError, ValueError):
        logged_in = False
    # Never inside the project: `git clean -fdx` must not be able to lose a platform.
    return base if logged_in else base | {"PULUMI_BACKEND_URL": "file://~"}


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")


def arguments(command: str, text: str, *, sandbox: bool) -> list[str]:
    """Return the Pulumi arguments: of a command of the Makefile, or for ``config`` and ``pulumi`` those in ``text``.

    Raises:
        SystemExit: ``text`` is empty, cannot be read, or has a secret's value in it.
    """
    if command not in ("config", "pulumi"):
        # Outputs stand below the tables, say the same again and are ten times as long; `stack output` prints them.
        # Only the sandbox is changed without a question.
        unasked = ["--yes", "--skip-preview"] if sandbox and command != "preview" else []
        return [command, "--suppress-outputs", *unasked]
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise stop(f"ARGS cannot be read: {error}") from None
    if command == "config":
        words = ["config", *words]
    if not words:
        raise stop("say what to run: make pulumi ARGS='stack output routes'")
    if _gives_a_secret_away(words):
        raise stop(
            "a secret's value does not belong on a command line, where the shell's history and other users see it;\n"
            "leave it out: Pulumi asks for it, or reads it from a pipe"
        )
    return words


def _gives_a_secret_away(words: Sequence[str]) -> bool:
    secret = any(word.partition("=")[0] == "--secret" for word in words)
    plain = [
        word
        for before, word in zip(["", *words], words, strict=False)
        if not word.startswith("-") and before not in _WITH_A_VALUE
    ]
    return secret and (plain[:2] == ["config", "set-all"] or (plain[:2] == ["config", "set"] and len(plain) > 3))


def language_host(engine: Mapping[str, str], environment: Mapping[str, str]) -> bool:
    """Say whether this engine finds a ``pulumi-language-python``: beside itself, on PATH, or as a plugin."""
    name = "pulumi-language-python"
    return (
        Path(engine["path"]).resolve().with_name(name).is_file()
        or shutil.which(name) is not None
        or any(_home(environment).glob(f"plugins/language-python-v*/{name}"))
    )


def checkpoint_of(root: Path, stack: str) -> Path:
    """Return the file in which the engine keeps the state of a sandbox stack."""
    project = _PROJECT_LINE.search((root / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert project is not None, "Pulumi.yaml names the project"
    return root / ".state" / "backend" / ".pulumi" / "stacks" / project.group(1) / f"{last_part(stack)}.json"


def is_readable(checkpoint: Path) -> bool:
    """Say whether a state is whole: a full disk leaves the beginning of one, or nothing."""
    try:
        json.loads(checkpoint.read_bytes())
    except ValueError:
        return False
    return True


def stack_file(stack: str, root: Path) -> Path:
    """Find the stack's file.

    Raises:
        SystemExit: there is no such stack.
    """
    if not stack:
        raise stop("STACK= is empty: name a stack (STACK=home), or leave it out for the sandbox")
    file = root / file_of(stack)
    if not file.is_file():
        if is_true(root, "ls-files", "--error-unmatch", "--", file.name):
            raise stop(f"{file.name} is gone (`pulumi stack rm` deletes it); run: git checkout -- {file.name}")
        here = ", ".join(stacks(root))
        raise stop(f"there is no {file.name}; the stacks here are: {here}")
    return file


def look_for(stack: str, root: Path) -> bool:
    """Find the stack's file and say whether it is a sandbox.

    Raises:
        SystemExit: there is no such stack, or its file does not say what it is.
    """
    try:
        return is_sandbox(stack_file(stack, root))
    except ValueError as error:
        raise stop(str(error)) from None


def prepare(words: Sequence[str], stack: str, engine: Mapping[str, str], *, sandbox: bool) -> dict[str, str]:
    """Return the environment to run in; a sandbox stack that nobody made yet is made.

    Raises:
        SystemExit: the engine could not run the program, or cannot read the sandbox's state.
    """
    if not sandbox:
        environment = user_environment(dict(os.environ))
        if words[0] in _RUN_THE_PROGRAM and not language_host(engine, environment):
            raise stop(
                f"the Pulumi that was built here ({engine['path']}) runs sandboxes only: it has no host for Python.\n"
                f"For {stack}, install Pulumi: https://www.pulumi.com/docs/install/"
            )
        return environment | {"PULUMI_STACK": stack}
    environment = sandbox_environment(PROJECT, dict(os.environ))
    checkpoint = checkpoint_of(PROJECT, stack)
    if not checkpoint.exists():
        making = [engine["path"], "stack", "init", stack]
        # What a command prints may be piped somewhere; this is not part of it.
        if run(making, environment, stdout=sys.stderr.fileno()) != 0:
            raise stop(f"the sandbox stack {stack} could not be made; the message above says why")
    elif not is_readable(checkpoint):
        raise stop("the sandbox's state is not whole (was the disk full?); start it again with: make clean")
    return environment | {"PULUMI_STACK": stack}


def run(call: Sequence[str], environment: Mapping[str, str], stdout: int | None = None) -> int:
    """Run the engine to its end and return its exit code.

    Ctrl-C goes to the engine too, which then ends in order; this process waits for that.
    """
    # A handler, because what a process ignores its children ignore too.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.Popen(call, cwd=PROJECT, env=environment, stdout=stdout).wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


def preview(call: Sequence[str], environment: dict[str, str], stack: str) -> int:
    """Preview, tell below what changes by workspace, and return the exit code.

    Without a terminal the resource tree comes first, which Pulumi draws in a terminal only.  What changes is also
    written to the file that ``WARREN_CHANGES`` names, as Markdown; a preview that fails leaves it empty.

    Raises:
        SystemExit: that file cannot be written.
    """
    file = PROJECT / (os.environ.get("WARREN_CHANGES") or os.devnull)
    try:
        file.write_text("")
    except OSError as error:
        raise stop(f"WARREN_CHANGES: {file} cannot be written: {error.strerror}") from None
    with tempfile.TemporaryDirectory(prefix="warren-") as directory:
        events = Path(directory) / "events.jsonl"
        # The event log is one of the engine's flags for debugging.
        code = run([*call, "--event-log", str(events)], environment | {"PULUMI_DEBUG_COMMANDS": "true"})
        if code != 0:
            return code
        if not events.exists():
            raise stop(f"what changes by workspace is not known: this Pulumi cannot write to {directory}")
        with events.open(encoding="utf-8") as lines:
            log = event_log.read(map(json.loads, lines))
    file.write_text(changes.markdown(log, stack), encoding="utf-8")
    if not sys.stdout.isatty():
        print("Resource tree:", *draw(log.resources.values()), "", *log.said, sep="\n")
    print("", changes.text(log), sep="\n")
    return code


def main() -> None:
    """Run the command and leave with its exit code."""
    command, stack = sys.argv[1:]
    if command not in ("config", "pulumi") and (mistakes := before_the_engine(PROJECT, stack)):
        raise SystemExit(str(Mistakes(mistakes)))
    sandbox = look_for(stack, PROJECT)
    words = arguments(command, os.environ.pop("WARREN_ARGS", ""), sandbox=sandbox)
    engine = json.loads(ENGINE_FILE.read_text(encoding="utf-8"))
    environment = prepare(words, stack, engine, sandbox=sandbox)
    call = [engine["path"], *words]
    if command == "preview":
        raise SystemExit(preview(call, environment, stack))
    if command == "destroy" and sandbox:
        code = run(call, environment)
        if code == 0:
            print(f"Leave out the `pulumi stack rm`: it deletes {file_of(stack)} too. `make clean` removes the state.")
        raise SystemExit(code)
    os.chdir(PROJECT)
    os.execve(engine["path"], call, environment)


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As the engine writes, whatever Python is told: both write into one stream.
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Who reads has enough; Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
