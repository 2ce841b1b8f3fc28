"""``SHA256SUMS`` by HTTP: of what somebody may fetch, as it lies in the folder."""

import hashlib
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from publishing import FILES, Publisher, addresses

from core.exports.publishing.minisign_key import new_key, read_key

SUMS = f"{FILES}/SHA256SUMS"


def _line(name: str, data: bytes) -> str:
    return f"{hashlib.sha256(data).hexdigest()}  {name}\n"


@pytest.fixture
def signing(make_api, tmp_path):
    """An installation that signs."""
    new_key(tmp_path / "key")
    return Publisher(make_api(publish_signing_key=str(tmp_path / "key")))


def test_they_are_those_of_the_folder(signing, tmp_path):
    """Byte for byte, with the signature, for who may fetch all of it; and `sha256sum` is content with the files."""
    signing.publish("b", addresses(30), deltas=True)
    signing.publish("a", addresses(20), is_public=True)
    signing.run("b", addresses(31))
    folder = Path(signing.api.services.settings.export_path)
    with signing.client(signing.consumer("siem", all_exports=True)) as client:
        sums, signature = client.get(SUMS), client.get(f"{SUMS}.minisig")
        for line in sums.text.splitlines():
            (tmp_path / line[66:]).write_bytes(client.get(f"{FILES}/{line[66:]}").content)

    assert (folder / "SHA256SUMS").read_bytes() == sums.content
    assert (folder / "SHA256SUMS.minisig").read_bytes() == signature.content
    assert 2 == len(sums.text.splitlines())
    assert "text/plain; charset=utf-8" == sums.headers["content-type"]
    (tmp_path / "SHA256SUMS").write_bytes(sums.content)
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)


def test_they_tell_of_nothing_that_is_not_yours(publisher):
    """Neither name nor hash of a list that somebody may not fetch, from there."""
    yours = publisher.publish("yours", addresses(3))
    publisher.publish("secret", addresses(4))
    public = publisher.publish("open", addresses(5), is_public=True)
    publisher.publish("far", addresses(6), is_public=True, networks=("192.0.2.0/24",))
    with publisher.client() as nobody, publisher.client(publisher.consumer("fw", "yours")) as fw:
        found = fw.get(SUMS)
        open_ = nobody.get(SUMS)
        own = fw.get(f"{FILES}/~yours/SHA256SUMS")
        others = [fw.get(f"{FILES}/~secret/SHA256SUMS"), nobody.get(f"{FILES}/~secret/SHA256SUMS")]
        none = fw.get(f"{FILES}/~none/SHA256SUMS")

    assert _line("open.txt", public) + _line("yours.txt", yours) == found.text
    assert _line("open.txt", public) == open_.text
    assert _line("yours.txt", yours) == own.text
    assert ([404, 401], 404) == ([answer.status_code for answer in others], none.status_code)
    assert ("private, no-cache", "Authorization") == (found.headers["cache-control"], found.headers["vary"])


def test_they_are_another_when_what_they_tell_of_is(publisher, c2, token):
    """304 until a version is published, and soon not any more, also within the second of the one before."""
    with publisher.client(token) as client:
        first = client.get(SUMS)
        head = client.head(SUMS)
        known = {"If-None-Match": first.headers["etag"]}
        same = client.get(SUMS, headers=known)
        changed = client.get(SUMS, headers={"If-Match": '"x"'})
        publisher.run("c2", addresses(7))
        time.sleep(0.25)  # what was known counts a fifth of a second
        second = client.get(SUMS, headers=known)

    assert (200, b"", first.headers["content-length"]) == (
        head.status_code,
        head.content,
        head.headers["content-length"],
    )
    assert (304, b"", 412) == (same.status_code, same.content, changed.status_code)
    assert (200, True) == (second.status_code, second.headers["etag"] != first.headers["etag"])


def test_where_none_are_published_none_are_served(make_api):
    """By the setting; and no signature where nothing is signed."""
    plain, without = Publisher(make_api()), Publisher(make_api(publish_sha256sums="no"))
    for publisher, path in ((plain, f"{SUMS}.minisig"), (without, SUMS)):
        publisher.publish("c2", addresses(3), is_public=True)
        with publisher.client(publisher.consumer("fw", "c2")) as fw, publisher.client() as nobody:
            assert (404, 401) == (fw.get(path).status_code, nobody.get(path).status_code)


@pytest.mark.skipif(shutil.which("minisign") is None, reason="minisign is not installed")
def test_a_part_of_them_is_signed_too(signing, tmp_path):
    """minisign verifies what somebody gets who may not fetch all."""
    signing.publish("a", addresses(3))
    signing.publish("b", addresses(4))
    with signing.client(signing.consumer("fw", "a")) as fw:
        for name in ("SHA256SUMS", "SHA256SUMS.minisig"):
            (tmp_path / name).write_bytes(fw.get(f"{FILES}/{name}").content)
    key = read_key(tmp_path / "key").public_text
    done = subprocess.run(["minisign", "-V", "-P", key, "-m", tmp_path / "SHA256SUMS"], capture_output=True)

    assert 0 == done.returncode, done.stderr
    assert 1 == len((tmp_path / "SHA256SUMS").read_text().splitlines())
