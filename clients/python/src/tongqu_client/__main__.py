"""Run as ``python -m tongqu_client``."""

import sys

from tongqu_client.cli import main

if __name__ == "__main__":
    sys.exit(main())
