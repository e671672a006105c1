"""``python -m tongqu_client`` is the command ``tongqu``."""

import sys

from tongqu_client.cli import main

sys.exit(main())
