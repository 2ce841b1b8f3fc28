"""Programs that pass or turn away requests of the web: each on a free port of 127.0.0.1, stopped by its process id.

Behind a proxy stands a server that answers every request with 200, so that nothing leaves the machine.
"""

import http.client
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import consumer_tools
from servers import end

START_TIMEOUT_S = 60.0
LISTED, PASSED = 403, 200


class _Anything(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(PASSED)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def origin() -> Iterator[int]:
    """Run the server behind all; give its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Anything) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def running(tool: str, words: Sequence[str | Path], folder: Path, port: int) -> Iterator[None]:
    """Run a program until the block ends, which begins when the program answers on its port."""
    log = folder / "output"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [consumer_tools.need(tool), *map(str, words)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, port, log)
            yield
        finally:
            end(process)


def statuses(port: int, requests: Iterable[tuple[str, dict[str, str]]]) -> list[int]:
    """Return how each request, a target with its headers, is answered."""
    found = []
    for target, headers in requests:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
            connection.request("GET", target, headers=headers)
            found.append(connection.getresponse().status)
    return found


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            statuses(port, [("/", {})])
        except OSError:
            said = log.read_text("utf-8", "replace")[-3_000:]
            assert process.poll() is None, f"it ended: {said}"
            assert time.monotonic() < end, f"it does not answer: {said}"
            time.sleep(0.05)
        else:
            return
