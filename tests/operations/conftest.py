"""Home folders for services."""

from pathlib import Path
from shutil import copyfile

import pytest


@pytest.fixture
def home(tmp_path: Path, made_store: Path) -> Path:
    """A home folder with an empty store."""
    folder = tmp_path / "home"
    folder.mkdir()
    copyfile(made_store, folder / "yeti.db")
    return folder
