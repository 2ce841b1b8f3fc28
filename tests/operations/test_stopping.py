"""How services end: when they are told to, when they are killed, and when their parts die."""

import json
import os
import signal
import socket
import struct
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from running import (
    PASSWORD,
    Service,
    children_of,
    is_alive,
    is_answered,
    new_key,
    service,
    until,
    yetictl,
)

from core.store import open_store, workers
from core.store.jobs import DONE, find

FORM = b"username=somebody&password=" + PASSWORD.replace(" ", "+").encode()


class Pending:
    """A request of which the last byte has not been sent."""

    def __init__(self, url: str) -> None:
        host, port = urlsplit(url).hostname, urlsplit(url).port
        self.socket = socket.create_connection((host, port), timeout=120)
        head = (
            "POST /api/v2/auth/token HTTP/1.1\r\nHost: x\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(FORM)}\r\n"
            "Expect: 100-continue\r\n\r\n"
        )
        self.socket.sendall(head.encode())
        begun = self.socket.recv(100)  # the server has begun with it, and wants the body
        assert begun.startswith(b"HTTP/1.1 100 "), begun
        self.socket.sendall(FORM[:-1])

    def finish(self) -> bytes:
        """Send the rest, and return the answer, to the end of the connection."""
        self.socket.sendall(FORM[-1:])
        return self.rest()

    def rest(self) -> bytes:
        """What comes until the connection is closed."""
        with self.socket:
            return b"".join(iter(lambda: self.socket.recv(65_536), b""))


def refuses(url: str) -> bool:
    """Whether nobody takes a connection there."""
    try:
        socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=2).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_end_and_takes_no_new_ones(home: Path, number: int, processes: str) -> None:
    """The request that is on its way is answered, others are refused at once, and the status is 0."""
    new_key(home)
    with service(home, "api", "--processes", processes) as api:
        url = api.answers()
        pending = Pending(url)
        api.process.send_signal(number)
        until(lambda: refuses(url), within_s=30)
        alive = api.process.poll()
        answer = pending.finish()
        status = api.ends(within_s=30)

    assert (None, 0) == (alive, status)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"access_token" in answer
    assert not any(word in api.text for word in ("interrupted", "Traceback", "error"))


def test_requests_are_waited_for_as_long_as_the_setting_says(home: Path) -> None:
    """Whoever never sends the rest is cut off after ``api.grace_s``."""
    with service(home, "api", api_grace_s="1") as api:
        pending = Pending(api.answers())
        began = time.monotonic()
        status = api.ends(signal.SIGTERM, within_s=30)
        took_s = time.monotonic() - began

    assert 0 == status
    assert 1 <= took_s < 15  # and not the twenty seconds of the default
    assert b"access_token" not in pending.rest()


def test_a_second_signal_waits_for_nothing(home: Path) -> None:
    """Somebody who presses Ctrl-C twice means it."""
    with service(home, "api", api_grace_s="60") as api:
        url = api.answers()
        pending = Pending(url)
        api.process.send_signal(signal.SIGINT)
        until(lambda: refuses(url), within_s=30)  # it has heard: two that wait would be one
        assert None is api.process.poll()
        assert 0 == api.ends(signal.SIGINT, within_s=30)
        pending.socket.close()


def test_a_client_that_hangs_up_ends_nothing(home: Path) -> None:
    """Writing to a connection that is closed is an error of that connection."""
    with service(home, "api") as api:
        url = api.answers()
        for _ in range(5):
            with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as rude:
                rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                rude.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        time.sleep(0.5)

        assert is_answered(url)
        assert 0 == api.ends(signal.SIGTERM)


def test_a_process_that_is_killed_is_begun_anew(home: Path) -> None:
    """The port goes on answering."""
    with service(home, "api", "--processes", "2") as api:
        url = api.answers()
        before = until(lambda: two(api))
        os.kill(before[0], signal.SIGKILL)
        after = until(lambda: two(api, but=before[0]))

        assert before[1] in after
        assert is_answered(url)
        assert 0 == api.ends(signal.SIGTERM)
    assert "a process of api died" in api.text
    assert not any(is_alive(child) for child in after)


def two(api: Service, but: int = 0) -> list[int]:
    """The two processes behind a port, once there are two."""
    found = children_of(api.process.pid)
    return found if len(found) == 2 and but not in found else []


def test_processes_end_with_the_one_that_began_them(home: Path) -> None:
    """SIGKILL lets it tell nobody; they find out, and nobody goes on listening."""
    with service(home, "api", "--processes", "2") as api:
        url = api.answers()
        children = until(lambda: two(api))
        api.process.kill()
        until(lambda: not any(is_alive(child) for child in children), within_s=30)

        assert refuses(url)


