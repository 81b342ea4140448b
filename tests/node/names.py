"""Names, asked as a program in a pod asks them: by the C library, with the resolver settings that kubelet gave the pod.

Owns: asking many names at once from inside a pod.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.node.attempts import inside

_ASK = """
import json, os, socket, sys
from concurrent.futures import ThreadPoolExecutor, wait
def ask(name):
    try:
        return " ".join(sorted({each[4][0] for each in socket.getaddrinfo(name, None, socket.AF_INET)}))
    except socket.gaierror as error:
        return {socket.EAI_NONAME: "no such name", socket.EAI_AGAIN: "no answer"}.get(error.errno, str(error))
names, seconds = json.loads(sys.stdin.read())
pool = ThreadPoolExecutor(4)
asked = {name: pool.submit(ask, name) for name in names}
wait(asked.values(), seconds)
print(json.dumps({name: said.result() if said.done() else "no answer" for name, said in asked.items()}), flush=True)
# A connection that nobody answers would be waited for.
os._exit(0)
"""

NO_NAME, NO_ANSWER = "no such name", "no answer"
_PATIENCE = "timeout:2 attempts:2"


def settings(pid: int) -> str:
    """What resolv.conf says in the container of a process."""
    return Path(f"/proc/{pid}/root/etc/resolv.conf").read_text(encoding="ascii")


def asked(pid: int, names: Sequence[str], *, tcp: bool, seconds: float) -> dict[str, str]:
    """The addresses of names, or why there are none, as the C library finds them in the container of a process.

    After so many seconds there is no answer to what is not answered yet.
    """
    script = 'mount --make-rprivate / && mount --bind "$0" /etc/resolv.conf && exec "$@"'
    environment = {"PATH": os.environ["PATH"], "RES_OPTIONS": f"{_PATIENCE}{' use-vc' * tcp}"}
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
        file.write(settings(pid))
        file.flush()
        command = [*inside(pid), "unshare", "--mount", "--", "sh", "-c", script, file.name, sys.executable, "-I", "-S"]
        done = subprocess.run(
            [*command, "-c", _ASK],
            input=json.dumps([names, seconds]),
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found
