"""Set up a checkout: Python packages in .venv, an engine in .tools, the sandbox's stand-ins in the project's .state.

Owns: deciding what is missing and installing it, inside these folders only.  Running it again installs nothing: every
part has a stamp with the hash of what it was made from.  Does not own: stacks and their environment (``stack.py``).

It runs before anything is installed: standard library only, and the version check must work on any Python 3.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

from scripts import parts
from scripts.git import GitError, git, pinned
from scripts.parts import say
from scripts.project import PROJECT, WARREN

VENV = WARREN / ".venv"
TOOLS = WARREN / ".tools"
STATE = PROJECT / ".state"
BUILT = TOOLS / "bin" / "pulumi"
ENGINE_FILE = TOOLS / "engine.json"
ENGINE_MODULE = parts.MODULES / parts.ENGINE / "go.mod"
INSTALLER = "https://get.pulumi.com"
INSTALLER_TIMEOUT_SECONDS = 5
_ENGINE_KEYS = ("path", "source", "version", "stamp")
PYTHON_MINIMUM = (3, 11)
PYTHON_MAXIMUM = (3, 13)
"""The newest that the tests run with (``pythons.py``); pyproject.toml, the Makefile and README.md say the same."""


def stop(text: str) -> SystemExit:
    """Return the exit of a set-up that cannot go on."""
    return SystemExit(f"setup: {text}")


def engine_version(go_mod: str) -> str:
    """Return the pinned engine version from the text of ``tools/pulumi/go.mod``: the only place that names it.

    Raises:
        ValueError: the file pins no engine.
    """
    found = re.search(r"^\s*github\.com/pulumi/pulumi/pkg/v3 v(\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise ValueError("tools/pulumi/go.mod does not pin github.com/pulumi/pulumi/pkg/v3")
    return found.group(1)


def is_new_enough(version: str, wanted: str) -> bool:
    """Compare ``3.259.0`` with ``3.260.1-alpha`` and the like; what cannot be read is not new enough."""
    numbers = [re.match(r"v?(\d+)\.(\d+)\.(\d+)", text.strip()) for text in (version, wanted)]
    if numbers[0] is None or numbers[1] is None:
        return False
    have, want = ([int(number) for number in match.groups()] for match in numbers if match)
    return have >= want


def set_up_packages(venv: Path, python: str) -> None:
    """Make a virtual environment and install the locked requirements, unless that has been done.

    One whose interpreter is gone or has become another version, as after an upgrade of Python, is made again.

    Args:
        venv: The environment's directory.
        python: The interpreter to make it with.
    """
    lock = WARREN / "requirements-dev.txt"
    stamp = venv / "warren-stamp"
    own = venv / "bin" / "python"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if is_whole(venv):
        if stamp.is_file() and stamp.read_text() == wanted:
            return
    else:
        shown = os.path.relpath(venv, WARREN)
        if venv.exists():
            say(f"setup: the Python of {shown} is gone or has become another version; making {shown} again")
        else:
            version = ".".join(map(str, version_of_python(python)))
            say(f"setup: making a virtual environment in {shown} with Python {version}")
        if subprocess.run([python, "-m", "venv", "--clear", str(venv)], check=False).returncode != 0:
            shutil.rmtree(venv, ignore_errors=True)
            raise stop("python could not make a virtual environment (on Debian and Ubuntu: apt install python3-venv)")
    stamp.unlink(missing_ok=True)  # an installation that ends half way is of neither list
    say("setup: installing the Python packages of requirements-dev.txt, each checked against its hash (about a minute)")
    # Compiling 12 MB of generated classes that nothing here imports would take longer than downloading them.
    command = [str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    if subprocess.run([*command, "--require-hashes", "-r", str(lock)], cwd=WARREN, check=False).returncode != 0:
        raise stop("the packages could not be installed; the message above says why")
    stamp.write_text(wanted)


def version_of_python(python: str) -> tuple[int, ...]:
    """Return the version of an interpreter as numbers, or nothing when it cannot run."""
    if python == sys.executable:
        return tuple(sys.version_info[:3])
    asking = "import sys; print(*sys.version_info[:3])"
    try:
        done = subprocess.run([python, "-c", asking], capture_output=True, text=True, check=False)
    except OSError:
        return ()
    return tuple(int(number) for number in done.stdout.split()) if done.returncode == 0 else ()


def is_supported(version: tuple[int, ...]) -> bool:
    """Say whether the tests run with this version of Python."""
    return PYTHON_MINIMUM <= version[:2] <= PYTHON_MAXIMUM


def is_whole(venv: Path) -> bool:
    """Say whether an environment's interpreter runs, is supported, and is of the version whose packages are there."""
    version = version_of_python(str(venv / "bin" / "python"))
    return is_supported(version) and (venv / "lib" / "python{}.{}".format(*version) / "site-packages").is_dir()


