"""``python -m tongqu_witness``."""

import sys

from tongqu_witness.cli import main

if __name__ == "__main__":
    sys.exit(main())
