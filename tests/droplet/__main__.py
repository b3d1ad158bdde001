"""`python -m tests.droplet`."""

import sys

from tests.droplet.cli import main

sys.exit(main())
