"""`python -m phantom_arbiter` is `phantom`."""

import sys

from phantom_arbiter.cli import main

if __name__ == "__main__":
    sys.exit(main())
