"""``python -m bench.services``."""

import sys

from bench.services.main import main

sys.exit(main())
