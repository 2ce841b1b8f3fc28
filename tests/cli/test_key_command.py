"""``yetictl key``, and what ``doctor`` says of the key."""

import shutil
import subprocess

import pytest

from core.exports.publishing.minisign_key import read_key


@pytest.fixture
def signing(tmp_path, monkeypatch, yetictl):
    """A key of its own, and the setting that names it."""
    monkeypatch.setenv("YETI_PUBLISH_SIGNING_KEY", str(tmp_path / "my.key"))
    yetictl("key", "new", "my.key")
    return tmp_path / "my.key"


def test_new_prints_the_public_key(yetictl, tmp_path):
    """The public key alone on standard output; how to go on, beside it."""
    done = yetictl("key", "new", "my.key")

    assert f"{read_key(tmp_path / 'my.key').public_text}\n" == done.out
    assert f"signing_key = {tmp_path}/my.key" in done.err
    assert 0o600 == (tmp_path / "my.key").stat().st_mode & 0o777


def test_new_does_not_write_over(yetictl, tmp_path):
    """A key that is lost cannot be made again."""
    yetictl("key", "new", "my.key")
    before = (tmp_path / "my.key").read_bytes()

    done = yetictl("key", "new", "my.key", status=1)

    assert "my.key is there already; a key is never written over" in done.err
    assert before == (tmp_path / "my.key").read_bytes()


def test_public_shows_the_key_that_signs(yetictl, signing):
    """The configured one, or that of a file."""
    public = signing.with_name("my.key.pub").read_text().split()[-1]

    assert f"{public}\n" == yetictl("key", "public").out == yetictl("key", "public", signing).out
    assert public == yetictl("key", "public", "--json").json["public_key"]


def test_public_says_that_nothing_is_signed(yetictl):
    """And what to do about it."""
    assert "nothing is signed: publish.signing_key names no key" in yetictl("key", "public", status=1).err


def test_a_key_that_is_gone_is_said_without_a_traceback(yetictl, signing):
    """By ``key public`` and by ``doctor``; a run publishes nothing that it could not sign."""
    yetictl("export", "add", "x", "--format", "list")
    signing.unlink()

    assert "my.key cannot be read: No such file" in yetictl("export", "run", "x", status=1).err
    assert not (signing.parent / "home" / "exports").exists()
    assert "my.key cannot be read: No such file" in yetictl("key", "public", status=1).err
    findings = {item["check"]: item for item in yetictl("doctor", "--json", status=1).json}
    assert "failed" == findings["signing"]["status"]
    assert "my.key cannot be read" in findings["signing"]["detail"]


def test_doctor_warns_of_a_key_that_others_can_read(yetictl, signing):
    """Who reads the key can sign as this program."""
    assert f"signed with {signing}" in yetictl("doctor").out
    signing.chmod(0o640)

    assert f"warning  signing    {signing} can be read by others" in yetictl("doctor").out


def test_doctor_fails_on_a_key_among_published_files(yetictl, tmp_path, monkeypatch):
    """A secret key that consumers may fetch is none."""
    (tmp_path / "home" / "exports").mkdir(parents=True)
    monkeypatch.setenv("YETI_PUBLISH_SIGNING_KEY", str(tmp_path / "home" / "exports" / "k"))
    yetictl("key", "new", "home/exports/k")

    done = yetictl("doctor", status=1)

    assert (
        f"failed   signing    the secret key {tmp_path}/home/exports/k lies among what consumers may read"
        in done.out
    )


@pytest.mark.skipif(
    shutil.which("minisign") is None, reason="minisign is not installed (Debian: apt-get install minisign)"
)
def test_what_a_run_publishes_is_verified_by_the_tools_of_others(yetictl, signing, tmp_path):
    """``sha256sum -c`` and ``minisign -V``, with nothing but what was published and the public key."""
    (tmp_path / "feed.csv").write_text("value,type,tags\n192.0.2.1,ip,c2\n")
    yetictl("import", "feed.csv")
    yetictl("export", "add", "c2", "--format", "list", "--include", "c2")
    yetictl("export", "run", "c2")
    public = yetictl("key", "public").out.strip()
    folder = tmp_path / "home" / "exports"

    assert {"SHA256SUMS", "SHA256SUMS.minisig", "c2.txt", "c2.txt.minisig"} == {
        path.name for path in folder.iterdir()
    }
    subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, check=True, capture_output=True)
    for name in ("SHA256SUMS", "c2.txt"):
        subprocess.run(["minisign", "-V", "-P", public, "-m", name], cwd=folder, check=True, capture_output=True)
