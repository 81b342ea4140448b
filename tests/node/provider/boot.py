"""Process entry of the connected stand-in: ``python -I -S boot.py <site-packages> <engine address>``.

Owns: importing the little that it needs, as `sandbox.boot` does for the others.  Does not own: what it answers.
"""

from __future__ import annotations

import sys
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[3]


def main() -> None:
    """Prepare the import system and serve."""
    site, *arguments = sys.argv[1:]
    sys.path[:0] = [str(_CHECKOUT), site]
    from sandbox.boot import empty_package, without_the_sdk

    without_the_sdk(site)
    # Its own code reads the reference platform's files.
    empty_package("tests", str(_CHECKOUT / "tests"))
    from tests.node.provider.provider import main as serve

    # The engine may put flags such as --tracing before the address.
    serve(arguments[-1] if arguments else "")


if __name__ == "__main__":
    main()
