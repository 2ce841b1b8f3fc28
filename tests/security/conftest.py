"""Installations that are served on loopback, as in the tests of the API."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))

from tests.api.conftest import api, make_api  # noqa: F401
