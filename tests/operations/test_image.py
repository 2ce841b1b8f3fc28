"""The image, built by buildah, and run with what a container has: its own root, read-only, and a user without rights.

No base image can be fetched where nothing but packages is to be had: a Debian with Python stands in for it, made of
those.  That takes minutes; ``YETI_TEST_IMAGE=1`` asks for it, as .ci/run does.
"""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import PASSWORD, ROOT, is_answered, until

NUMBER = 10_001
INCLUDED = "python3-minimal,python3-venv,python3-pip,ca-certificates,passwd,bash"
MIRROR = "http://deb.debian.org/debian"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

pytestmark = [
    pytest.mark.skipif(os.environ.get("YETI_TEST_IMAGE") != "1", reason="YETI_TEST_IMAGE=1 builds the image"),
    pytest.mark.timeout(1_200),
]


class Builder:
    """buildah, with storage of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._words = [
            "buildah",
            "--storage-driver",
            "vfs",
            "--root",
            f"{folder}/store",
            "--runroot",
            f"{folder}/run",
        ]

    def __call__(self, *words: str) -> str:
        """Run it, and return what it printed."""
        done = subprocess.run([*self._words, *words], capture_output=True, text=True, check=False, cwd=ROOT)
        assert 0 == done.returncode, f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout.strip()


def base_of(folder: Path) -> Path:
    """Make a Debian with Python and nothing else, which takes packages from where this machine does."""
    base = folder / "base"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=essential", f"--include={INCLUDED}", "bookworm", str(base), MIRROR],
        check=True,
        capture_output=True,
    )
    (base / "usr/bin/python").symlink_to("python3")
    for file in (CERTIFICATES, Path("/etc/pip.conf")):  # how packages are reached from here
        if file.exists():
            shutil.copyfile(file, base / str(file).lstrip("/"))
    return base


class Image:
    """A built image: its files, and what it says of itself."""

    def __init__(self, root: Path, config: Mapping[str, Any]) -> None:
        self.root, self.config = root, config

    def begin(self, volume: Path, *words: str, **more: str) -> "subprocess.Popen[str]":
        """Start a container: the root is read-only, /tmp is empty, and the volume is the home folder."""
        environ = [*self.config["Env"], *(f"{key}={value}" for key, value in more.items())]
        inside = volume.with_name(f"{volume.name}-root")
        inside.mkdir(exist_ok=True)
        mounts = (
            f"mount --bind {self.root} {inside}",
            f"mount -o remount,ro,bind {inside}",
            f"mount -t tmpfs tmpfs {inside}/tmp",
            f"mount --bind {volume} {inside}/opt/yeti",
            f"mount --rbind /proc {inside}/proc",
            f"mount --rbind /dev {inside}/dev",
        )
        enter = f'exec chroot --userspec={self.config["User"]} {inside} env -i "$@"'
        return subprocess.Popen(
            ["unshare", "-m", "sh", "-ec", " && ".join([*mounts, enter]), "sh", *environ, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, volume: Path, *words: str, status: int = 0, **more: str) -> tuple[str, str]:
        """Run a container to its end, beginning with the entry point, and return what it printed and said."""
        with self.begin(volume, *self.config["Entrypoint"], *words, **more) as process:
            try:
                out, err = process.communicate(timeout=120)
            finally:
                process.kill()
        assert status == process.returncode, err
        return out, err


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Build the image from the Dockerfile as it is."""
    missing = [word for word in ("buildah", "mmdebstrap", "unshare") if shutil.which(word) is None]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"needs root and {', '.join(missing) or 'nothing else'}")
    folder = tmp_path_factory.mktemp("image")
    buildah = Builder(folder)
    base = buildah("from", "scratch")
    buildah("add", "--quiet", base, str(base_of(folder)), "/")
    buildah("commit", "--quiet", base, "localhost/python:stand-in")
    build = ("bud", "--isolation", "chroot", "--network", "host", "--format", "docker", "--quiet")
    buildah(*build, "--build-arg", "PYTHON_IMAGE=localhost/python:stand-in", "-t", "yeti-exports", ".")
    found = json.loads(buildah("inspect", "--type", "image", "yeti-exports"))["Docker"]["config"]
    container = buildah("from", "yeti-exports")
    yield Image(Path(buildah("mount", container)), found)
    buildah("umount", container)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def volume(image: Image, tmp_path: Path) -> Path:
    """A new volume: what the image has at its place, with its owners."""
    folder = tmp_path / "volume"
    subprocess.run(["cp", "-a", f"{image.root}/opt/yeti", str(folder)], check=True)
    return folder


