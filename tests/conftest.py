"""Fixtures that every area's tests may use."""

from pathlib import Path

import pytest

INTEL = Path(__file__).parents[2] / "shared" / "data" / "intel"


@pytest.fixture(scope="session")
def intel() -> Path:
    """Return the folder of real intelligence beside the project; skip where there is none."""
    if not INTEL.is_dir():
        pytest.skip("the folder of real intelligence is not beside this clone")
    return INTEL
