"""Write a platform repository: ``make new DIR=../casa``, which runs ``python -m scripts.new``.

Owns: what is asked, where the repository may go, its files (``template/``, as they will be but for three words) and its
first commit, with Warren as a submodule that is pinned at this checkout's commit.  It is made beside the place that it
moves to at the end, so that nothing is left of one that was not finished.  Does not own: what the files say, which is
checked as every stack is.

It runs before anything is installed: standard library only.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from config.patterns import DOMAIN, NAME
from scripts.git import GitError, git, is_path, is_true, release_of, without_password
from scripts.parts import say
from scripts.project import PROJECT, WARREN

TEMPLATE = Path(__file__).with_name("template")
SUBMODULE = "warren"
"""Where Warren is in a platform repository; the files of the template say so too."""
PULUMI = "Pulumi.yaml"
BUILT = Path(".tools", "bin", "pulumi")
"""The engine that was built here (``setup.BUILT``): ten minutes that nobody has to spend twice."""

STACK = "home"
PLACEHOLDER_DOMAIN = "warren.example"
PLACEHOLDER_NODES = "pi-1=192.0.2.11,pi-2=192.0.2.12"
"""Never anybody's (RFC 2606, RFC 5737): `config/checks/placeholders.py` finds them again in a real stack."""
_PODS_AND_SERVICES = ("10.42.0.0/16", "10.43.0.0/16")


def stop(text: str) -> SystemExit:
    """Return the exit of a command that makes nothing."""
    return SystemExit(f"new: {text}")


@dataclass(frozen=True)
class Wanted:
    """What somebody wants a repository for."""

    folder: Path
    stack: str
    domain: str
    nodes: tuple[tuple[str, str], ...]
    """Name and address of each; the first is the control plane."""


def stack_name(text: str) -> str:
    """Return the name of a stack.

    Raises:
        ValueError: it can be none.
    """
    if not re.fullmatch(NAME, text):
        raise ValueError(f"{text!r} can be no stack's name; take a word of small letters and digits, such as home")
    if text == "sandbox":
        raise ValueError("sandbox is the stack that every repository has besides; name the real one, such as home")
    return text


def domain_name(text: str) -> str:
    """Return a domain in small letters.

    Raises:
        ValueError: it is none.
    """
    text = text.lower().rstrip(".")
    if len(text) > 253 or not re.fullmatch(DOMAIN, text):
        raise ValueError(f"{text!r} is no domain; write only its name, such as example.com")
    return text


def machines(text: str) -> tuple[tuple[str, str], ...]:
    """Return the nodes of a text such as ``pi-1=192.168.1.11,pi-2=192.168.1.12``.

    Raises:
        ValueError: it does not say the name and the address of each, or says one twice.
    """
    found: dict[str, str] = {}
    for word in re.split(r"[,\s]+", text.strip(" ,")):
        name, _, address = word.partition("=")
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            ip = None
        if ip is None or not re.fullmatch(NAME, name):
            raise ValueError(f"{word!r} does not say a node's name and address, such as pi-1=192.168.1.11")
        inside = next((cidr for cidr in _PODS_AND_SERVICES if ip in ipaddress.ip_network(cidr)), None)
        if inside:
            raise ValueError(f"{address} is in {inside}, which is the cluster's own; nodes have addresses at home")
        if name in found or str(ip) in found.values():
            raise ValueError(f"{word!r} is there twice; every node has a name and an address of its own")
        found[name] = str(ip)
    return tuple(found.items())


def place(text: str) -> Path:
    """Return the folder that a repository can be made as.

    Raises:
        ValueError: something is there, nothing is around it, or it would be inside Warren or another project.
    """
    if not text:
        raise ValueError("say where: make new DIR=../casa")
    # `warren` was typed in a folder below, and says in which.
    folder = (PROJECT / os.environ.get("WARREN_CWD", "") / Path(text).expanduser()).resolve()
    for root, whose in ((WARREN, "Warren's own folder"), (PROJECT, "this repository")):
        if folder.is_relative_to(root):
            raise ValueError(f"{folder} is inside {whose}; take a folder beside it")
    if not folder.parent.is_dir():
        raise ValueError(f"there is no folder {folder.parent} to make {folder.name} in")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there and not empty; nothing is overwritten, so name a new folder")
    return folder


def ask(variable: str, question: str, otherwise: str, check: Callable[[str], object]) -> str:
    """Return what was given on the command line, or at a terminal what is answered, or what works without an answer.

    Raises:
        SystemExit: what was given is not right.
    """
    given = os.environ.get(f"WARREN_{variable}", "")
    while True:
        asked = not given and sys.stdin.isatty() and sys.stderr.isatty()
        if asked:
            print(f"{question} [{otherwise}]: " if otherwise else f"{question}: ", end="", file=sys.stderr, flush=True)
            line = sys.stdin.readline()
            if not line:
                raise stop("nothing was made")
            given = line.strip()
        try:
            check(given or otherwise)
        except ValueError as wrong:
            if not asked:
                raise stop(f"{variable}: {wrong}") from None
            say(f"  {wrong}")
            given = ""
        else:
            return given or otherwise


def wanted() -> Wanted:
    """Return what somebody wants, asked at a terminal, with placeholders elsewhere."""
    folder = ask("DIR", "Folder of the new repository", "", place)
    name = ask("NAME", "Name of the stack", STACK, stack_name)
    domain = ask("DOMAIN", "Your domain at Cloudflare; Enter for a placeholder", PLACEHOLDER_DOMAIN, domain_name)
    nodes = ask("NODES", "Your nodes, control plane first; Enter for placeholders", PLACEHOLDER_NODES, machines)
    return Wanted(place(folder), stack_name(name), domain_name(domain), machines(nodes))