def version_of(pulumi: str) -> str:
    """Return what ``pulumi version`` prints, or an empty string when it cannot run."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run([pulumi, "version"], capture_output=True, text=True, env=environment, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def remember_engine(path: str, source: str, version: str) -> dict[str, str]:
    """Write down which engine was taken, so that the next run need not start it to know its version."""
    engine = dict(zip(_ENGINE_KEYS, (path, source, version, _stamp(path)), strict=True))
    TOOLS.mkdir(exist_ok=True)
    ENGINE_FILE.write_text(json.dumps(engine, indent=1) + "\n")
    return engine


def remembered_engine() -> dict[str, str] | None:
    """Return what was written down, or None where that is nothing, or no longer whole."""
    try:
        engine = json.loads(ENGINE_FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(engine, dict) and all(isinstance(engine.get(key), str) for key in _ENGINE_KEYS)
    return engine if whole else None


def _stamp(path: str) -> str:
    try:
        status = Path(path).stat()
    except OSError:
        return "gone"
    return f"{status.st_size} {status.st_mtime_ns}"


def choose_engine(wanted: str) -> dict[str, str]:
    """Return the engine to use: the one on PATH, else the official release, else one built here from its Go module."""
    on_path = shutil.which("pulumi")
    engine = remembered_engine()
    if engine is not None:
        same_path = engine["source"] != "on PATH" or engine["path"] == on_path
        if same_path and engine["stamp"] == _stamp(engine["path"]) and is_new_enough(engine["version"], wanted):
            return engine
    if on_path is not None and Path(on_path).resolve() != BUILT.resolve():
        version = version_of(on_path)
        if is_new_enough(version, wanted):
            return remember_engine(on_path, "on PATH", version)
        say(f"setup: the Pulumi on PATH ({version or 'unreadable'}) is older than v{wanted}, so it is not used")
    if is_new_enough(version_of(str(BUILT)), wanted):
        return remember_engine(str(BUILT), "built from its Go module", version_of(str(BUILT)))
    installed = install_release(wanted)
    if installed is not None:
        return remember_engine(installed, "installed by the official installer", version_of(installed))
    build_engine(wanted)
    return remember_engine(str(BUILT), "built from its Go module", version_of(str(BUILT)))


def install_release(wanted: str) -> str | None:
    """Run the official installer into .tools and return the engine, or None where it cannot be reached.

    ``WARREN_PULUMI=build`` skips it.
    """
    if os.environ.get("WARREN_PULUMI") == "build":
        return None
    directory = TOOLS / f"pulumi-{wanted}"
    pulumi = directory / "bin" / "pulumi"
    if version_of(str(pulumi)) == f"v{wanted}":
        return str(pulumi)
    say(f"setup: no Pulumi v{wanted} here; asking the official installer ({INSTALLER})")
    try:
        with urllib.request.urlopen(INSTALLER, timeout=INSTALLER_TIMEOUT_SECONDS) as response:
            script = response.read()
    except OSError as error:
        say(f"setup: the installer cannot be reached ({error})")
        return None
    arguments = ["--version", wanted, "--install-root", str(directory), "--no-edit-path", "--silent"]
    done = subprocess.run(["sh", "-s", "--", *arguments], input=script, stdout=subprocess.DEVNULL, check=False)
    if done.returncode == 0 and version_of(str(pulumi)) == f"v{wanted}":
        return str(pulumi)
    say("setup: the installer did not succeed")
    return None


def build_engine(wanted: str) -> None:
    """Build the pinned engine from its Go module into .tools/bin."""
    if shutil.which("go") is None:
        raise stop(
            f"Pulumi v{wanted} is not installed and cannot be built: install Pulumi (pulumi.com) or Go, then try again"
        )
    say(f"setup: building the Pulumi engine v{wanted} from its Go module, once (no registry has it built)")
    say("setup: this takes 5 to 10 minutes and 160 MB; later runs use .tools/bin/pulumi")
    flags = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{wanted}"
    if not parts.go(ENGINE_MODULE.parent, ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"], BUILT, link=flags):
        raise stop("the engine could not be built; the message above says why")


def set_up_sandbox() -> None:
    """Put the stand-ins into the sandbox's own PULUMI_HOME."""
    (STATE / "backend").mkdir(parents=True, exist_ok=True)
    STATE.chmod(0o700)
    subprocess.run(
        [str(VENV / "bin" / "python"), "-m", "sandbox.install", str(STATE / "pulumi-home")], cwd=WARREN, check=True
    )


def say_other_pin() -> None:
    """Say that Warren is not the one that the repository around it pins: `git pull` does not move it."""
    path = os.path.relpath(WARREN, PROJECT)
    try:
        pin, here = pinned(PROJECT, path), git(WARREN, "rev-parse", "HEAD")
    except GitError:
        return  # whoever keeps Warren in another way has no pin
    if pin and pin != here:
        say(f"setup: {path}/ is not at the commit that this repository pins; after a git pull: git submodule update")


def main(*, only_packages: bool = False) -> None:
    """Set up everything, and say which engine was chosen; or no more than what commands without an engine need."""
    if not is_supported(tuple(sys.version_info[:2])):
        version = ".".join(map(str, sys.version_info[:3]))
        oldest, newest = (".".join(map(str, limit)) for limit in (PYTHON_MINIMUM, PYTHON_MAXIMUM))
        raise stop(
            f"this is Python {version}, and Warren is tested with {oldest} to {newest}: "
            f"install one of them, or name one: make setup PYTHON=/path/to/python{newest}"
        )
    if PROJECT != WARREN:
        say_other_pin()
    set_up_packages(VENV, sys.executable)
    if only_packages:
        return
    known = remembered_engine()
    engine = choose_engine(engine_version(ENGINE_MODULE.read_text()))
    set_up_sandbox()
    if engine != known:
        say(f"setup: Pulumi {engine['version']}, {engine['source']} ({engine['path']})")


if __name__ == "__main__":
    try:
        main(only_packages=sys.argv[1:] == ["packages"])
    except KeyboardInterrupt:
        raise SystemExit("setup: interrupted; the same command goes on where this one stopped") from None
