"""Run a consumer's own program over finished files, where it is installed: a check before anything is published."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.redaction import redact

TIMEOUT_S = 300
MOST_FINDINGS = 20
_BESIDE_PYTHON = str(Path(sys.executable).parent)
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/sbin", _BESIDE_PYTHON))
"""Most of these programs are for administrators, and lie where users do not look; some are packages of Python."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a program said: its exit status, and what it printed, both streams."""

    status: int
    text: str

    def lines(self, *words: str) -> list[str]:
        """Return the lines that hold any of *words*, no more than a person reads; all, if no word is given."""
        found = [line.strip() for line in self.text.splitlines() if line.strip()]
        if words:
            found = [line for line in found if any(word in line for word in words)]
        return found[:MOST_FINDINGS]


def find(program: str) -> str | None:
    """Return the path of a program, ``None`` if it is not installed."""
    return shutil.which(program, path=_PATH)


def ask(program: str, words: Sequence[str | Path], *, folder: Path, timeout_s: float = TIMEOUT_S) -> Said | None:
    """Run *program* and return what it said, ``None`` if it is not installed.

    Args:
        program: Its name.
        words: Its arguments.
        folder: Where it runs, and may write.
        timeout_s: How long it may take.
    """
    path = find(program)
    if path is None:
        return None
    try:
        ended = subprocess.run(
            [path, *map(str, words)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Said(-1, f"{program} did not end within {timeout_s:g} s")
    except OSError as error:
        return Said(-1, f"{program} could not be run: {error.strerror}")
    return Said(ended.returncode, redact(ended.stdout + ended.stderr))


def ask_apart(
    program: str, words: Sequence[str | Path], *, folder: Path, timeout_s: float = TIMEOUT_S
) -> Said | None:
    """Run *program* as `ask` does, but in a network of its own, gone with it: it cannot change this machine's firewall.

    Returns:
        What it said; ``None`` too where this system gives no such network.
    """
    path = find(program)
    # Root need not become another user, who may do less: nft sends large transactions only as root.
    flags = "-n" if os.geteuid() == 0 else "-rn"
    trial = ask("unshare", (flags, "true"), folder=folder) if path else None
    if path is None or trial is None or trial.status != 0:
        return None
    return ask("unshare", (flags, path, *words), folder=folder, timeout_s=timeout_s)
