"""The rule of docs/nodes.md that drops what pods send by IPv6, on a bridge as k3s' pods are on one."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.project import WARREN

_RULE = re.compile(r"^ExecStart=/usr/sbin/(nft .+)$", re.MULTILINE)

# Two pods and their node, each of which listens on all addresses; the first pod tries the others before and after.
_SCRIPT = r"""
set -e
ip link set lo up
ip link add cni0 type bridge
ip addr add 10.42.0.1/24 dev cni0
ip link set cni0 up
pods=
for number in 2 3; do
    unshare --net -- sleep infinity &
    pods="$pods $!"
    until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
    ip link add "veth$number" type veth peer name eth0 netns "$!"
    ip link set "veth$number" master cni0 up
    nsenter --target="$!" --net -- sh -c "
        echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad
        ip addr add 10.42.0.$number/24 dev eth0 && ip link set lo up && ip link set eth0 up"
done
set -- $pods
local_address() { ip -6 -oneline addr show dev "$1" scope link -tentative | sed -n 's/.* inet6 \([^/]*\).*/\1/p'; }
export -f local_address
listen='import socket
server = socket.create_server(("::", 8000), family=socket.AF_INET6, dualstack_ipv6=True)
print("listening", flush=True)
while True:
    server.accept()'
for inside in "" "nsenter --target=$2 --net --"; do
    coproc { $inside "$PYTHON" -I -S -c "$listen"; } 2> /dev/null
    read -r _ <&"${COPROC[0]}"
done
until node=$(local_address cni0) && [ -n "$node" ] \
    && pod=$(nsenter --target="$2" --net -- bash -c "local_address eth0") && [ -n "$pod" ] \
    && [ -n "$(nsenter --target="$1" --net -- bash -c "local_address eth0")" ]; do sleep 0.1; done
try='import socket, sys
for address in sys.argv[1:]:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as tried:
        tried.settimeout(1)
        scope = (0, socket.if_nametoindex("eth0")) if ":" in address else ()
        print("open" if tried.connect_ex((address, 8000, *scope)) == 0 else "closed", end=" ")
print()'
try() { nsenter --target="$1" --net -- "$PYTHON" -I -S -c "$try" 10.42.0.1 10.42.0.3 "$node" "$pod"; }
try "$1"
eval "$RULE"
try "$1"
"""


def test_the_rule_of_the_docs_drops_what_pods_send_by_ipv6_and_nothing_else() -> None:
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("this kernel has no IPv6, so there is nothing to drop")
    rules = _RULE.findall((WARREN / "docs" / "nodes.md").read_text(encoding="utf-8"))
    assert len(rules) == 3
    rule = "; ".join(shlex.join(shlex.split(each)) for each in rules)
    done = subprocess.run(
        ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "bash", "-c", _SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHON": sys.executable, "RULE": rule},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["open open open open ", "open open closed closed "]
