"""Move a platform repository to another Warren: ``make upgrade``, which runs ``python -m scripts.upgrade``.

Owns: which version, what its changelog says since this one, and moving the pin there and back.  Does not own: anything
of the version that it moves to.  What runs after the move is that version's own ``make setup`` and ``make preview``;
this file is still the old one then, so it does nothing else.
"""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from config.printable import printable
from scripts.git import GitError, git, is_true, pinned, release_of, releases
from scripts.parts import say
from scripts.project import PROJECT, WARREN

_BREAKING = "Breaking"
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop(text: str) -> SystemExit:
    """Return the exit of an upgrade that did not begin."""
    return SystemExit(f"upgrade: {text}")


def name_of(warren: Path, commit: str) -> str:
    """Return the release that a commit is, or the beginning of its hash."""
    return release_of(warren, commit) or commit[:12]


def target(warren: Path, version: str) -> str:
    """Return the commit of a tag, a branch or a commit, or without any of the newest release.

    Raises:
        SystemExit: there is no such one.
    """
    if not version:
        found = releases(warren)
        if not found:
            raise stop("there is no release yet; name a tag, a branch or a commit: make upgrade VERSION=main")
        version = found[-1]
    for name in (f"refs/tags/{version}", f"refs/remotes/origin/{version}"):
        if is_true(warren, "show-ref", "--verify", "--quiet", name):
            return git(warren, "rev-parse", f"{name}^{{commit}}")
    if re.fullmatch("[0-9a-f]{7,40}", version) and is_true(warren, "cat-file", "-e", f"{version}^{{commit}}"):
        return git(warren, "rev-parse", f"{version}^{{commit}}")
    shown = ", ".join(reversed(releases(warren)[-5:])) or "none"
    raise stop(f"there is no {version!r}: no tag, no branch and no commit; the newest releases are: {shown}")


def entries(changelog: str) -> dict[str, list[str]]:
    """Return the entries of a changelog, by the heading of their kind."""
    found: dict[str, list[str]] = {}
    for section in re.split(r"^### ", changelog, flags=re.MULTILINE)[1:]:
        kind, _, text = section.partition("\n")
        text = re.split(r"^## ", text, flags=re.MULTILINE)[0]
        found.setdefault(kind.strip(), []).extend(
            entry.strip() for entry in re.split(r"^(?=- )", text, flags=re.MULTILINE) if entry.strip()
        )
    return found


def changed(old: str, new: str) -> list[str]:
    """Return the lines of what one changelog says and another did not, what breaks first."""
    known = {entry for listed in entries(old).values() for entry in listed}
    lines = []
    for kind, listed in sorted(entries(new).items(), key=lambda pair: pair[0] != _BREAKING):
        if fresh := [entry for entry in listed if entry not in known]:
            lines += ["", f"{kind}:", *fresh]
    return lines


def changelog(warren: Path, commit: str) -> str:
    """Return the changelog of a commit as a terminal may have it, or nothing where it has none."""
    file = f"{commit}:CHANGELOG.md"
    return printable(git(warren, "show", file), keep="\n") if is_true(warren, "cat-file", "-e", file) else ""


def submodule(project: Path, warren: Path) -> str:
    """Return where Warren is in the repository.

    Raises:
        SystemExit: it is no submodule, has changes of its own, or is not where the repository says.
    """
    if warren == project:
        raise stop(
            "this is Warren's own checkout, which git pull brings forward; an upgrade is for a platform repository"
        )
    path = os.path.relpath(warren, project)
    pin = pinned(project, path)
    if not pin:
        raise stop(f"{path} is no submodule of {project}, so there is no pin to move")
    if own := git(warren, "status", "--porcelain", "--untracked-files=no"):
        raise stop(f"{path}/ has changes of its own; take them back or commit them elsewhere first:\n{own}")
    if pin != git(warren, "rev-parse", "HEAD"):
        raise stop(f"{path}/ is not at the commit that this repository pins; run first: git submodule update {path}")
    return path


