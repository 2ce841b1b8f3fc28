"""Render a template, in a process of its own.

``templates.py`` starts this file as a script.  A template is untrusted: this process has no credential
in its environment, no open file but its three, bounds on memory, processor time and output, and dies with its
parent.

Standard input brings frames, each four bytes of length (big-endian) and so much JSON: first the `Job`, then lists
of rows.  A frame of length zero says that the rows are complete; an end without one, that the parent has given
up.  Standard output is the file that is made.  Standard error gets one JSON object at the end: how it went.
"""

import ctypes
import gc
import os
import re
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO, TypedDict

import minijinja
import msgspec

FUEL_BASE = 10_000_000
FUEL_PER_ROW = 20_000
FAULTS = ("UnknownFilter", "UnknownTest", "UnknownFunction", "UnknownMethod", "OutOfFuel")
TEMPLATE = "template"
# What Python writes for a method that is printed instead of called holds a memory address.
VARIABLE = "data"
MISSING = re.compile(r"`(.+)` is undefined", re.DOTALL)
# A field by its name: of these it is known which there are; how many tags a row has is not.
FIELD = re.compile(r"""\.\w+\Z|\[(['"]).*\1\]\Z""", re.DOTALL)
CODE = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
SET = re.compile(r"\{%[-+]?\s*(?:set|macro)\s([^=%(]*)")
STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
METHOD = re.compile(r"<(?:built-in )?method \w+ of \w+ object at 0x[0-9a-f]+>")


class Job(msgspec.Struct):
    """What to do: ``parts`` are one template to render whole, or before, loop and after to render in batches."""

    parts: list[str]
    parent: int
    memory_bytes: int
    processor_s: int
    output_bytes: int
    is_check: bool = False


class Tag(TypedDict, total=False):
    """A tag as a template sees it; a template that takes only names is sent only these."""

    name: str
    fresh: bool
    source: str
    kind: str
    first_seen: datetime | None
    last_seen: datetime | None
    expires: datetime | None


class Row(TypedDict):
    """A row as a template sees it."""

    value: str
    type: str
    tags: list[Tag]
    created: datetime | None
    modified: datetime | None
    context: list[dict[str, Any]]


class Anything(dict[str, Any]):
    """An entry of a context that has whatever it is asked for."""

    def __missing__(self, key: str) -> "Anything":
        return Anything()

    def __str__(self) -> str:
        return ""


class Failed(Exception):
    """Say what was wrong with the template; ``kind`` is the engine's word for it, ``missing`` what is undefined."""

    def __init__(self, message: str, kind: str = "", missing: str = "") -> None:
        super().__init__(message)
        self.kind, self.missing = kind, missing


class TooMuch(Exception):
    """Say that the output is over its bound."""


def main() -> int:
    """Do one job; the exit status says only whether the report was written."""
    # Frames and report have descriptors of their own, so that nothing a library prints can get between.
    frames, report = os.fdopen(os.dup(0), "rb"), os.dup(2)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 2)
    job = msgspec.json.decode(next(read_frames(frames)), type=Job)
    bind(job)
    try:
        with panics_said():
            answer = work(job, frames)
    except Failed as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"bound": "memory"}
    except TooMuch:
        answer = {"bound": "output"}
    except OSError as error:
        answer = {"disk": os.strerror(error.errno or 0)}
    except EOFError:
        return 1
    os.write(report, msgspec.json.encode(answer))
    return 0


def bind(job: Job) -> None:
    """Put this process under its bounds."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (job.memory_bytes, job.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (job.processor_s, job.processor_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (job.output_bytes, job.output_bytes))
    if sys.platform == "linux":
        die_with_parent = 1
        ctypes.CDLL(None).prctl(die_with_parent, signal.SIGKILL)
    if os.getppid() != job.parent:
        raise SystemExit(1)


def read_frames(stream: BinaryIO) -> Iterator[bytes]:
    """Yield frames until the empty one."""
    while True:
        head = stream.read(4)
        size = int.from_bytes(head, "big")
        frame = stream.read(size)
        if len(head) < 4 or len(frame) < size:
            raise EOFError
        if not size:
            return
        yield frame


def work(job: Job, frames: BinaryIO) -> dict[str, object]:
    """Render what the frames bring, and answer what the parent wants to know."""
    environments = [environment(part) for part in job.parts]
    if job.is_check:
        return check(job.parts[0], environments, frames)
    output = Output(sys.stdout.buffer, job.output_bytes)
    rows_of = msgspec.json.Decoder(list[Row]).decode
    gc.disable()  # rows hold no cycles; collecting in between costs more than all the rest
    if len(environments) == 1:
        rows = [row for frame in read_frames(frames) for row in rows_of(frame)]
        output.write(render(environments[0], rows))
    else:
        before, loop, after = environments
        output.write(render(before, []))
        for frame in read_frames(frames):
            rows = rows_of(frame)
            output.write(render(loop, rows))
        output.write(render(after, []))
    output.close()
    return {"done": True}


class Output:
    """The file that is made, up to its bound."""

    def __init__(self, stream: BinaryIO, most_bytes: int) -> None:
        self._stream, self._left = stream, most_bytes

    def write(self, text: str) -> None:
        """Add what was rendered."""
        try:
            data = text.encode()
        except UnicodeEncodeError:
            raise Failed("it gives half a surrogate pair, which is not text") from None
        self._left -= len(data)
        if self._left < 0:
            raise TooMuch
        self._stream.write(data)

    def close(self) -> None:
        """Hand everything to the operating system."""
        self._stream.flush()


def environment(source: str) -> minijinja.Environment:
    """Return an environment that holds one template and nothing to reach out with.

    Raises:
        Failed: The template does not parse.
    """
    made = minijinja.Environment(auto_escape_callback=lambda name: False)
    # What is not there is never silently nothing; decision 0083 says how a template asks for it.
    made.undefined_behavior = "semi_strict"  # type: ignore[assignment]  # missing in its stubs
    made.remove_global("debug")
    try:
        made.add_template(TEMPLATE, source)
    except minijinja.TemplateError as error:
        raise Failed(in_words(error), error.kind) from None
    return made


@contextmanager
def panics_said() -> Iterator[None]:
    """Turn a panic of the engine, which is no ``Exception``, into words.

    Raises:
        Failed: There was one.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # the engine's binding gives nothing to import
            raise
        raise Failed(
            "the template engine breaks down on it, as is known of {% break %} and {% continue %} inside {% with %} "
            f"({error})"
        ) from None


