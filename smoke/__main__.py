"""`python -m smoke`."""

import sys

from smoke.run import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
