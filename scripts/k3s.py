"""Print how k3s is installed on each node: ``python -m scripts.k3s <stack>``, or of all real stacks where that is "".

Owns: which stacks are meant.  Does not own: the commands (``manifests.k3s``), which a running stack has as outputs.
"""

from __future__ import annotations

import sys

from config.files.stack_file import last_part, stacks
from config.mistakes import Mistakes
from manifests import k3s
from scripts.project import PROJECT
from scripts.stack import look_for, stack_file


def main(stack: str) -> None:
    """Print the commands, in the order in which they are to be run."""
    names = [last_part(stack)] if stack else [name for name in stacks(PROJECT) if not look_for(name, PROJECT)]
    if not names:
        raise SystemExit("k3s: every stack here is a sandbox, without real nodes; name one all the same: STACK=sandbox")
    for name in names:
        file = stack_file(name, PROJECT)
        commands = k3s.commands_of_file(PROJECT, name)
        if not commands:
            raise SystemExit(f"k3s: {file.name} names another distribution, which is not installed this way")
        print(f"# {file.name}\n\n{commands}\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Mistakes as mistakes:
        raise SystemExit(str(mistakes)) from None
