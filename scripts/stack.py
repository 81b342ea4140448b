"""Run one Pulumi command on one stack: ``python -m scripts.stack preview|up|destroy <stack>``.

Owns: the environment of the sandbox stack, which is all inside the checkout, and the little that other stacks
need.  Does not own: anything a plain ``pulumi`` command needs; the same commands work without this file wherever
Pulumi is installed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from scripts.tree import draw
from spec.files.stack_file import before_the_engine
from spec.load import Mistakes

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".state"
ENGINE_FILE = ROOT / ".tools" / "engine.json"

SANDBOX_PASSPHRASE = "warren-sandbox"  # noqa: S105 (see below)
"""Public by design: it encrypts the demo secrets of Pulumi.sandbox.yaml, which open nothing."""

_SANDBOX_LINE = re.compile(r"""^\s+["']?warren:sandbox["']?:\s*["']?true["']?\s*(#.*)?$""", re.MULTILINE)
_PROJECT_LINE = re.compile(r"^name:\s*(\S+)", re.MULTILINE)


def is_sandbox(stack_file: Path) -> bool:
    """Say whether the stack's own file says ``warren:sandbox: true``; nothing else makes a stack a sandbox."""
    return stack_file.is_file() and _SANDBOX_LINE.search(stack_file.read_text(encoding="utf-8")) is not None


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
    home = Path(base.get("PULUMI_HOME") or Path.home() / ".pulumi")
    try:
        logged_in = bool(json.loads((home / "credentials.json").read_text(encoding="utf-8")).get("current"))
    except (OSError, ValueError):
        logged_in = False
    # Never inside the checkout: `git clean -fdx` must not be able to lose a platform.
    return base if logged_in else base | {"PULUMI_BACKEND_URL": "file://~"}


def arguments(command: str, stack: str, *, sandbox: bool) -> list[str]:
    """Return the Pulumi arguments; only the sandbox is changed without a question."""
    unasked = ["--yes", "--skip-preview"] if sandbox and command != "preview" else []
    return [command, "--stack", stack, *unasked]


def main() -> None:
    """Run the command and leave with its exit code."""
    command, stack = sys.argv[1:]
    if mistakes := before_the_engine(ROOT, stack):
        raise SystemExit(str(Mistakes(mistakes)))
    pulumi = json.loads(ENGINE_FILE.read_text(encoding="utf-8"))["path"]
    sandbox = is_sandbox(ROOT / f"Pulumi.{stack}.yaml")
    environment = sandbox_environment(ROOT, dict(os.environ)) if sandbox else user_environment(dict(os.environ))
    if sandbox:
        project = _PROJECT_LINE.search((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
        assert project is not None, "Pulumi.yaml names the project"
        checkpoint = STATE / "backend" / ".pulumi" / "stacks" / project.group(1) / f"{stack}.json"
        if not checkpoint.exists():
            subprocess.run([pulumi, "stack", "init", stack], cwd=ROOT, env=environment, check=True)
    os.chdir(ROOT)
    call = [pulumi, *arguments(command, stack, sandbox=sandbox)]
    if command == "preview" and sandbox and not sys.stdout.isatty():
        raise SystemExit(preview_without_terminal(call, environment))
    os.execve(pulumi, call, environment)


def preview_without_terminal(call: list[str], environment: dict[str, str]) -> int:
    """Preview, then draw the resource tree that Pulumi draws in a terminal only, and return the exit code."""
    log = STATE / "preview-events.jsonl"
    log.unlink(missing_ok=True)
    # The event log is one of the engine's flags for debugging.
    environment = environment | {"PULUMI_DEBUG_COMMANDS": "true"}
    done = subprocess.run([*call, "--event-log", str(log)], env=environment, check=False)
    if done.returncode == 0:
        print("Resource tree:", *draw(log.read_text(encoding="utf-8").splitlines()), sep="\n")
    log.unlink(missing_ok=True)
    return done.returncode


if __name__ == "__main__":
    main()
