"""Folders for drop-in files of a test's own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def in_use(folder: Path, use_plugins_path: Callable[[Path | None], None]) -> Iterator[Path]:
    """Make a folder, and have plug-ins looked for in it for a block."""
    folder.mkdir(parents=True)
    use_plugins_path(folder)
    yield folder
    use_plugins_path(None)