def move(project: Path, path: str, commit: str) -> None:
    """Move the submodule and the pin to a commit, and stage that; both stay where they are if git refuses."""
    warren = project / path
    git(warren, "checkout", "--quiet", "--detach", commit)
    modules = ("config", "--file=.gitmodules")
    pairs = (line.split(None, 1) for line in git(project, *modules, "--get-regexp", r"\.path$").splitlines())
    key = next(name for name, value in pairs if value == path).removesuffix("path") + "branch"
    if release := release_of(warren, commit):
        git(project, *modules, key, release)  # what Renovate goes on from
    elif is_true(project, *modules, "--get", key):
        git(project, *modules, "--unset", key)
    git(project, "add", "--", ".gitmodules", path)


class Interrupted(Exception):
    """Somebody ended the upgrade."""


def make(project: Path, *words: str, quiet: bool = False) -> int:
    """Run make on the repository to its end, which is another Warren's after a move, and return its exit code.

    Raises:
        Interrupted: somebody ended it; it has ended in order.
    """
    told = []

    def tell(number: int, _: FrameType | None) -> None:
        told.append(number)
        if number != signal.SIGINT:  # a terminal sends that one to all
            process.send_signal(number)

    ours = ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL")
    environment = {key: value for key, value in os.environ.items() if key not in ours}
    output = subprocess.DEVNULL if quiet else None
    process = subprocess.Popen(["make", *words], cwd=project, env=environment, stdout=output, stderr=output)
    before = {number: signal.signal(number, tell) for number in _ENDINGS}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if told:
        raise Interrupted
    return code


def main() -> int:
    """Upgrade, and return the exit code."""
    stack, version = os.environ["WARREN_STACK"], os.environ.get("WARREN_VERSION", "")
    path = submodule(PROJECT, WARREN)
    say("upgrade: asking for Warren's versions")
    git(WARREN, "fetch", "--tags", "origin")  # with --quiet it would not say which tag has moved
    before, after = git(WARREN, "rev-parse", "HEAD"), target(WARREN, version)
    old, new = name_of(WARREN, before), name_of(WARREN, after)
    back = is_true(WARREN, "merge-base", "--is-ancestor", after, before)
    if after == before or (back and not version):
        print(f"Warren is at {old}, and there is nothing newer.")
        return 0
    if not git(WARREN, "for-each-ref", "--contains", before, "refs/remotes", "refs/tags"):
        raise stop(f"{path}/ has commits of its own, which no branch and no tag of origin has; push them first")
    print(f"Warren {old} -> {new}")
    texts = changelog(WARREN, before), changelog(WARREN, after)
    print(
        *(["", "What this takes back:", *changed(*reversed(texts))] if back else changed(*texts)),
        "",
        sep="\n",
        flush=True,
    )
    try:
        # The sandbox as it is, so that the preview after the move shows what the move changes.
        if stack == "sandbox" and make(PROJECT, "up", "STACK=sandbox", quiet=True) != 0:
            say(f"upgrade: the sandbox does not come up with Warren {old}, so the preview shows more than the upgrade")
        move(PROJECT, path, after)
        if make(PROJECT, "setup") != 0:
            return undo(path, before, f"Warren {new} could not be set up; the message above says why.")
        code = make(PROJECT, "preview", f"STACK={stack.replace('$', '$$')}")
    except GitError as error:
        return undo(path, before, f"git says: {error}")
    except (Interrupted, KeyboardInterrupt):
        return undo(path, before, "Interrupted.")
    if code:
        print(f"\nWarren is at {new} now. Its preview failed: mend what it says, with {_BREAKING} above in mind.")
    else:
        print(f"\nWarren is at {new} now; nothing but the pin has changed. Keep it: git commit -m 'Warren {new}'")
    print(f"Go back: make upgrade VERSION={old}")
    return code


def undo(path: str, commit: str, why: str) -> int:
    """Move back, say that, and return the exit code."""
    move(PROJECT, path, commit)
    say(f"upgrade: {why} Going back.")
    try:
        done = make(PROJECT, "setup") == 0
    except Interrupted:
        done = False
    say(
        f"upgrade: Warren is at {name_of(WARREN, commit)}, as before"
        + ("." if done else "; its packages are not: make setup")
    )
    return 1


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    for ending in _ENDINGS:
        signal.signal(ending, signal.default_int_handler)
    try:
        sys.exit(main())
    except GitError as error:
        raise stop(str(error)) from None
    except KeyboardInterrupt:
        raise stop("interrupted; nothing was changed") from None
