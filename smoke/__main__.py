"""`python -m smoke`, and `make smoke`, whose ARGS come in the environment."""

import os
import shlex
import sys

from smoke.run import run

if __name__ == "__main__":
    sys.exit(run([*sys.argv[1:], *shlex.split(os.environ.pop("WARREN_ARGS", ""))]))
