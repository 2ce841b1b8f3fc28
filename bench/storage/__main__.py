"""``python -m bench.storage``."""

import sys

from bench.storage.main import main

sys.exit(main())
