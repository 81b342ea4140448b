"""Run the live tests in a network of their own: ``python -m tests.live [pytest arguments]``.

Owns: getting there.  As root with `unshare`; as anybody else in a user namespace, where the kernel allows it.  Nothing
in there has a route to the machine's network, and everything ends with the namespace.
"""

from __future__ import annotations

import os
import shutil
import sys

NEEDED = {"unshare": "util-linux", "nsenter": "util-linux", "ip": "iproute2", "openssl": "openssl"}
"""Program to Debian package."""


def main() -> None:
    """Replace this process by pytest in the namespace."""
    missing = sorted({package for program, package in NEEDED.items() if shutil.which(program) is None})
    if missing:
        raise SystemExit(f"the live tests need programs that are not here; run: apt-get install {' '.join(missing)}")
    who = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    tests = [sys.executable, "-m", "pytest", "tests/live", *sys.argv[1:]]
    # --kill-child: an interrupted run leaves no process behind.
    command = ["unshare", *who, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", *tests]
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
