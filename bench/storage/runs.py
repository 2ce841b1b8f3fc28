"""The measures, one function each: all subjects take turns, round by round, so that drift hits all alike."""

import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from bench.storage.content import content, digest_of, text
from bench.storage.environments import ROOT, python_of
from bench.storage.figures import JUDGED, Figures, Sizes, size_name
from bench.storage.processes import Place, StepFailed, Worker, bare_environment, whole_process
from bench.storage.subjects import subject

Told = Callable[[str], None]

_START = "from bench.storage.subjects import subject; s = subject({!r})(); s.load(); s.put('start', b'x' * 1024)"
_PACKAGE = "core.clients.persistient_storage"
_VENDORS = {
    "azure",
    "boto3",
    "botocore",
    "fsspec",
    "google",
    "obstore",
    "paramiko",
    "requests",
    "s3transfer",
    "urllib3",
}
_PEAK = """
import resource, sys
try:
    print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:")) / 1024)
except FileNotFoundError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10)))
"""


def turns(names: list[str], number: int) -> list[str]:
    """Return the subjects in the order of a round: it begins with another each time, and goes both ways."""
    start = number // 2 % max(1, len(names))
    turned = names[start:] + names[:start]
    return turned[::-1] if number % 2 else turned


def small(figures: Figures, place: Place, names: list[str], sizes: Sizes, tell: Told) -> None:
    """Put and get 1 KiB, one after the other; the client is reused."""
    with ExitStack() as stack:
        workers = {}
        for name in able(names, "put"):
            worker = stack.enter_context(Worker(name, place.environment()))
            key = (place.name, "warm up", name)
            if figures.take(key, partial(worker.ask, "put", count=25)) and figures.take(
                key, partial(worker.ask, "get", count=25)
            ):
                workers[name] = worker
        for number in range(sizes.small_rounds):
            tell(f"{place.name}: put and get 1 KiB, {_round(number, sizes.small_rounds)}")
            for do in ("put", "get"):
                for name in turns(list(workers), number):
                    asked = partial(workers[name].ask, do, count=sizes.small_each)
                    key = (place.name, f"{do} 1 KiB", name)
                    figures.take(key, partial(counted, place, asked, sizes.small_each))


def large(figures: Figures, place: Place, names: list[str], sizes: Sizes, folder: Path, tell: Told) -> None:
    """Store a file, and fetch it again in chunks."""
    for size_bytes, rounds in sizes.large:
        source = folder / "source"
        with source.open("wb") as file:
            file.writelines(content(size_bytes))
        expected = digest_of(content(size_bytes))
        for number in range(rounds):
            for name in turns(able(names, "upload"), number):
                tell(f"{place.name}: {size_name(size_bytes)} up and down, {name}, {_round(number, rounds)}")
                key = (place.name, f"up {size_name(size_bytes)}", name)
                upload = partial(alone, place, name, expected, "upload", path=str(source))
                if figures.take(key, upload):
                    key = (place.name, f"down {size_name(size_bytes)}", name)
                    figures.take(key, partial(alone, place, name, None, "download", size_bytes=size_bytes))
                place.forget(name)
        source.unlink()


def streams(figures: Figures, place: Place, names: list[str], sizes: Sizes, tell: Told) -> None:
    """Store chunks of text of which nobody knows how many will come."""
    expected = digest_of(chunk.encode() for chunk in text(sizes.text_bytes))
    # The first round is not counted: the server makes its volumes in it.
    for number in range(-1, max(sizes.text_rounds, sizes.judged_text_rounds)):
        for name in turns(able(names, "text"), number + 1):
            if number < (rounds := text_rounds(name, sizes)) and (number >= 0 or name in JUDGED):
                tell(f"{place.name}: {size_name(sizes.text_bytes)} of text, {name}, {_round(number, rounds)}")
                key = (place.name, "text" if number >= 0 else "warm up text", name)
                asked = partial(alone, place, name, expected, "text", size_bytes=sizes.text_bytes)
                figures.take(key, asked)
                place.forget(name)


def text_rounds(name: str, sizes: Sizes) -> int:
    """Return how often a subject stores text."""
    return sizes.judged_text_rounds if name in JUDGED else sizes.text_rounds


def starts(figures: Figures, place: Place, names: list[str], sizes: Sizes, tell: Told) -> None:
    """Start a process, import, put 1 KiB, end; beside it the bare interpreter."""
    names = able(names, "put")
    for number in range(-1, sizes.start_rounds):
        tell(
            f"{place.name}: start-up, "
            + (f"round {number + 1} of {sizes.start_rounds}" if number >= 0 else "first")
        )
        for name in turns([*names, "bare"], number + 1):
            code = "pass" if name == "bare" else _START.format(name)
            python = python_of("" if name == "bare" else subject(name).environment)
            measured = partial(whole_process, python, code, place.environment())
            if number >= 0:
                figures.take((place.name, "start", name), measured)
            elif name != "bare":
                figures.take((place.name, "first start", name), measured)  # files are compiled and read