def files(want: Wanted) -> dict[str, str]:
    """Return every file of a new repository but the submodule, by its path there."""
    roles = ["control-plane", *["worker"] * (len(want.nodes) - 1)]
    nodes = "\n".join(
        f"      - {{ name: {name}, role: {role}, ip: {_quoted(ip)}, cpu: 4, memory: 4Gi }}"
        for (name, ip), role in zip(want.nodes, roles, strict=True)
    )
    words = {"__NAME__": want.stack, "__DOMAIN__": want.domain, "__NODES__": nodes}
    made = {}
    for file in sorted(path for path in TEMPLATE.rglob("*") if path.is_file()):
        text = file.read_text("utf-8")
        for word, value in words.items():
            text = text.replace(word, value)
        name = file.relative_to(TEMPLATE).as_posix()
        made[f"Pulumi.{want.stack}.yaml" if name == "Pulumi.NAME.yaml" else name] = text
    made[PULUMI] += declarations((WARREN / PULUMI).read_text("utf-8"))
    return made


def declarations(project: str) -> str:
    """Return the config section of a Pulumi.yaml, which is its last."""
    return project[project.index("\nconfig:\n") + 1 :]


def _quoted(address: str) -> str:
    return f'"{address}"' if ":" in address else address


def pin() -> tuple[str, str]:
    """Return this checkout's commit, and the address that others fetch it from.

    Raises:
        SystemExit: it is no checkout.
    """
    if not is_true(WARREN, "rev-parse", "HEAD") or not (WARREN / ".git").exists():
        raise stop(f"{WARREN} is no git checkout, so there is no commit to pin; clone Warren with git")
    commit = git(WARREN, "rev-parse", "HEAD")
    if git(WARREN, "status", "--porcelain"):
        say("new: this checkout has changes; what is not committed is not in the new repository")
    url = os.environ.get("WARREN_FROM", "")
    if not url and is_true(WARREN, "remote", "get-url", "origin"):
        url = git(WARREN, "remote", "get-url", "origin")
        # Where nothing was ever fetched, as in another platform repository, nothing is known.
        if git(WARREN, "branch", "--remotes") and not git(WARREN, "branch", "--remotes", "--contains", commit):
            say(f"new: commit {commit[:12]} is on no branch of origin yet; push it, or only this machine has it")
    safe = without_password(url)
    if safe != url:
        say("new: the token in the address of origin stays out of the new repository")
    if not safe or is_path(safe):
        safe = safe if safe.startswith("file://") else str((WARREN / safe).resolve())
        say(f"new: Warren is pinned from {safe}, which no other machine can fetch; FROM=<address> names another place")
    elif not safe.startswith(("http://", "https://")):
        say(f"new: {safe} asks for a key, and the workflow of pull requests has none; FROM=https://... names another")
    return commit, safe


def make(want: Wanted, root: Path, commit: str, url: str) -> None:
    """Make the repository at ``root``, staged: its files, and Warren from this checkout without any network."""
    branch = git(WARREN, "config", "init.defaultBranch") if is_true(WARREN, "config", "init.defaultBranch") else "main"
    git(root, "init", "--quiet", f"--initial-branch={branch}")
    for name, text in files(want).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    warren = root / SUBMODULE
    git(root, "init", "--quiet", SUBMODULE)
    git(warren, "fetch", "--quiet", "--update-shallow", str(WARREN), "HEAD", "refs/tags/*:refs/tags/*")
    git(warren, "checkout", "--quiet", "--detach", commit)
    git(warren, "remote", "add", "origin", url)
    git(root, "submodule", "--quiet", "add", "--", url, SUBMODULE)
    git(root, "submodule", "--quiet", "absorbgitdirs")
    if tag := release_of(warren, "HEAD"):
        git(root, "config", "--file=.gitmodules", f"submodule.{SUBMODULE}.branch", tag)  # what Renovate goes on from
    git(root, "add", "--all")
    if (WARREN / BUILT).is_file():
        hand_over(WARREN / BUILT, warren / BUILT)


def hand_over(engine: Path, target: Path) -> None:
    """Give the engine that was built in one folder to another."""
    target.parent.mkdir(parents=True)
    try:
        target.hardlink_to(engine.resolve())
    except OSError:
        shutil.copy2(engine, target)


@contextlib.contextmanager
def beside(folder: Path) -> Iterator[Path]:
    """A folder beside another one, which takes its place at the end; on any error nothing is left."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        umask = os.umask(0o022)
        os.umask(umask)
        made.chmod(0o777 & ~umask)
        yield made
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def main() -> None:
    """Make what is wanted, and say what comes next."""
    want = wanted()
    commit, url = pin()
    committed = ""
    with beside(want.folder) as root:
        make(want, root, commit, url)
        try:
            git(root, "-c", "user.useConfigOnly=true", "commit", "--quiet", "--message=A platform of my own")
        except GitError as refused:
            committed = str(refused).splitlines()[-1]
    print(f"Made {want.folder}: a repository of your own, with Warren {commit[:12]} in {SUBMODULE}/.")
    if committed:
        print(f"Nothing is committed yet, because git says: {committed}")
        print(f'All of it is staged: run `git commit -m "A platform of my own"` in {want.folder}.')
    print(f"Next: cd {_typed(str(want.folder))} && make preview")
    print(f"It runs in the sandbox. Pulumi.{want.stack}.yaml says what has to be filled in for your cluster.")


def _typed(path: str) -> str:
    return path if re.fullmatch(r"[\w./-]+", path) else "'" + path.replace("'", "'\\''") + "'"


if __name__ == "__main__":
    try:
        main()
    except (GitError, OSError) as error:
        raise stop(f"{error}; nothing was made") from None
    except KeyboardInterrupt:
        raise stop("interrupted; nothing was made") from None
