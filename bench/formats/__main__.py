"""``python -m bench.formats``."""

import sys

from bench.formats.main import main

sys.exit(main())
