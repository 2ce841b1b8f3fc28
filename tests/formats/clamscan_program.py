"""ClamAV with a database of its own: load files, scan a folder, see what is found."""

import subprocess
from collections.abc import Mapping
from pathlib import Path


def scan(tool: str, database: Mapping[str, bytes], folder: Path, place: Path) -> dict[str, str]:
    """Return the name of the signature that each file of *folder* was found by.

    Args:
        tool: The path of ``clamscan``.
        database: Content of the files of the database by name.
        folder: What is scanned.
        place: An empty folder for the database.
    """
    for name, content in database.items():
        (place / name).write_bytes(content)
    ended = subprocess.run(
        [tool, "--no-summary", "--infected", "-d", place, folder],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "" == ended.stderr
    found = dict(line.removesuffix(" FOUND").split(": ") for line in ended.stdout.splitlines())
    assert ended.returncode == (1 if found else 0)
    return {Path(path).name: name.removesuffix(".UNOFFICIAL") for path, name in found.items()}
