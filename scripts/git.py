"""What the commands here ask of git, in a repository that is named each time.  Standard library only."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from config.printable import printable

_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
"""Set while git runs a hook: they would lead to that hook's repository instead of the one that is named."""

_RELEASE = re.compile(r"v([0-9]+)\.([0-9]+)\.([0-9]+)").fullmatch
"""What a release is tagged as."""


class GitError(Exception):
    """A git command that failed; the text is what git said."""


def git(folder: Path, *words: str) -> str:
    """Run git in a folder and return what it prints, without the line's end.

    Raises:
        GitError: it failed, or there is no git.
    """
    environment = {key: value for key, value in os.environ.items() if key not in _ELSEWHERE}
    try:
        done = subprocess.run(
            ["git", *words], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
        )
    except OSError as error:
        raise GitError(f"git cannot be run: {error}") from None
    if done.returncode != 0:
        # What a server says of itself is in it.
        raise GitError(printable(done.stderr.strip(), keep="\n\t") or f"git {words[0]} failed")
    return done.stdout.rstrip("\n")


def is_true(folder: Path, *words: str) -> bool:
    """Say whether a git command succeeds."""
    try:
        git(folder, *words)
    except GitError:
        return False
    return True


def releases(folder: Path, *words: str) -> list[str]:
    """Return the release tags, the oldest first; ``words`` are more arguments of ``git tag``."""
    found = [tag for tag in git(folder, "tag", *words).split() if _RELEASE(tag)]
    return sorted(found, key=lambda tag: [int(part) for part in tag[1:].split(".")])


def release_of(folder: Path, commit: str) -> str:
    """Return the newest release that a commit is, or an empty string."""
    return next(reversed(releases(folder, "--points-at", commit)), "")


def pinned(project: Path, path: str) -> str:
    """Return the commit that a repository pins for its submodule at a path, or an empty string where there is none."""
    mode, commit, *_ = [*git(project, "ls-files", "--stage", "--", path).split(), "", ""]
    return commit if mode == "160000" else ""


def is_path(url: str) -> bool:
    """Say whether a repository's address is a place on this machine, as git tells them apart."""
    return url.startswith("file://") or not ("://" in url or re.match(r"[^/]+:", url))


def without_password(url: str) -> str:
    """Return an address without the password that people put into it, and a web address without the name too."""
    web = re.sub("^(https?://)[^/]*@", r"\1", url, flags=re.IGNORECASE)
    return re.sub("^([a-z][a-z0-9+.-]*://[^/@:]*):[^/]*@", r"\1@", web, flags=re.IGNORECASE)
