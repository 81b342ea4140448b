"""Run the tests on real nodes: ``python -m tests.node [pytest arguments]``.

Owns: one process tree in namespaces of its own, which ends with this process however that ends, and removing what no
namespace holds.  A run that was killed leaves an empty control group and a folder; the next one removes them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.node import machine


def main() -> int:
    """Run pytest in the namespaces, and return its result."""
    if lacking := machine.missing():
        raise SystemExit("\n".join(["real nodes cannot run here:", *(f"- {each}" for each in lacking)]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine.tidy()
    folder = Path(tempfile.gettempdir()) / machine.run_name()
    folder.mkdir(mode=0o755)
    tests = [sys.executable, "-m", "pytest", "tests/node", *sys.argv[1:]]
    # The first kills the second when this process ends, and the second everything in the namespaces.
    namespaces = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    command = ["setpriv", "--pdeathsig", "KILL", "--", *namespaces, *tests]
    child = subprocess.Popen(command, env=os.environ | {machine.FOLDER: str(folder)})
    try:
        return child.wait()
    finally:
        child.kill()
        child.wait()
        if left := machine.tidy():
            print(f"left behind: {', '.join(map(str, left))}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
