"""``yetictl`` in the test's own process, in an empty folder with an empty home."""

import json
import logging
from dataclasses import dataclass

import pytest
from databases import ON_POSTGRESQL

from core.cli.main import run


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def yetictl(tmp_path, monkeypatch, capsys, new_databases):
    """Run a command; the store, the exports and the working folder are the test's own.

    Exports that are defined may hold documentation ranges, which is what the tests have, unless they say otherwise.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YETI_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    for name in (
        "YETI_CONFIG",
        "YETI_SYSTEM_EXPORT_PATH",
        "YETI_SYSTEM_VERSIONS_PATH",
        "YETI_DATABASE_URL",
        "YETI_LOG_LEVEL",
    ):
        monkeypatch.delenv(name, raising=False)
    url = new_databases.at(tmp_path / "home" / "yeti.db", made=True)
    if ON_POSTGRESQL:
        monkeypatch.setenv("YETI_DATABASE_URL", url)
        monkeypatch.setenv("YETI_SYSTEM_VERSIONS_PATH", str(tmp_path / "home" / "versions"))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def call(*arguments, status=0):
        capsys.readouterr()
        if arguments[:2] == ("export", "add") and "--limit" not in arguments:
            arguments += ("--limit", "allow=documentation")
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert status == code, f"{arguments}: {out}{err}"
        return Outcome(code, out, err)

    yield call
    root.handlers[:] = handlers
    root.setLevel(level)