def render(made: minijinja.Environment, rows: list[Row]) -> str:
    """Render one batch.

    Raises:
        Failed: The template met something it cannot do.
    """
    made.fuel = FUEL_BASE + FUEL_PER_ROW * len(rows)
    try:
        text = made.render_template(TEMPLATE, **{VARIABLE: rows})
    except minijinja.TemplateError as error:
        missing = MISSING.search(error.message)
        raise Failed(in_words(error), error.kind, missing[1] if missing else "") from None
    except (MemoryError, EOFError):
        raise
    except Exception as error:  # a method of a row that was called wrongly
        raise Failed(f"{type(error).__name__}: {error}") from None
    if " object at 0x" in text and METHOD.search(text) and not METHOD.search(str(rows)):
        raise Failed("it prints a method instead of calling it", "UnknownMethod")
    return text


def check(source: str, environments: list[minijinja.Environment], frames: BinaryIO) -> dict[str, object]:
    """Try the template on samples: whole first, then in parts if there are any, to see that they give the same.

    What depends on the data (a key of the context that the samples lack) is no fault of the template; a variable or
    a field that there never is, is one.
    """
    rows = msgspec.json.Decoder(list[Row]).decode(next(read_frames(frames)))
    whole, parts = environments[0], environments[1:]
    attempt(lambda: render_copies(whole, rows))
    find_names(source, whole)
    find_fields(source, whole, rows)
    for count in (0, len(rows)):
        expected = attempt(lambda count=count: render_copies(whole, rows[:count]))  # type: ignore[misc]
        if parts:
            actual = attempt(lambda count=count: in_batches(parts, rows[:count]))  # type: ignore[misc]
            if expected != actual:
                return {"differs": True}
    return {"done": True}


def find_names(source: str, made: minijinja.Environment) -> None:
    """Look for variables that there are not, also where no sample gets.

    Raises:
        Failed: There is one; the message has the line.
    """
    # The engine does not know what is set in a block that is no scope.
    known = {VARIABLE, "super", *made.globals, *names_set(source)}
    for name in sorted(made.undeclared_variables_in_template(TEMPLATE) - known):
        word = re.compile(rf"{STRING}|(?<![.\w])({name})\b", re.DOTALL)
        for code in CODE.finditer(source):
            used = code[0][1] != "#" and next((found for found in word.finditer(code[0]) if found[1]), None)
            if used:
                line = source.count("\n", 0, code.start() + used.start()) + 1
                raise Failed(
                    f"line {line}: there is no `{name}`; the one variable is `{VARIABLE}`", "UndefinedError"
                )


def find_fields(source: str, made: minijinja.Environment, rows: list[Row]) -> None:
    """Look for fields that no row has, by rows whose context has everything.

    Raises:
        Failed: There is one; the message has the line.
    """
    copies = msgspec.json.decode(msgspec.json.encode(rows), type=list[Row])
    for row in copies:
        row["context"] = [Anything(entry) for entry in row["context"]]
    try:
        render(made, copies)
    except Failed as error:
        root = re.match(r"\w*", error.missing)
        if FIELD.search(error.missing) and root and root[0] not in names_set(source):
            raise


def names_set(source: str) -> set[str]:
    """Return what the template itself gives a name to."""
    return {name for head in SET.findall(source) for name in re.findall(r"\w+", head)}


def attempt(function: Callable[[], str]) -> str | None:
    """Return what *function* gives, ``None`` if the template fails on the samples."""
    try:
        return function()
    except Failed as error:
        if error.kind == "TemplateNotFound":
            raise Failed(f"{error}; a template cannot use other templates") from None
        if error.kind in FAULTS:
            raise
        return None


def render_copies(made: minijinja.Environment, rows: list[Row]) -> str:
    """Render rows that nobody else sees."""
    return render(made, msgspec.json.decode(msgspec.json.encode(rows), type=list[Row]))


def in_batches(parts: list[minijinja.Environment], rows: list[Row]) -> str:
    """Render *rows* two at a time."""
    before, loop, after = parts
    batches = [render_copies(loop, rows[start : start + 2]) for start in range(0, len(rows), 2)]
    return render(before, []) + "".join(batches) + render(after, [])


def in_words(error: minijinja.TemplateError) -> str:
    """Return a message with its line, without the engine's name for the source."""
    if error.kind == "OutOfFuel":
        return "it does too much work for the number of rows"
    message = error.message.replace(f" (in {TEMPLATE}:{error.line})", "").strip()
    if error.kind == "UndefinedError":
        missing = MISSING.search(message)
        name = missing[1] if missing else "X"
        what = f"`{name}` is undefined" if missing else "something that is used is undefined"
        message = f"{what}; what may be missing is written `{name}|default('')`"
    return f"line {error.line}: {message}" if error.line else message


if __name__ == "__main__":
    raise SystemExit(main())