def test_processes_that_die_at_once_are_begun_ever_more_slowly(home: Path, tmp_path: Path) -> None:
    """A program that cannot run does not use up the machine, and can still be told to stop."""
    counts = tmp_path / "begun"
    counts.mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/sitecustomize.py").write_text(
        "import os, sys\n"
        "if '--multiprocessing-fork' in sys.orig_argv:\n"
        f"    open({str(counts)!r} + f'/{{os.getpid()}}', 'w').close()\n"
        "    os._exit(3)\n"
    )
    with service(home, "api", "--processes", "2", more={"PYTHONPATH": str(tmp_path / "broken")}) as api:
        until(lambda: len(list(counts.iterdir())) >= 4)
        began = len(list(counts.iterdir()))
        time.sleep(2.5)
        more = len(list(counts.iterdir())) - began
        status = api.ends(signal.SIGTERM, within_s=30)

    assert more <= 4
    assert 0 == status


def test_two_services_take_each_others_tokens(home: Path) -> None:
    """What signs tokens is made once and kept in the store, whoever of them is first."""
    key = new_key(home)
    with service(home, "api") as one, service(home, "api", "--processes", "2") as other:
        urls = (one.answers(), other.answers())
        for asked, told in (urls, reversed(urls)):
            token = httpx.post(f"{asked}/api/v2/auth/api-token", headers={"x-yeti-apikey": key}).json()
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            assert "somebody" == httpx.get(f"{told}/api/v2/auth/me", headers=headers).json()["username"]


def test_figures_are_of_all_processes_together(home: Path) -> None:
    """Whichever of them is asked."""
    key = new_key(home)
    with service(home, "api", "--processes", "2") as api:
        url = api.answers()
        until(lambda: two(api))
        for _ in range(30):  # a connection each, so that both get some
            httpx.get(f"{url}/docs-of-nobody")
        until(lambda: counted(url, key, 30))
        found = [counted(url, key, 30) for _ in range(6)]

    assert [True] * 6 == found


def test_figures_of_a_process_that_died_are_the_next_ones(home: Path) -> None:
    """What it counted counts, and however many die, there are no more files to be read."""
    key = new_key(home)
    with service(home, "api", "--processes", "2") as api:
        url = api.answers()
        children = until(lambda: two(api))
        folder = folder_of_figures(children[0])
        ask(url, 30)
        until(lambda: counted(url, key, 30))  # a request is counted when it has been answered
        before = sorted(file.name for file in folder.glob("*.db"))
        for number in (4, 5):
            children = replaced(api, children[0])
            ask(url, 10)
            until(partial(counted, url, key, 10 * number))
        after = sorted(file.name for file in folder.glob("*.db"))
        assert counted(url, key, 50)
        assert 0 == api.ends(signal.SIGTERM)

    assert 4 == len(before)
    assert before == after
    assert not folder.exists()


def replaced(api: Service, process: int) -> list[int]:
    """Kill one of the two, and return those that there are then."""
    os.kill(process, signal.SIGKILL)
    return until(lambda: two(api, but=process))


def ask(url: str, times: int) -> None:
    """Ask for what there is not, by a connection each, so that every process gets some."""
    for _ in range(times):
        assert 404 == httpx.get(f"{url}/docs-of-nobody", timeout=60).status_code


def counted(url: str, key: str, times: int) -> bool:
    """Whether so many of these requests have been counted, by all processes together."""
    page = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {key}"}, timeout=60).text
    return f'yeti_http_requests_total{{method="GET",route="none",status="404"}} {times}.0' in page


def folder_of_figures(process: int) -> Path:
    """Where a process puts what it counts."""
    lines = Path(f"/proc/{process}/environ").read_text().split("\0")
    return Path(next(line.partition("=")[2] for line in lines if line.startswith("PROMETHEUS_MULTIPROC_DIR=")))


