"""What is in a folder that a test published to."""

from pathlib import Path


def entries(folder: Path) -> list[str]:
    """Return the names of all that is below it, hidden files and folders too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
