"""The processes of the benchmark: servers, and workers that measure one subject each."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.storage.content import digest_of
from bench.storage.environments import ROOT, python_of
from bench.storage.subjects import subject

sys.path.append(str(ROOT / "tests"))  # its servers are the ones to measure against, too

from servers import S3Server, seaweedfs

_ANSWERS_WITHIN_S = 300
_STOPS_WITHIN_S = 5
BUCKET = "bench"


class StepFailed(Exception):
    """A worker answered with an error, or not at all."""


@dataclass(frozen=True)
class Place:
    """Where objects go: one of the two servers."""

    name: str
    server: S3Server

    def environment(self) -> dict[str, str]:
        """Return what every subject is told."""
        return {**self.server.environment(), "BENCH_BUCKET": BUCKET}

    def requests(self) -> int | None:
        """Return how many requests there were so far, where they are counted."""
        return None

    def stored(self, name: str) -> tuple[int, str | None]:
        """Return the size of an object, and its SHA-256 where the server keeps the bytes."""
        try:
            body = self.server.client.get_object(Bucket=BUCKET, Key=name)["Body"]
            return digest_of(body.iter_chunks(1 << 20))
        except self.server.client.exceptions.ClientError as error:
            raise StepFailed(f"{name} is not there: {error}") from error

    def forget(self, name: str) -> None:
        """Make room on the disk."""
        self.server.client.delete_object(Bucket=BUCKET, Key=name)


class SinkPlace(Place):
    """The sink, which tells sizes and counts requests."""

    def requests(self) -> int | None:
        """As `Place.requests`."""
        return int(self._state()["requests"])

    def stored(self, name: str) -> tuple[int, str | None]:
        """As `Place.stored`; what the bytes were is not known."""
        return self._state()["sizes"].get(f"/{BUCKET}/{name}", -1), None

    def forget(self, name: str) -> None:
        """As `Place.forget`; nothing is kept anyway."""

    def _state(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.server.url}/-/state") as answer:
            return dict(json.load(answer))


@contextmanager
def sink() -> Iterator[Place]:
    """Run the sink."""
    command = [sys.executable, "-m", "bench.storage.sink"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield SinkPlace("sink", S3Server("sink", f"http://127.0.0.1:{port}"))
    finally:
        _stop(process)


@contextmanager
def seaweed() -> Iterator[Place]:
    """Run SeaweedFS."""
    with tempfile.TemporaryDirectory(prefix="yeti-bench-") as folder, seaweedfs(Path(folder)) as server:
        server.client.create_bucket(Bucket=BUCKET)
        yield Place("seaweedfs", server)


PLACES = {"seaweedfs": seaweed, "sink": sink}


class Worker:
    """A process that measures one subject; use it in a ``with`` block.

    Args:
        name: The subject.
        environment: What it is told beyond the search path and the home folder.
    """

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        self._process = subprocess.Popen(
            [python_of(subject(name).environment), "-m", "bench.storage.worker", name],
            cwd=ROOT,
            env=bare_environment() | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """Have something done and return the figures.

        Raises:
            StepFailed: It did not work, or what came back was wrong.
        """
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
            self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], _ANSWERS_WITHIN_S)[0]:
            raise StepFailed(f"{self.name}: no answer to {do} within {_ANSWERS_WITHIN_S} s")
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            last = self._errors.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise StepFailed(f"{self.name}: {do} ended the process: {last[-1]}")
        answer = dict(json.loads(line))
        if "error" in answer:
            raise StepFailed(f"{self.name}: {do}: {answer['error']}")
        return answer

    def stop(self) -> None:
        """End the process."""
        _stop(self._process)
        self._errors.close()


def whole_process(python: str, code: str, environment: dict[str, str]) -> dict[str, float]:
    """Run *code* and return what the whole process took, from its start to its end."""
    environ = bare_environment() | environment
    began = time.perf_counter()
    process = subprocess.Popen(
        [python, "-c", code], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:  # interrupted, above all: nothing of ours goes on
        process.kill()
        process.wait()
        raise
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise StepFailed(f"exit status {process.returncode} of: {code}")
    return {"wall_s": took, "cpu_s": used.ru_utime + used.ru_stime}


def bare_environment() -> dict[str, str]:
    """Return nothing of the caller's but where programs and the home folder are."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _stop(process: subprocess.Popen) -> None:
    try:
        with suppress(BrokenPipeError, subprocess.TimeoutExpired):
            process.stdin.close()
            process.wait(_STOPS_WITHIN_S)
    finally:
        process.kill()  # does nothing if it has ended
        process.wait()
        process.stdout.close()
