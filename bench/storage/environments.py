"""An environment for each group of subjects that cannot live with ours, made when it is needed below var/bench.

What goes into it is in ``requirements-<name>.txt`` beside this file, with the version of every package.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / "bench"
_WITHIN_S = 300


class Missing(Exception):
    """The environment could not be made; the message says why."""


@cache
def python_of(environment: str) -> str:
    """Return the Python of an environment, made now if it is not there yet; ours is the one that runs this.

    Raises:
        Missing: A package could not be had.
    """
    if not environment:
        return sys.executable
    wanted = Path(__file__).with_name(f"requirements-{environment}.txt")
    folder = FOLDER / f"environment-{environment}"
    stamp, digest = folder / "finished", hashlib.sha256(wanted.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if not (stamp.exists() and stamp.read_text() == digest and os.access(python, os.X_OK)):
        print(f"making the environment of {environment} ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _make(folder, python, wanted)
            stamp.write_text(digest)
        except BaseException:  # Ctrl-C too: half an environment is worse than none
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return str(python)


def _make(folder: Path, python: Path, wanted: Path) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries", "2", "--timeout", "20"]
    commands = (
        [sys.executable, "-m", "venv", str(folder)],
        # All there is to install is in the file: nothing is worked out, so that every run gets the same.
        [str(python), "-m", "pip", "install", *options, "--no-deps", "-r", str(wanted)],
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_WITHIN_S, check=False)
        except subprocess.TimeoutExpired:
            raise Missing(f"not installed within {_WITHIN_S} s") from None
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["pip said nothing"]
            raise Missing("not installed: " + lines[-1][:200])