def test_the_image_says_how_it_is_run(image: Image) -> None:
    """A user by number who is not root, the script as entry point and no command, a health check, one volume."""
    config = image.config

    assert f"{NUMBER}:{NUMBER}" == config["User"]
    assert ["/docker-entrypoint.sh"] == config["Entrypoint"]
    assert not config.get("Cmd")
    assert ["CMD", "yetictl", "health"] == config["Healthcheck"]["Test"]
    assert {"/opt/yeti": {}} == config["Volumes"]
    assert {"8000/tcp": {}} == config["ExposedPorts"]
    assert {"YETI_HOME=/opt/yeti", "YETI_API_HOST=0.0.0.0"} <= set(config["Env"])


def test_the_image_holds_the_program_and_what_it_needs(image: Image, volume: Path) -> None:
    """boto3, PostgreSQL's driver, notices and signatures can be imported; nothing of the repository lies about."""
    names = "boto3, psycopg, procrastinate, apprise, cryptography, core.cli.main"
    out, _ = image.run(volume, "python", "-c", f"import {names}; print('all')")
    who, _ = image.run(volume, "id", "-u")

    assert ("all\n", f"{NUMBER}\n") == (out, who)
    assert not (image.root / "src").exists()
    assert [] == list((image.root / "opt/yeti").rglob("*.env"))
    home = (image.root / "opt/yeti").stat()
    assert (NUMBER, NUMBER, 0o755) == (home.st_uid, home.st_gid, home.st_mode & 0o777)


def test_it_answers_on_a_read_only_root(image: Image, volume: Path) -> None:
    """Without a verb; the health check agrees, and a signal ends it with 0."""
    with image.begin(volume, *image.config["Entrypoint"], YETI_API_HOST="127.0.0.1", YETI_API_PORT="0") as process:
        assert process.stderr is not None
        try:
            said = process.stderr.readline()
            while "listening on" not in said:
                said = process.stderr.readline()
            port = re.search(r":(\d+);", said)
            assert port
            url = f"http://127.0.0.1:{port[1]}"
            until(lambda: is_answered(url))
            ready = httpx.get(f"{url}/readyz").json()["status"]
            check = image.config["Healthcheck"]["Test"][1:]
            image.run(volume, *check, YETI_API_HOST="127.0.0.1", YETI_API_PORT=port[1])
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    image.run(volume, *check, YETI_API_HOST="127.0.0.1", YETI_API_PORT=port[1], status=1)

    assert ("ready", 0) == (ready, process.returncode), err


def test_from_a_user_to_a_published_list(image: Image, volume: Path) -> None:
    """create-user's line; then what is due is published by ``tasks``, with the rights of the fixed number."""
    out, _ = image.run(volume, "create-user", "yeti", PASSWORD, "--admin")
    (volume / "feed.txt").write_text("8.8.4.1\n")
    image.run(volume, "yetictl", "import", "/opt/yeti/feed.txt", "--tag", "c2")
    image.run(volume, "yetictl", "export", "add", "x", "--format", "list", "--include", "c2", "--every", "1h")
    with image.begin(volume, *image.config["Entrypoint"], "tasks") as process:
        try:
            until((volume / "exports/x.txt").exists, within_s=60)
            image.run(volume, *image.config["Healthcheck"]["Test"][1:])
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        finally:
            process.kill()

    assert re.fullmatch(r"User yeti succesfully created! API key: yeti:yeti_[0-9a-f]{8}_[\w-]{43}\n", out)
    assert ("8.8.4.1\n", NUMBER) == (
        (volume / "exports/x.txt").read_text(),
        (volume / "exports/x.txt").stat().st_uid,
    )
    assert 0 == process.returncode


def test_a_folder_of_somebody_else_is_said_at_once(image: Image, tmp_path: Path) -> None:
    """A folder that Docker made for a mount is root's: the message has the numbers and the command."""
    (tmp_path / "mounted").mkdir(mode=0o755)
    _, err = image.run(tmp_path / "mounted", "webserver", status=1)

    assert err.startswith(
        f"docker-entrypoint: /opt/yeti cannot be written by {NUMBER}:{NUMBER}, as which this runs;"
    )
    assert f"chown -R {NUMBER}:{NUMBER} FOLDER" in err
    assert 1 == err.count("\n")
