"""Say what a preview would refuse, without an engine: ``python -m scripts.check_files <stack> [--json] [...]``.

Owns: which stacks are looked at, and how their mistakes are told, as text or as JSON (docs/commands.md).  Where the
stack is "" it looks at every one of the project.  Does not own: what a mistake is.

The answer depends on the files alone: the kubeconfig and its cluster are this machine's, and a preview's business.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.files.stack_file import before_the_engine, file_of, last_part, stacks
from config.files.written import Written, as_the_engine_would
from config.mistakes import Mistake, Mistakes
from manifests import platform, report
from scripts.project import PROJECT
from scripts.stack import stack_file

ERROR, WARNING = "error", "warning"


@dataclass
class Found:
    """What is wrong in a project, each with the stacks that it was found in."""

    errors: dict[Mistake, list[str]] = field(default_factory=dict)
    warnings: dict[Mistake, list[str]] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """The same as plain data, sorted by file and line."""
        told = [(mistake, ERROR, where) for mistake, where in self.errors.items()]
        told += [(mistake, WARNING, where) for mistake, where in self.warnings.items()]
        return [
            {
                "file": mistake.file,
                "line": mistake.line,
                "key": mistake.where,
                "message": mistake.what,
                "severity": severity,
                "stacks": where,
            }
            for mistake, severity, where in sorted(told)
        ]


def examine(root: Path, names: Sequence[str], *, later: bool = False) -> Found:
    """Check stacks of a project.

    Args:
        root: The project's directory.
        names: The stacks.
        later: Whether what somebody has yet to fill in, a secret or a placeholder, is a warning and no mistake.
    """
    found = Found()
    for name in names:
        errors, warnings = _of_stack(root, name, later=later)
        for kept, told in ((found.errors, errors), (found.warnings, warnings)):
            for mistake in told:
                kept.setdefault(mistake, []).append(name)
    return found


def _of_stack(root: Path, name: str, *, later: bool) -> tuple[Sequence[Mistake], Sequence[Mistake]]:
    if early := before_the_engine(root, name):
        return sorted(set(early)), ()
    try:
        written = as_the_engine_would(root, name)
    except Mistakes as refused:
        return refused.mistakes, ()
    return judge(root, name, written, later=later)


def judge(root: Path, name: str, written: Written, *, later: bool) -> tuple[Sequence[Mistake], Sequence[Mistake]]:
    """The mistakes and the warnings of a stack with this config.

    Args:
        root: The project's directory.
        name: The stack.
        written: Its config.
        later: Whether what somebody has yet to fill in, a secret or a placeholder, is a warning and no mistake.
    """
    if written.closed:
        return (), written.closed
    errors, warnings = _load(root, name, written, written.secrets, written.cloudflare_token, filled_in=True)
    if not (later and errors):
        return errors, warnings
    shared = written.config.get("secretReaders")
    named = {*written.secrets, *platform.readers(root, name, written.config)}
    named |= set(shared) if isinstance(shared, dict) else set()
    others, warnings = _load(root, name, written, sorted(named), True, filled_in=False)
    return others, [*warnings, *(mistake for mistake in errors if mistake not in others)]


def _load(
    root: Path, name: str, written: Written, secrets: Sequence[str], cloudflare_token: bool, *, filled_in: bool
) -> tuple[Sequence[Mistake], Sequence[Mistake]]:
    try:
        plan = platform.load(
            root,
            name,
            written.config,
            secrets=secrets,
            plain=written.plain,
            cloudflare_token=cloudflare_token,
            filled_in=filled_in,
        )
    except Mistakes as refused:
        return refused.mistakes, ()
    return (), plan.warnings


def summary(names: Sequence[str], found: Found) -> str:
    """The last line: what was looked at, and how much was found."""
    files = ", ".join(map(file_of, names))
    counts = ((len(found.errors), "mistake"), (len(found.warnings), "warning"))
    told = [f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in counts if count]
    return f"checked {files} and the workspaces listed there: {' and '.join(told) or 'nothing wrong'}"


def main(stack: str, words: Sequence[str]) -> int:
    """Check a stack, or all of them, print what was found, and return the exit code: 1 where a preview would refuse."""
    options = _options(words)
    names = [last_part(stack)] if stack else stacks(PROJECT)
    if stack and not before_the_engine(PROJECT, names[0]):
        stack_file(stack, PROJECT)
    if not names:
        print(f"check-files: there is no Pulumi.<stack>.yaml in {PROJECT}", file=sys.stderr)
        return 1
    found = examine(PROJECT, names, later=options.later)
    if options.json:
        print(json.dumps(found.rows(), indent=2))
    else:
        if found.errors:
            print(Mistakes(list(found.errors)))
        if found.warnings:
            print(report.warning_text(sorted(found.warnings)))
        print(summary(names, found))
    return 1 if found.errors else 0


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make check-files ARGS=...", description="Say what a preview would refuse.")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    parser.add_argument(
        "--later", action="store_true", help="secrets that nobody has set and placeholders are warnings: for pre-commit"
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    try:
        given = shlex.split(os.environ.pop("WARREN_ARGS", ""))
    except ValueError as error:
        raise SystemExit(f"check-files: ARGS cannot be read: {error}") from None
    sys.exit(main(sys.argv[1], [*sys.argv[2:], *given]))
