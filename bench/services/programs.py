"""Programs that are started for a measurement, killed in it, and stopped after it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_STOPS_WITHIN_S = 20
_MIB = 1 << 20


class Failed(Exception):
    """A program did not do what it was started for; the message says which and why."""


class Program:
    """One program with what it logs, and all processes that it started; a context manager that stops it."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        """Start it, in a process group of its own."""
        self.name, self.log = name, log
        self._command, self._environ = list(command), dict(environ)
        self._lock, self._is_wanted = threading.Lock(), True
        self.start()

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it (again)."""
        with self._lock, self.log.open("ab") as stream:
            self._is_wanted = True
            self.process = subprocess.Popen(
                self._command, env=self._environ, stdout=stream, stderr=stream, start_new_session=True
            )

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def restarted(self) -> int | None:
        """Start it again if it ended by itself, as whoever looks after services does; return the status it had."""
        with self._lock:
            status = self.process.poll() if self._is_wanted else None
        if status is not None:
            self.start()
        return status

    def kill(self) -> None:
        """Kill it and what it started, as a machine does that loses power."""
        with self._lock:
            self._is_wanted = False
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(_STOPS_WITHIN_S)

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        with self._lock:
            self._is_wanted = False
        if self.is_running:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOPS_WITHIN_S)
        self.kill()

    def wait_for(self, pattern: str, within_s: float = 30) -> str:
        """Return what the first group of *pattern* matches in its log, as soon as it is there.

        Raises:
            Failed: It is not there in time, or the program has ended.
        """
        give_up_at = time.monotonic() + within_s
        while time.monotonic() < give_up_at:
            if found := re.search(pattern, self.log.read_text(errors="replace")):
                return found[1]
            if not self.is_running:
                break
            time.sleep(0.05)
        last = self.log.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing"]
        raise Failed(f"{self.name} did not begin; it said: {last[0]}")

    def peak_mib(self) -> float:
        """Return the memory that its largest process used at most, in MiB."""
        return max((_peak_bytes(pid) for pid in _group(self.process.pid)), default=0) / _MIB


def tell(what: str) -> None:
    """Say what begins now to whoever waits."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def yetictl(environ: Mapping[str, str], *arguments: str) -> str:
    """Run ``yetictl`` and return what it prints.

    Raises:
        Failed: Its status is not 0.
    """
    command = [sys.executable, "-m", "core", *arguments]
    done = subprocess.run(command, env=dict(environ), capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise Failed(f"yetictl {arguments[0]}: {done.stderr.strip().splitlines()[-1:] or done.returncode}")
    return done.stdout


def _group(leader: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                # pid (name) state ppid pgrp …; the name may hold anything but ends with the last bracket.
                if int((folder / "stat").read_text().rpartition(")")[2].split()[2]) == leader:
                    found.append(int(folder.name))
    return found


def _peak_bytes(pid: int) -> int:
    with suppress(OSError):
        if found := re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text()):
            return int(found[1]) * 1024
    return 0
