"""Run the live tests in networks of their own: ``python -m tests.live [GROUP ...] [pytest arguments]``.

By default every group.  A group is a few files, whose tests share a platform; groups run at the same time, because most
of their time is waiting.  Nothing in there has a route to the machine's network, and everything ends with its
namespaces.

Owns: which files are a group, and what the machine must have.  Does not own: getting there (`tests.real.namespaces`);
as anybody but root that is in a user namespace, where the kernel allows it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from scripts.side_by_side import Command
from tests.real import namespaces

NEEDED = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ip": "iproute2",
    "openssl": "openssl",
}
"""Program to Debian package."""

MEBIBYTES = 1024
"""What one group takes: a control plane, two Traefiks, and two dozen small programs."""
_HERE = Path(__file__).parent
REST = "requests"
APART = {
    "controller": ["test_rollouts_of_the_controller.py"],
    "rollouts": ["test_rollouts.py"],
    "faults": ["test_faults.py", "test_signing_out.py"],
    "smoke": ["test_smoke.py", "test_tenants.py"],
}
"""Group to its files, those that wait longest first; every other file is in `REST`."""


def files(group: str) -> list[str]:
    """What a group has, for pytest."""
    if group != REST:
        return [str(_HERE / name) for name in APART[group]]
    return [str(_HERE), *(f"--ignore={_HERE / name}" for names in APART.values() for name in names)]


def main() -> int:
    """Run pytest in the namespaces, and return its result.

    Raises:
        SystemExit: a program is missing; the message says which.
    """
    missing = sorted({package for program, package in NEEDED.items() if shutil.which(program) is None})
    if missing:
        raise SystemExit(f"the live tests need programs that are not here; run: apt-get install {' '.join(missing)}")
    chosen, arguments = namespaces.chosen([*APART, REST], sys.argv[1:])
    pytest = [sys.executable, "-m", "pytest"]
    groups = [Command(name, namespaces.alone(*pytest, *files(name), *arguments)) for name in chosen]
    return namespaces.run(groups, mebibytes=MEBIBYTES)


if __name__ == "__main__":
    sys.exit(main())
