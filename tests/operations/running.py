"""Services as processes of their own, in a home folder of the test's, on loopback."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx

ROOT = Path(__file__).parents[2]
_LISTENING = re.compile(r"listening on (http://\S+);")
T = TypeVar("T")
PASSWORD = "a long enough one"


def environ(home: Path, **settings: str) -> dict[str, str]:
    """What a process sees: this environment without settings of a Yeti, and those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("YETI_")}
    given = {f"YETI_{name.upper()}": value for name, value in settings.items()}
    return kept | {"YETI_HOME": str(home), "YETI_CONFIG": "", "YETI_API_PORT": "0"} | given


def yetictl(home: Path, *arguments: str, given: str = "", **settings: str) -> str:
    """Run a command to its end, which is a good one, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        env=environ(home, **settings),
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def new_key(home: Path, name: str = "somebody", role: str = "admin", **settings: str) -> str:
    """Make a user with a key, and return the key."""
    yetictl(home, "user", "add", name, "--role", role, "--password-stdin", given=PASSWORD, **settings)
    return yetictl(home, "user", "token", name, **settings).strip()


@dataclass
class Service:
    """A process that runs; ``said`` is what it has printed on standard error so far."""

    process: "subprocess.Popen[str]"
    said: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that it said."""
        return "".join(self.said)

    @property
    def url(self) -> str:
        """Where it listens; waits until it says so."""

        def look() -> "re.Match[str] | None":
            assert None is self.process.poll(), self.text
            return _LISTENING.search(self.text)

        return until(look)[1]

    def answers(self) -> str:
        """Wait until it answers, and return its URL."""
        url = self.url
        until(lambda: is_answered(url))
        return url

    def ends(self, number: int | None = None, within_s: float = 60) -> int:
        """Send a signal if one is given, wait for the end, and return the status."""
        if number is not None:
            self.process.send_signal(number)
        return self.process.wait(within_s)


@contextmanager
def service(
    home: Path, *arguments: str, more: Mapping[str, str] | None = None, **settings: str
) -> Iterator[Service]:
    """Run a service for a block; it is killed at the end if it runs still."""
    with subprocess.Popen(
        [sys.executable, "-m", "core", *arguments],
        env=environ(home, **settings) | dict(more or {}),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        found = Service(process)
        assert process.stderr is not None
        reader = threading.Thread(target=lambda: found.said.extend(process.stderr), daemon=True)  # type: ignore[arg-type]
        reader.start()
        try:
            yield found
        finally:
            process.kill()
            process.wait()
            reader.join(10)


def is_answered(url: str) -> bool:
    """Whether a process there lives."""
    try:
        return httpx.get(f"{url}/healthz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def until(look: Callable[[], T], within_s: float = 120) -> T:
    """Wait until something holds, and return it."""
    give_up_at = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < give_up_at, "it never came"
        time.sleep(0.05)
    return found


def children_of(process: int) -> list[int]:
    """The processes that a process began to answer requests."""
    found = []
    for line in Path(f"/proc/{process}/task/{process}/children").read_text().split():
        command = Path(f"/proc/{line}/cmdline")
        if command.exists() and b"multiprocessing-fork" in command.read_bytes():
            found.append(int(line))
    return found


def is_alive(process: int) -> bool:
    """Whether there is a process of that number that is no mere record of one."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
