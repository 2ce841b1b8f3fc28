"""Run a consumer's own program over finished files, where it is installed: a check before anything is published."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.exports.formatting.contract import Finding, NotChecked
from core.redaction import redact

TIMEOUT_S = 300
MOST_FINDINGS = 20
LONGEST_REASON = 120
_BESIDE_PYTHON = str(Path(sys.executable).parent)
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/sbin", _BESIDE_PYTHON))
"""Most of these programs are for administrators, and lie where users do not look; some are packages of Python."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a program said.

    Attributes:
        status: Its exit status; 0 if it did not run.
        text: What it printed, both streams.
        why_not: Why it did not run, so that it said nothing; one phrase.
    """

    status: int
    text: str
    why_not: str = ""

    def lines(self, *words: str) -> list[str]:
        """Return the lines that hold any of *words*, no more than a person reads; all, if no word is given."""
        found = [line.strip() for line in self.text.splitlines() if line.strip()]
        if words:
            found = [line for line in found if any(word in line for word in words)]
        return found[:MOST_FINDINGS]

    def findings(self, *words: str, is_strict: bool = False) -> list[Finding]:
        """Return what ``check`` of a format is to return.

        Args:
            words: Lines with any of these tell what is wrong; if there are none, all lines do.
            is_strict: Such lines are findings even if the program ended well.
        """
        if self.why_not:
            return [NotChecked(self.why_not)]
        told = self.lines(*words) if self.status or is_strict else []
        if not told and self.status:
            told = self.lines() or [f"it ended with the status {self.status}"]
        return [*told]


def phrase(program: str, why: str) -> str:
    """Return why a program refuses an entry, as a reason to refuse it."""
    plain = "".join(char if char.isprintable() else " " for char in why).strip()
    if len(plain) > LONGEST_REASON:
        plain = f"{plain[:LONGEST_REASON]}…"
    return f"{program} refuses it{f': {plain}' if plain else ''}"


def find(program: str) -> str | None:
    """Return the path of a program, ``None`` if it is not installed."""
    return shutil.which(program, path=_PATH)


def ask(program: str, words: Sequence[str | Path], *, folder: Path, timeout_s: float = TIMEOUT_S) -> Said:
    """Run *program* and return what it said; if it is not installed, that.

    Args:
        program: Its name.
        words: Its arguments.
        folder: Where it runs, and may write.
        timeout_s: How long it may take.
    """
    path = find(program)
    if path is None:
        return _missing(program)
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


def ask_apart(program: str, words: Sequence[str | Path], *, folder: Path, timeout_s: float = TIMEOUT_S) -> Said:
    """Run *program* as `ask` does, but in a network of its own, gone with it: it cannot change this machine's firewall.

    Returns:
        What it said; where this system gives no such network, that.
    """
    path = find(program)
    # Root need not become another user, who may do less: nft sends large transactions only as root.
    flags = "-n" if os.geteuid() == 0 else "-rn"
    if path is None:
        return _missing(program)
    trial = ask("unshare", (flags, "true"), folder=folder)
    if trial.why_not or trial.status:
        return Said(
            0, "", f"this system gives {program} no network apart, without which it could change the firewall"
        )
    return ask("unshare", (flags, path, *words), folder=folder, timeout_s=timeout_s)


def _missing(program: str) -> Said:
    return Said(0, "", f"{program} is not installed on this machine")