def test_tasks_are_known_to_live_until_they_end(home: Path) -> None:
    """Its row is there while it runs, and gone at its end; a killed one leaves it, and it gets old."""
    with open_store(f"sqlite:///{home}/yeti.db") as store:

        def seen() -> list[str]:
            return [item.name for item in workers.lately(store, time.time_ns() // 1_000)]

        with service(home, "tasks") as tasks:
            (name,) = until(seen)
            assert str(tasks.process.pid) in name
            yetictl(home, "health", "tasks")
            assert 0 == tasks.ends(signal.SIGTERM)
        assert [] == seen()
        with service(home, "tasks") as tasks:
            until(seen)
            tasks.ends(signal.SIGKILL)
        assert 1 == len(seen())
        assert [] == workers.lately(store, time.time_ns() // 1_000 + 61_000_000)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_api_is_known_to_live_until_it_ends(home: Path, tmp_path: Path, processes: str) -> None:
    """A store is not replaced below it; it is one row however many processes answer, and none that runs exports."""
    backup = str(tmp_path / "a.backup")
    yetictl(home, "db", "backup", backup)
    with open_store(f"sqlite:///{home}/yeti.db") as store:

        def seen() -> list[str]:
            return [item.name for item in workers.lately(store, time.time_ns() // 1_000, service=workers.API)]

        with service(home, "api", "--processes", processes) as api:
            (name,) = until(seen)
            assert str(api.process.pid) in name
            with service(home, "db", "restore", backup) as restore:
                assert 1 == restore.ends()
            with service(home, "db", "copy", "--to", f"sqlite:///{tmp_path}/other.db") as copy:
                assert 1 == copy.ends()
            assert [] == workers.lately(store, time.time_ns() // 1_000)
            assert 0 == api.ends(signal.SIGTERM)
        assert [] == seen()
    yetictl(home, "db", "restore", backup)

    for refused in (restore, copy):
        assert f"the service api is running ({name}); stop it first" in refused.text


def test_an_api_makes_no_store_in_place_of_one_that_is_gone(home: Path) -> None:
    """That it is there is not put down in a new database, which would look as if all were well."""
    with service(home, "api") as api:
        api.answers()
        for file in home.glob("yeti.db*"):
            file.unlink()
        assert 0 == api.ends(signal.SIGTERM)

    assert [] == list(home.glob("yeti.db"))
    assert "the database is gone" in api.text


def test_both_in_one_process(home: Path) -> None:
    """``serve`` answers, runs what is due, and ends with one signal: status 0, nothing left."""
    (home / "feed.txt").write_text("8.8.4.1\n")
    yetictl(home, "import", str(home / "feed.txt"), "--tag", "c2")
    yetictl(home, "export", "add", "x", "--format", "list", "--include", "c2", "--every", "1h")
    with open_store(f"sqlite:///{home}/yeti.db") as store:
        with service(home, "serve", "--workers", "2") as both:
            url = both.answers()
            until(lambda: find(store, states=(DONE,)))
            ready = httpx.get(f"{url}/readyz").json()["status"]
            assert 0 == both.ends(signal.SIGTERM)
        assert [] == workers.lately(store, time.time_ns() // 1_000)

    assert "ready" == ready
    assert "8.8.4.1\n" == (home / "exports/x.txt").read_text()
    assert refuses(url)
    assert not any(word in both.text for word in ("interrupted", "Traceback"))


def test_a_port_that_is_taken_is_said(home: Path) -> None:
    """One line that says what to change, and nothing else goes on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for verb in ("api", "serve"):
            with service(home, verb, "--port", port) as one:
                assert 1 == one.ends()
            assert f"cannot listen on 127.0.0.1 port {port}" in one.text
            assert "Traceback" not in one.text


def test_lines_say_of_which_request_and_run_they_are(home: Path) -> None:
    """One JSON object a line: the id of the request that was sent along, and run, export and job."""
    (home / "feed.txt").write_text("8.8.4.1\n")
    yetictl(home, "import", str(home / "feed.txt"), "--tag", "c2")
    yetictl(home, "export", "add", "x", "--format", "list", "--include", "c2", "--every", "1h")
    with service(home, "serve", log_format="json") as both:
        url = both.answers()
        httpx.get(f"{url}/no-such-page", headers={"X-Request-ID": "id-of-a-proxy"})
        until(lambda: "job ended" in both.text)
        both.ends(signal.SIGTERM)

    lines = [json.loads(line) for line in both.text.splitlines() if line.startswith("{")]
    (answered,) = [line for line in lines if line.get("path") == "/no-such-page"]
    assert ("id-of-a-proxy", 404, "info") == (answered["request"], answered["status"], answered["level"])
    of_run = [line for line in lines if "run" in line]
    assert {"list made", "export completed"} <= {line["event"] for line in of_run}
    assert {(1, "x", 1)} == {(line["run"], line["export"], line["job"]) for line in of_run}
    assert {("x", 1)} == {(line["export"], line["job"]) for line in lines if line["event"].startswith("job ")}
    assert not any("color_message" in line for line in lines)
    assert not any(line.get("path") == "/healthz" for line in lines)
