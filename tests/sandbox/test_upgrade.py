"""`make upgrade`: which version, what is said of it, and that the pin is moved as a whole or not at all.

The Warren here is a git repository with a changelog, and its `make` does what a file in it says.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts import upgrade
from scripts.git import GitError, git
from scripts.project import WARREN

MAKEFILE = """\
setup preview up:
\t@sh warren/does.sh $@ "$(STACK)"
"""
FIRST = """\
# Changelog

## 0.1.0

### Added

- One thing,
  in two lines.
"""
SECOND = """\
# Changelog

## 0.2.0

### Added

- A second thing.

### Breaking

- Write `b:` for `a:`.

## 0.1.0

### Added

- One thing,
  in two lines.
"""
FINE = 'echo "$1 $2 by $(git -C warren describe --tags)"\n'


class Home:
    """A platform repository, and the Warren that it comes from."""

    def __init__(self, root: Path) -> None:
        self.upstream, self.root = root / "upstream", root / "my casa"
        self.warren = self.root / "warren"

    def release(self, tag: str, changelog: str = SECOND, does: str = FINE) -> None:
        (self.upstream / "CHANGELOG.md").write_text(changelog)
        (self.upstream / "does.sh").write_text(does)
        git(self.upstream, "add", "--all")
        git(self.upstream, "commit", "--quiet", "--allow-empty", "--message", tag or "more")
        if tag:
            git(self.upstream, "tag", tag)

    def state(self) -> tuple[str, str]:
        """The version that is there, and what the repository has changed."""
        return git(self.warren, "describe", "--tags"), git(self.root, "status", "--porcelain")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for key in list(os.environ):
        if key.startswith(("GIT_", "WARREN_", "MAKE")):
            monkeypatch.delenv(key)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "gitconfig").write_text('[user]\nname = A\nemail = a@x.test\n[protocol "file"]\nallow = always\n')
    home = Home(tmp_path)
    for folder in (home.upstream, home.root):
        folder.mkdir()
        git(folder, "init", "--quiet", "--initial-branch=main")
    home.release("v0.1.0", FIRST)
    git(home.root, "submodule", "--quiet", "add", str(home.upstream), "warren")
    git(home.root, "config", "--file=.gitmodules", "submodule.warren.branch", "v0.1.0")
    (home.root / "Makefile").write_text(MAKEFILE)
    git(home.root, "add", "--all")
    git(home.root, "commit", "--quiet", "--message=1")
    monkeypatch.setattr(upgrade, "PROJECT", home.root)
    monkeypatch.setattr(upgrade, "WARREN", home.warren)
    monkeypatch.setenv("WARREN_STACK", "home")
    return home


def test_the_newest_release_is_taken_and_what_it_breaks_is_said_first(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    home.release("v0.2.0", FIRST)
    home.release("v0.10.0")
    home.release("v0.11.0-rc.1", FIRST)
    home.release("", FIRST)
    assert upgrade.main() == 0
    assert home.state() == ("v0.10.0", "M  .gitmodules\nM  warren")
    assert git(home.root, "config", "--file=.gitmodules", "submodule.warren.branch") == "v0.10.0"
    assert capfd.readouterr().out == (
        "Warren v0.1.0 -> v0.10.0\n\nBreaking:\n- Write `b:` for `a:`.\n\nAdded:\n- A second thing.\n\n"
        "setup  by v0.10.0\npreview home by v0.10.0\n"
        "\nWarren is at v0.10.0 now; nothing but the pin has changed. Keep it: git commit -m 'Warren v0.10.0'\n"
        "Go back: make upgrade VERSION=v0.1.0\n"
    )


def test_the_way_back_is_the_same_command(
    home: Home, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home.release("v0.2.0")
    assert upgrade.main() == 0
    capfd.readouterr()
    monkeypatch.setenv("WARREN_VERSION", "v0.1.0")
    assert upgrade.main() == 0
    assert home.state() == ("v0.1.0", "")
    assert "\nWhat this takes back:\n\nBreaking:\n- Write `b:` for `a:`.\n" in capfd.readouterr().out


def test_what_upstream_says_cannot_write_to_the_terminal_what_it_likes(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    home.release("v0.2.0", SECOND.replace("second", "\x1b]0;title\x07"), does=":\n")
    assert upgrade.main() == 0
    out = capfd.readouterr().out
    assert "\n- A \\x1b]0;title\\x07 thing.\n" in out
    assert out.replace("\n", "").isprintable()
    server = home.upstream / "says"
    server.write_text("#!/bin/sh\nprintf 'x\\033[2Jy' >&2; exit 1\n")
    server.chmod(0o755)
    git(home.warren, "config", "remote.origin.uploadpack", str(server))
    with pytest.raises(GitError) as refused:
        upgrade.main()
    assert str(refused.value).startswith("x\\x1b[2Jy")


def test_a_release_that_upstream_moved_is_told_and_not_taken(home: Home) -> None:
    home.release("v0.2.0")
    git(home.upstream, "tag", "--force", "v0.1.0")
    with pytest.raises(GitError, match=r"v0\.1\.0 +\("):
        upgrade.main()
    assert home.state() == ("v0.1.0", "")


@pytest.mark.parametrize("version", ["main", "a commit"])
def test_a_branch_and_a_commit_are_versions_and_leave_no_release_in_gitmodules(
    version: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.release("v0.2.0")
    home.release("")
    newest = git(home.upstream, "rev-parse", "HEAD")
    monkeypatch.setenv("WARREN_VERSION", version if version == "main" else newest[:10])
    assert upgrade.main() == 0
    assert git(home.warren, "rev-parse", "HEAD") == newest
    assert "branch = " not in (home.root / ".gitmodules").read_text()


@pytest.mark.parametrize("version", ["v9.9.9", "--all", "HEAD~1", "v0.2.0~1", "refs/heads/main", "origin/main", "zz"])
def test_a_version_that_there_is_not_is_told_with_those_that_are(
    version: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.release("v0.2.0")
    monkeypatch.setenv("WARREN_VERSION", version)
    with pytest.raises(SystemExit, match=r"no tag, no branch and no commit; the newest releases are: v0.2.0, v0.1.0$"):
        upgrade.main()
    assert home.state() == ("v0.1.0", "")


def test_nothing_newer_is_said_also_by_a_commit_after_the_newest_release(
    home: Home, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert upgrade.main() == 0
    assert "Warren is at v0.1.0, and there is nothing newer." in capfd.readouterr().out
    home.release("")
    monkeypatch.setenv("WARREN_VERSION", "main")
    assert upgrade.main() == 0
    monkeypatch.setenv("WARREN_VERSION", "")
    capfd.readouterr()
    assert upgrade.main() == 0
    assert "and there is nothing newer." in capfd.readouterr().out


def test_a_sandbox_comes_up_with_the_old_one_first_so_that_its_preview_shows_the_difference(
    home: Home, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home.release("v0.2.0", does=FINE)
    monkeypatch.setenv("WARREN_STACK", "sandbox")
    (home.root / "Makefile").write_text(MAKEFILE.replace("\n\t@", "\n\t@echo $@ >> done; "))
    assert upgrade.main() == 0
    assert (home.root / "done").read_text().split() == ["up", "setup", "preview"]
    assert "up sandbox" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("edit", "warren/ has changes of its own; take them back or commit them elsewhere first:\n M does.sh"),
        ("commit", "warren/ has commits of its own, which no branch and no tag of origin has; push them first"),
        ("elsewhere", "warren/ is not at the commit that this repository pins; run first: git submodule update warren"),
        ("copy", "warren is no submodule of"),
        ("gone", "does not appear to be a git repository"),
    ],
)  # fmt: skip
def test_what_would_be_lost_is_not_moved(what: str, said: str, home: Home) -> None:
    home.release("v0.2.0")
    if what in ("edit", "commit"):
        (home.warren / "does.sh").write_text("mine\n")
    if what == "commit":
        git(home.warren, "commit", "--quiet", "--all", "--message=mine")
        git(home.root, "add", "warren")
    if what == "elsewhere":
        git(home.warren, "commit", "--quiet", "--allow-empty", "--message=another")
    if what == "copy":
        git(home.root, "rm", "--quiet", "--cached", "warren")
    if what == "gone":
        git(home.warren, "remote", "set-url", "origin", "/nowhere/at/all")
    before = home.state()
    with pytest.raises((SystemExit, GitError)) as stopped:
        upgrade.main()
    assert said in str(stopped.value)
    assert home.state() == before


def test_in_warrens_own_checkout_it_says_whom_it_is_for(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrade, "PROJECT", home.warren)
    with pytest.raises(SystemExit, match="this is Warren's own checkout, which git pull brings forward"):
        upgrade.main()


def test_a_version_that_cannot_be_set_up_is_taken_back(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    home.release("v0.2.0", does='[ "$1" != setup ]\n')
    assert upgrade.main() == 1
    assert home.state() == ("v0.1.0", "")
    out, err = capfd.readouterr()
    assert "Warren v0.2.0 could not be set up; the message above says why. Going back." in err
    assert out.endswith("setup  by v0.1.0\n"), "its packages come back too"


def test_files_that_the_new_one_refuses_can_be_mended_with_it(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    home.release("v0.2.0", does='[ "$1" != preview ]\n')
    assert upgrade.main() != 0
    assert home.state() == ("v0.2.0", "M  .gitmodules\nM  warren")
    assert capfd.readouterr().out.endswith(
        "Warren is at v0.2.0 now. Its preview failed: mend what it says, with Breaking above in mind.\n"
        "Go back: make upgrade VERSION=v0.1.0\n"
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("during", ["setup", "preview"])
def test_an_upgrade_that_is_ended_leaves_everything_as_it_was(during: str, ending: signal.Signals, home: Home) -> None:
    does = f'[ "$1" != {during} ] || {{ touch begun; sleep 10; }}\n'
    home.release("v0.2.0", does=does)
    program = (
        "import sys, pathlib; from scripts import project;"
        f"project.PROJECT, project.WARREN = pathlib.Path({str(home.root)!r}), pathlib.Path({str(home.warren)!r});"
        "import runpy; runpy.run_module('scripts.upgrade', run_name='__main__')"
    )
    said = home.root.with_name("said")  # a file: what was ended may leave children, and they would hold a pipe open
    with (
        said.open("w") as file,
        subprocess.Popen([sys.executable, "-c", program], cwd=WARREN, stderr=file, start_new_session=True) as process,
    ):
        while not (home.root / "begun").exists():
            assert process.poll() is None
            time.sleep(0.05)
        # A terminal tells everybody; who ends one process tells that one.
        (os.killpg if ending == signal.SIGINT else os.kill)(process.pid, ending)
        assert process.wait(timeout=30) == 1
    err = said.read_text()
    assert "upgrade: Interrupted. Going back." in err
    assert "Traceback" not in err
    (home.root / "begun").unlink()
    assert home.state() == ("v0.1.0", "")
