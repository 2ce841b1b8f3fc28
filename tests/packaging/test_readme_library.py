"""What the README says of the library, as somebody types it who has read no more."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.clients.persistient_storage import get_client

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
(BLOCK,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
EXTRAS = re.findall(r"\[([\w,-]+)\](?=['`])", README)
(INSTALL,) = re.findall(r"`(pip install [^`]*)`", README)


def test_the_block_publishes(tmp_path):
    """It stores the lines, and prints where and with which SHA-256; only the place is another here."""
    code = BLOCK.replace("s3://bucket/prefix", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr == ""
    published = tmp_path / "lists" / "c2.txt"
    assert published.read_text() == "198.51.100.7\n198.51.100.9\n"
    assert done.stdout == f"{published} {hashlib.sha256(published.read_bytes()).hexdigest()}\n"


@pytest.mark.parametrize("path", re.findall(r'"(\w+://[^"]+)"', BLOCK))
def test_the_paths_have_clients(path):
    """Each path that is named in the block leads to a client of that prefix."""
    assert path.startswith(getattr(get_client(path), "PREFIX", "no prefix"))


def test_the_install_line_works(clone):
    """pip finds all extras that are named, in versions that suit each other; nothing is installed here."""
    assert EXTRAS == ["azure,gcs,sftp,webdav,fsspec", "storage-test"]
    line = INSTALL.replace(
        "pip install", f"{sys.executable} -m pip --disable-pip-version-check install --dry-run -q"
    )
    for extras in EXTRAS:
        command = line.replace(EXTRAS[0], extras)
        done = subprocess.run(["sh", "-ec", command], cwd=clone, capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stderr
        assert "does not provide the extra" not in done.stdout + done.stderr
