"""Requests for one published file of some 50 MB: whether it changed, and all of it; beside nginx with the same file."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.services.places import free_port
from bench.services.programs import Failed, Program, yetictl
from bench.synthetic import NOW, claims

ROWS_OF_50_MB = 191_000
ALLOWED = ("--limit", "dropped=off")
"""What the bench makes up lies in ranges and below names that are nobody's; it is dropped, and nothing is held for it."""

WARM_UP_S = 5

_MIB = 1 << 20


@dataclass(frozen=True)
class Figures:
    """What wrk says of one step, and what the servers used.

    Attributes:
        requests_per_s: Answers.
        mib_per_s: Bodies.
        p50_ms, p99_ms: From the request to the end of the answer.
        errors: Answers that were none, or not of the status wanted.
        peak_mib: Of the largest process of the server.
    """

    requests_per_s: float
    mib_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    peak_mib: float


@dataclass(frozen=True)
class Load:
    """The figures of each server and step; a server that is not installed has none."""

    size_mib: float
    servers: dict[str, dict[str, Figures]]

    @property
    def is_good(self) -> bool:
        """Whether every answer was one."""
        return not any(found.errors for steps in self.servers.values() for found in steps.values())


def measure(folder: Path, *, rows: int, seconds: int) -> Load:
    """Return how each server answers those who have the file, and those who want it.

    Args:
        folder: Empty; for everything that is made.
        rows: Observables in the file; about 400 bytes each.
        seconds: For each step.

    Raises:
        Failed: wrk is missing, or a program did not begin.
    """
    if shutil.which("wrk") is None:
        raise Failed("wrk, which asks, is not installed (Debian: apt install wrk)")
    environ = {**os.environ, "YETI_HOME": str(folder / "home"), "YETI_LOG_LEVEL": "warning"}
    published = _publish(folder, environ, rows)
    command = [sys.executable, "-m", "core", "api", "--port", "0", "--processes", "2"]
    with Program("api", command, environ, folder / "api.log") as api:
        url = api.wait_for(r"listening on (http://\S+?);") + f"/exports/{published.name}"
        found = {"api, 2 processes": _steps(api, url, seconds)}
    if program := nginx_program():
        with nginx(program, folder, published.parent) as (server, url):
            found["nginx, 2 processes"] = _steps(server, f"{url}/{published.name}", seconds)
    else:
        found["nginx is not installed (Debian: apt install nginx-light)"] = {}
    return Load(published.stat().st_size / _MIB, found)


def nginx_program() -> str | None:
    """Return where nginx is, if it is here."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")


def _publish(folder: Path, environ: dict[str, str], rows: int) -> Path:
    from core.store import open_store

    home = Path(environ["YETI_HOME"])
    home.mkdir(parents=True)
    with open_store(f"sqlite:///{home / 'yeti.db'}") as store, store.import_session(NOW) as session:
        session.add(claims(rows))
    who = ("--public", "--tlp", "green")
    yetictl(environ, "export", "add", "big", "--format", "jsonl", *who, "--any-freshness", *ALLOWED)
    yetictl(environ, "export", "run", "big")
    return home / "exports" / "big.jsonl"


def _steps(server: Program, url: str, seconds: int) -> dict[str, Figures]:
    with urllib.request.urlopen(url) as answer:
        etag = answer.headers["ETag"]
        while answer.read(_MIB):
            pass
    # Not counted: a process that is still beginning takes no connection, and the others would keep them all.
    _wrk(server, url, WARM_UP_S, 32, {"If-None-Match": etag})
    return {
        "unchanged (304)": _wrk(server, url, seconds, 32, {"If-None-Match": etag}),
        "the whole file": _wrk(server, url, seconds, 4, {}),
    }


def _wrk(server: Program, url: str, seconds: int, connections: int, headers: dict[str, str]) -> Figures:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "--latency"]
    command += [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    said = subprocess.run(
        [*command, url], capture_output=True, text=True, timeout=seconds + 120, check=True
    ).stdout
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    others = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return Figures(
        float(_found(r"Requests/sec:\s+([\d.]+)", said)),
        _bytes(_found(r"Transfer/sec:\s+([\d.]+[A-Z]*B)", said)) / _MIB,
        _milliseconds(_found(r"50%\s+([\d.]+\w+)", said)),
        _milliseconds(_found(r"99%\s+([\d.]+\w+)", said)),
        (sum(map(int, errors.groups())) if errors else 0) + (int(others[1]) if others else 0),
        server.peak_mib(),
    )


def _found(pattern: str, said: str) -> str:
    found = re.search(pattern, said)
    if found is None:
        raise Failed(f"wrk said nothing of the kind: {said[-300:]}")
    return found[1]


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def _bytes(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([KMG]?)B", text).groups()  # type: ignore[union-attr]
    return float(number) * {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[unit]


@contextmanager
def nginx(program: str, folder: Path, root: Path) -> Iterator[tuple[Program, str]]:
    """Serve a folder by nginx for a block; give it and its address."""
    port = free_port()
    (folder / "nginx").mkdir()
    settings = folder / "nginx" / "nginx.conf"
    places = "".join(
        f"  {kind}_temp_path {folder}/nginx/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    settings.write_text(
        f"daemon off; worker_processes 2; pid {folder}/nginx/pid; error_log {folder}/nginx/error.log;\n"
        f"{'user root;' if os.geteuid() == 0 else ''}\n"
        "events { worker_connections 512; }\n"
        f"http {{\n  access_log off; sendfile on; etag on;\n{places}"
        f"  server {{ listen 127.0.0.1:{port}; root {root}; }}\n}}\n"
    )
    command = [program, "-c", str(settings), "-p", str(folder / "nginx")]
    with Program("nginx", command, os.environ, folder / "nginx.log") as server:
        url = f"http://127.0.0.1:{port}"
        _wait(port)
        yield server, url


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Failed("nginx did not begin")
