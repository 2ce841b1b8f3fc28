"""Measure one subject in a process of its own: ``python -m bench.storage.worker SUBJECT``.

Orders come as lines of JSON on standard input, an answer goes back for each.  Where a server is, and which bucket
or folder to use, is in the environment.  What comes back from the storage is checked while it is measured.
"""

import json
import os
import sys
import time

from bench.storage import content
from bench.storage.subjects import subject

SMALL_NAMES = 100


class Worker:
    """The subject, ready for use, and an answer to each order."""

    def __init__(self, name: str) -> None:
        self.subject = subject(name)()
        self.subject.load()

    def versions(self) -> dict[str, object]:
        """Return the versions of what the subject is made of."""
        from importlib.metadata import version

        return {name: version(name) for name in self.subject.packages}

    def ready(self) -> dict[str, object]:
        """Put something small first: what is measured in a process of its own shall not be its first request."""
        if self.subject.put:
            self.subject.put("ready", b"x")
        return {}

    def put(self, count: int, size_bytes: int = 1024) -> dict[str, object]:
        """Put small objects, one after the other."""
        data = b"".join(content.content(size_bytes))
        return _each(count, lambda name: self.subject.put(name, data))

    def get(self, count: int, size_bytes: int = 1024) -> dict[str, object]:
        """Get them; each must be the whole of what was put."""
        data = b"".join(content.content(size_bytes))

        def get(name: str) -> None:
            if self.subject.get(name) != data:
                raise ValueError(f"{name}: other bytes than were stored")

        return _each(count, get)

    def upload(self, name: str, path: str) -> dict[str, object]:
        """Store a file."""
        return _once(lambda: self.subject.upload(name, path))

    def download(self, name: str, size_bytes: int) -> dict[str, object]:
        """Fetch an object in chunks and drop them."""
        return _once(lambda: content.check(self.subject.download(name), size_bytes))

    def text(self, name: str, size_bytes: int) -> dict[str, object]:
        """Store chunks of text, of which nobody knows how many will come."""
        next(content.text(1))
        return _once(lambda: self.subject.text(name, content.text(size_bytes)))

    def chunks(self, name: str, size_bytes: int) -> dict[str, object]:
        """Store chunks of bytes of a known length, which are there already."""
        data = list(content.content(size_bytes))
        return _once(lambda: self.subject.chunks(name, data, size_bytes))

    def clients(self, count: int) -> dict[str, object]:
        """Make clients for a local path."""
        from core.clients.persistient_storage import get_client

        path = os.environ["BENCH_FOLDER"]
        get_client(path)
        return _each(count, lambda _: get_client(path))


def _each(count, do) -> dict[str, object]:
    walls = []
    names = [f"small/{number % SMALL_NAMES}" for number in range(count)]
    used = time.process_time()
    for name in names:
        began = time.perf_counter()
        do(name)
        walls.append(time.perf_counter() - began)
    used = time.process_time() - used
    return {"wall_s": sorted(walls)[len(walls) // 2], "cpu_s": used / count}


def _once(do) -> dict[str, object]:
    used, began = time.process_time(), time.perf_counter()
    do()
    took = time.perf_counter() - began
    return {"wall_s": took, "cpu_s": time.process_time() - used, "peak_mib": peak_mib()}


def peak_mib() -> float:
    """Return the most memory that this process had.

    ``ru_maxrss`` would be at least what the process had that started this one: Linux hands it on.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - pathlib would count
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
    except FileNotFoundError:
        import resource

        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is no answer
    worker = None
    for line in sys.stdin:
        order = json.loads(line)
        try:
            worker = worker or Worker(sys.argv[1])
            answer = getattr(worker, order.pop("do"))(**order)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
