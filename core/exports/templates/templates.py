"""Check and render templates, in a process of their own; see ``template_worker`` for what confines it."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import msgspec

from core.errors import RenderError, StorageFull, TemplateError
from core.exports.templates import worker
from core.exports.templates.source import NotBatched, Parts, split
from core.schemas.instant import to_text

MIB = 1 << 20
LONGEST_TEMPLATE_CHARACTERS = 1 << 20
CHECK_TIMEOUT_S = 20
CHECK_OUTPUT_MIB = 64


@dataclass(frozen=True, slots=True)
class Bounds:
    """What rendering one template may use."""

    memory_mib: int = 512
    timeout_s: int = 300
    output_mib: int = 2048


@dataclass(frozen=True, slots=True)
class TemplateCheck:
    """What is known of a sound template.

    Attributes:
        is_batched: It is rendered in batches, whatever the number of rows; else whole, up to a number of rows.
        reason: Why it is rendered whole; empty if it is batched.
        parts: Its parts, if it is batched.
    """

    is_batched: bool
    reason: str
    parts: Parts | None = None

    @property
    def summary(self) -> str:
        """One phrase for people."""
        if self.is_batched:
            return "it is rendered in batches, whatever the number of rows"
        return f"it is rendered whole, up to template.row_limit rows, because {self.reason}"


def check(text: str, name: str = "") -> TemplateCheck:
    """Return how *text* will be rendered, after trying it on samples.

    Args:
        text: The template.
        name: What the error calls it, if anything.

    Raises:
        TemplateError: It does not parse (the message has the line), uses what does not exist, or is too long.
    """
    try:
        return _checked(text)
    except TemplateError as error:
        if name:
            raise TemplateError(f"template {name}: {error}") from None
        raise


def _checked(text: str) -> TemplateCheck:
    if len(text) > LONGEST_TEMPLATE_CHARACTERS:
        most = f"{LONGEST_TEMPLATE_CHARACTERS:,}"
        raise TemplateError(f"the template has {len(text):,} characters; the most is {most}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise TemplateError("the template holds half a surrogate pair, which is not text") from None
    found: Parts | None = None
    reason = ""
    try:
        found = split(text)
    except NotBatched as why:
        reason = str(why)
    sources = [text, found.before, found.loop, found.after] if found else [text]
    bounds = Bounds(timeout_s=CHECK_TIMEOUT_S, output_mib=CHECK_OUTPUT_MIB)
    with Path(os.devnull).open("wb") as nowhere:
        answer = _run(sources, bounds, [SAMPLES], nowhere, is_check=True)
    if answer.get("differs"):
        # Never seen; the samples are the net under the reasoning.
        return TemplateCheck(False, "batches of samples gave other bytes than the whole")
    return TemplateCheck(found is not None, reason, found)


def render(text: str, frames: Iterable[bytes], out: BinaryIO, bounds: Bounds, *, parts: Parts | None) -> None:
    """Render *text* over the rows of *frames*, each the JSON of a list of rows, into the file *out*.

    Args:
        text: The template.
        frames: Batches of rows as ``template_rows`` makes them.
        out: A file of the operating system; it is written from its present position by another process.
        bounds: Over one of them, the template is refused.
        parts: As `check` found them: the template is rendered in batches.  ``None``: whole.

    Raises:
        TemplateError: The template failed or went over a bound; the message says which.
        StorageFull: The disk of the spool is full.
    """
    sources = [parts.before, parts.loop, parts.after] if parts else [text]
    _run(sources, bounds, frames, out)


def _run(
    sources: list[str], bounds: Bounds, frames: Iterable[bytes], out: BinaryIO, *, is_check: bool = False
) -> dict[str, object]:
    job = worker.Job(
        parts=sources,
        parent=os.getpid(),
        memory_bytes=bounds.memory_mib * MIB,
        processor_s=bounds.timeout_s + 1,
        output_bytes=bounds.output_mib * MIB,
        is_check=is_check,
    )
    out.flush()
    with _worker(out) as process, _killed_after(process, bounds.timeout_s) as is_late:
        pipe, report_pipe = process.stdin, process.stderr
        if pipe is None or report_pipe is None:
            raise RenderError("the process that renders templates has no pipes")
        # A worker that has given up closes its end; its report says why.
        with contextlib.suppress(BrokenPipeError):
            _send(pipe, msgspec.json.encode(job))
            for frame in frames:
                _send(pipe, frame)
            pipe.write(bytes(4))
            pipe.flush()
        report = report_pipe.read()
        status = process.wait()
        was_killed = is_late.is_set()
    return _answer(report, status, was_killed, bounds)


def _send(pipe: IO[bytes], frame: bytes) -> None:
    pipe.write(len(frame).to_bytes(4, "big"))
    pipe.write(frame)


@contextlib.contextmanager
def _worker(out: BinaryIO) -> "Iterator[subprocess.Popen[bytes]]":
    """Start the worker; it is gone when the block ends, however it ends."""
    process = subprocess.Popen(
        # -P: the folder of the script holds modules with names of the standard library.
        [sys.executable, "-P", worker.__file__],
        stdin=subprocess.PIPE,
        stdout=out,
        stderr=subprocess.PIPE,
        cwd="/",
        # Nothing of our environment: credentials are in there.
        env={"PYTHONPATH": os.pathsep.join(str(Path(place).absolute()) for place in sys.path if place)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


@contextlib.contextmanager
def _killed_after(process: "subprocess.Popen[bytes]", timeout_s: float) -> Iterator[threading.Event]:
    is_late = threading.Event()

    def kill() -> None:
        # Said before it is done: the death may be seen at once, and would pass for one of hunger.
        is_late.set()
        process.kill()

    timer = threading.Timer(timeout_s, kill)
    timer.daemon = True
    timer.start()
    try:
        yield is_late
    finally:
        timer.cancel()
        timer.join()


def _answer(report: bytes, status: int, was_killed: bool, bounds: Bounds) -> dict[str, object]:
    try:
        answer: dict[str, object] = msgspec.json.decode(report, type=dict[str, object])
    except msgspec.DecodeError:
        answer = {}
    if answer.get("done") or answer.get("differs"):
        return answer
    if "error" in answer:
        raise TemplateError(str(answer["error"]))
    if "disk" in answer:
        if answer["disk"] == os.strerror(28):
            raise StorageFull("no space is left in the spool folder")
        raise RenderError(f"the spool folder could not be written: {answer['disk']}")
    if answer.get("bound") == "output":
        raise TemplateError(f"its output is over {bounds.output_mib} MiB (template.output_mib)")
    if was_killed or status == -24:  # SIGXCPU
        raise TemplateError(f"it took longer than {bounds.timeout_s} s (template.timeout_s)")
    raise TemplateError(f"it needs more than {bounds.memory_mib} MiB of memory (template.memory_mib)")


def _samples() -> bytes:
    moment = to_text(0)

    def tag(name: str, is_fresh: bool) -> dict[str, object]:
        dates: dict[str, object] = {"first_seen": moment, "last_seen": moment, "expires": moment}
        return dates | {"name": name, "fresh": is_fresh, "source": "sample", "kind": "malicious"}

    def row(value: str, type_: str, *tags: dict[str, object]) -> dict[str, object]:
        dates: dict[str, object] = {"created": moment, "modified": moment}
        context = [{"source": "sample", "comment": "a sample"}]
        return dates | {"value": value, "type": type_, "tags": list(tags), "context": context}

    rows = [
        row("198.51.100.7", "ipv4", tag("c2", True), tag("botnet", False)),
        row("c2.example", "hostname", tag("c2", True)),
        row("https://example.net/a,b?c=\"d'e", "url", tag("phishing", True), tag("c2", True)),
        row("2001:db8::7", "ipv6", tag("scanner", True)),
        row("a" * 64, "sha256", tag("malware", True)),
    ]
    return msgspec.json.encode(rows)


SAMPLES = _samples()
