"""Many at once: versions that change while they are fetched, and large files in little memory."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from publishing import Publisher, addresses, text_of, unpacked

from core.exports.versions.rollback import roll_back
from core.schemas.instant import SECOND

ROOT = Path(__file__).parents[3]
CHANGES = int(os.environ.get("YETI_TEST_CHANGES", "30"))
"""How often a list changes; a trial with 200 takes minutes."""
MIB = 1 << 20
BIG = '''
"""A file of a size of one's own."""

from core.exports.formats import Option

NAME, MEANING, SUFFIX, MEDIA_TYPE, TYPES = "big", "a large file", ".txt", "text/plain; charset=utf-8", None
OPTIONS = {"mib": Option("1", "its size")}

def render(rows, out, options):
    file = out.open()
    for batch in rows:
        for row in batch:
            for number in range(int(options["mib"])):
                file.write(f"{number:07} 0123456789abcdef0123456\\n" * 32768, 0)
            file.write("", 1)
'''


@contextmanager
def polling(publisher):
    """Let three clients ask for the list again and again; give the bodies that they got, by their tags."""
    ends, problems, seen = threading.Event(), [], {}

    def poll(coding):
        tag = ""
        with publisher.client() as client:
            while not ends.is_set():
                headers = {"Accept-Encoding": coding, "If-None-Match": tag}
                with client.stream("GET", "/exports/c2.txt", headers=headers) as answer:
                    raw = b"".join(answer.iter_raw())
                if answer.status_code == 304:
                    continue
                tag = answer.headers["etag"] if answer.status_code == 200 else ""
                if f'"{hashlib.sha256(raw).hexdigest()}"' != tag:
                    problems.append((answer.status_code, tag, raw[:200]))
                else:
                    seen[tag] = unpacked(answer, raw)

    pollers = [threading.Thread(target=poll, args=(coding,)) for coding in ("identity", "gzip", "zstd")]
    for poller in pollers:
        poller.start()
    try:
        yield seen
    finally:
        ends.set()
        for poller in pollers:
            poller.join()
    assert [] == problems


def test_a_body_is_always_that_of_its_tag(publisher):
    """While a list is rolled back and forth, whoever polls gets one of its versions, whole."""
    one, two = addresses(1_000), addresses(600, first=300)
    publisher.publish("c2", one, is_public=True)
    publisher.run("c2", two)
    said = {"by": "test", "reason": "back and forth", "exact": True}
    with polling(publisher) as seen, publisher.api.services.store() as store:
        for number in range(CHANGES):
            now = publisher.api.clock.now + (number + 1) * SECOND
            roll_back(store, "c2", max(1, number), publisher.api.services.settings, **said, now=now)

    assert {text_of(one), text_of(two)} == set(seen.values())
    assert 6 == len(seen)


def test_a_version_that_is_removed_is_never_missed(make_api):
    """Retention keeps one: whoever asks just then gets the next one, and nobody an error."""
    publisher = Publisher(make_api(versions_keep_last="1", versions_keep_daily="0", versions_keep_weekly="0"))
    publisher.publish("c2", addresses(1_000), is_public=True)
    bodies = {text_of(addresses(1_000 + number)) for number in range(1 + CHANGES // 2)}
    with polling(publisher) as seen:
        for number in range(CHANGES // 2):
            publisher.run("c2", addresses(1_001 + number))

    assert len(set(seen.values())) > CHANGES // 4
    assert set(seen.values()) <= bodies


@pytest.fixture
def installation(tmp_path, new_databases):
    """An installation of its own, with a file of 300 MiB that anybody may fetch."""
    plugin = tmp_path / "plugins" / "formats" / "big.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(BIG)
    os.utime(plugin, (1, 1))
    (tmp_path / "feed.csv").write_text("value,type,tags\nexample.com,hostname,c2\n")
    environ = os.environ | {"YETI_HOME": str(tmp_path), "YETI_API_PORT": "0", "PYTHONPATH": str(ROOT)}
    environ |= new_databases.environ(tmp_path / "yeti.db")
    program = [sys.executable, "-m", "core"]
    for command in (
        ("import", "feed.csv", "--source", "feed"),
        ("export", "add", "big", "--format", "big", "--option", "mib=300", "--public"),
        ("export", "run", "big"),
    ):
        subprocess.run(
            [*program, *command], cwd=tmp_path, env=environ, check=True, capture_output=True, timeout=120
        )
    return tmp_path, environ, program


def test_a_large_file_is_sent_in_little_memory(installation):
    """Three clients at once fetch 300 MiB from a process that takes hardly more memory than before."""
    folder, environ, program = installation
    log = (folder / "api.log").open("w+")
    process = subprocess.Popen([*program, "api"], cwd=folder, env=environ, stderr=log)
    try:
        url = address_in(folder / "api.log")
        httpx.head(f"{url}/exports/big.txt")
        before = peak_bytes(process.pid)
        got = []

        def fetch():
            digest, size = hashlib.sha256(), 0
            headers = {"Accept-Encoding": "identity"}
            with httpx.stream("GET", f"{url}/exports/big.txt", headers=headers, timeout=60) as answer:
                for chunk in answer.iter_raw(MIB):
                    digest.update(chunk)
                    size += len(chunk)
            got.append((size, f'"{digest.hexdigest()}"' == answer.headers["etag"]))

        fetchers = [threading.Thread(target=fetch) for _ in range(3)]
        for fetcher in fetchers:
            fetcher.start()
        for fetcher in fetchers:
            fetcher.join()
        after = peak_bytes(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.close()

    assert [(300 * MIB, True)] * 3 == got
    assert after - before < 32 * MIB


def peak_bytes(pid):
    """The most memory that a process had so far."""
    (found,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found) * 1024


def address_in(log):
    """Where a service listens, as it says."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := re.search(r"http://127\.0\.0\.1:[1-9]\d*", log.read_text()):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(log.read_text())