def imports(figures: Figures, names: list[str], sizes: Sizes, tell: Told) -> None:
    """Import and end; beside it the bare interpreter of the same environment."""
    for number in range(-1, sizes.import_rounds):
        tell(f"import, {_round(number, sizes.import_rounds)}")
        for name in turns(names, max(0, number)):
            module = getattr(subject(name), "module", "")
            if not module or (name not in JUDGED and number >= sizes.start_rounds):
                continue
            python = python_of(subject(name).environment)
            both = [whole_process(python, code, {})["wall_s"] for code in (f"import {module}", "pass")]
            if number >= 0:
                key = ("none", "import", name)
                figures.take(key, lambda both=both: {"wall_s": both[0] - both[1]})


def vendors() -> list[str]:
    """Return which vendors' packages importing ours has loaded; there must be none."""
    code = f"import sys, {_PACKAGE}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return sorted(set(_output(python_of(""), code).split()) & _VENDORS)


def bare_mib(name: str) -> float:
    """Return the most memory that the interpreter of a subject has with nothing in it."""
    return float(_output(python_of(subject(name).environment), _PEAK))


def versions(name: str) -> dict[str, str]:
    """Return the versions of what a subject is made of; a package may have another one in another environment."""
    code = "import sys, importlib.metadata as found; print(*map(found.version, sys.argv[1:]))"
    packages = subject(name).packages
    found = _output(python_of(subject(name).environment), code, *packages).split()
    return {
        (
            f"{package} of s3fs" if subject(name).environment == "s3fs" and package == "botocore" else package
        ): version
        for package, version in zip(packages, found, strict=True)
    }


def at(place: str, names: list[str]) -> list[str]:
    """Return the subjects that can talk to a place: the bare socket signs nothing."""
    return [name for name in names if name != "socket" or place == "sink"]


def count(names: list[str], places: list[str], sizes: Sizes) -> int:
    """Return how many steps all of this is."""
    steps = sizes.import_rounds + 1
    if "ours" in names:
        steps += sum(rounds + 1 for _, rounds, _ in sizes.local) + 1
    for place in places:
        here = at(place, names)
        steps += sizes.small_rounds + sizes.start_rounds + 1
        steps += sum(rounds for _, rounds in sizes.large) * len(able(here, "upload"))
        steps += sum(text_rounds(name, sizes) + (name in JUDGED) for name in able(here, "text"))
    return steps


def local(figures: Figures, sizes: Sizes, folder: Path, tell: Told) -> None:
    """Put files durably into a local folder; beside it the bare recipe."""
    environment = {"BENCH_FOLDER": str(folder)}
    (folder / "small").mkdir()
    names = ["ours-local", "recipe"]
    for size_bytes, rounds, each in sizes.local:
        with ExitStack() as stack:
            workers = {name: stack.enter_context(Worker(name, environment)) for name in names}
            for number in range(-1, rounds):
                tell(f"local: durable put of {size_name(size_bytes)}, {_round(number, rounds)}")
                for name in turns(names, number + 1):
                    if each:
                        asked = partial(workers[name].ask, "put", count=each, size_bytes=size_bytes)
                        check = folder / "small" / "0"
                    else:
                        asked = partial(workers[name].ask, "chunks", name="large", size_bytes=size_bytes)
                        check = folder / "large"
                    measure = f"put {size_name(size_bytes)}" if number >= 0 else "warm up"
                    figures.take(("local", measure, name), partial(_checked, asked, check, size_bytes))
    with Worker("ours-local", environment) as worker:
        tell("local: get_client")
        for _ in range(sizes.import_rounds):
            figures.take(("local", "get_client", "ours-local"), partial(worker.ask, "clients", count=200))


def alone(place: Place, name: str, expected: tuple[int, str] | None, do: str, **order: Any) -> dict[str, Any]:
    """Do one thing in a process of its own, that has put something small before, and look at what is stored then."""
    with Worker(name, place.environment()) as worker:
        worker.ask("ready")
        figures = counted(place, partial(worker.ask, do, name=name, **order))
    if expected:
        size_bytes, digest = place.stored(name)
        if size_bytes != expected[0] or digest not in (None, expected[1]):
            raise StepFailed(f"{name}: {do}: {size_bytes} bytes are stored, or others, and not the {expected[0]}")
    return figures


def counted(place: Place, measured: Callable[[], dict[str, Any]], each: int = 1) -> dict[str, Any]:
    """Measure, and count the requests of one operation where the server does."""
    before = place.requests()
    figures = measured()
    after = place.requests()
    return figures if before is None or after is None else {**figures, "requests": (after - before) / each}


def able(names: list[str], method: str) -> list[str]:
    """Return those that have what is to be measured."""
    return [name for name in names if getattr(subject(name), method, None)]


def _round(number: int, rounds: int) -> str:
    return f"round {number + 1} of {rounds}" if number >= 0 else "warming up"


def _checked(asked: Callable[[], dict[str, Any]], path: Path, size_bytes: int) -> dict[str, Any]:
    path.unlink(missing_ok=True)
    figures = asked()
    if digest_of(iter([path.read_bytes()])) != digest_of(content(size_bytes)):
        raise StepFailed(f"{path.name}: not what was put")
    return figures


def _output(python: str, code: str, *arguments: str) -> str:
    command = [python, "-c", code, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=bare_environment(), capture_output=True, text=True, check=True
    ).stdout
