"""Run the command line from a source tree: `python main.py run`."""

import sys

from phantom_arbiter.cli import main

if __name__ == "__main__":
    sys.exit(main())
