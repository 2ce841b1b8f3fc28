"""Every block and every table of the page "Write a storage client" is true as it is printed."""

import ast
import builtins
import inspect
import os
import re
import sqlite3
import subprocess
import sys
import textwrap
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

import core.errors
from core.clients.persistient_storage import PersistientStorageClient, get_client, registry
from core.clients.persistient_storage.border import translated
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.policies import Create, IfChanged
from core.clients.persistient_storage.spec import FIVE, OPTIONAL, PROMISES
from core.clients.persistient_storage.storage import Storage
from core.errors import FileExists, StorageTimeout, UnsupportedOperation

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "write-a-storage-client.md"
TEXT = PAGE.read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
SPEC, CLIENT, STAT, LIST, OPEN_READER, OPEN_WRITER, ERRORS, TEST, RAW_NAMES = (
    block for language, block in BLOCKS if language == "python"
)
SHELL = [block for language, block in BLOCKS if language == "sh"]
(PACKAGE,) = (block for language, block in BLOCKS if language == "toml")
CALL = 'use_plugins_path("/opt/yeti/plugins/storage")\n'

printed: dict = {"__name__": __name__}
exec(compile(TEST.replace(CALL, ""), str(PAGE), "exec"), printed)
exec(compile(RAW_NAMES, str(PAGE), "exec"), printed)


def grown(*snippets: str) -> str:
    """Return the client of the page with these snippets added: methods to its class, the rest below it."""
    into_class, below = [], []
    for snippet in snippets:
        for node in ast.parse(snippet).body:
            part = ast.get_source_segment(snippet, node) or ""
            if isinstance(node, ast.FunctionDef | ast.Assign):
                into_class.append(textwrap.indent(part, "    "))
            else:
                below.append(part)
    return "\n".join([CLIENT, *into_class, *below, ""])


class _PrintedTest(printed["TestBox"]):
    """The printed test class, with the method that the page adds."""

    raw_names = printed["raw_names"]


class TestTheShortestClient(_PrintedTest):
    """The kit on the five methods."""

    @pytest.fixture(autouse=True)
    def _saved_as_the_page_says(self, drop_in) -> None:
        drop_in("box", CLIENT)


class TestTheGrownClient(_PrintedTest):
    """The kit on the same client with all that the page adds to it."""

    @pytest.fixture(autouse=True)
    def _saved_as_the_page_says(self, drop_in) -> None:
        drop_in("box", grown(STAT, LIST, OPEN_READER, OPEN_WRITER, ERRORS))


@pytest.fixture
def box(drop_in, tmp_path):
    """Save the client with these snippets and return it, with all verbs: ``box(STAT)``."""

    def made(*snippets):
        drop_in("box", grown(*snippets))
        return Storage(get_client(f"box://{tmp_path}/lists.db"))

    return made


def refusal_of(run):
    """Return the words in which it is refused."""
    with pytest.raises(UnsupportedOperation) as refused:
        run()
    return str(refused.value)


def table(heading: str) -> list[list[str]]:
    """Return the rows of the table whose first column is called so."""
    lines = TEXT[TEXT.index(f"\n| {heading} |") :].splitlines()[3:]
    rows = lines[: next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_five_methods_are_those_of_the_contract():
    """The page begins with the contract: the same names and the same parameters."""
    names: dict = {}
    exec(compile(SPEC, str(PAGE), "exec"), names)
    shown = names["PersistientStorageClient"]

    assert {*FIVE, "__init__"} == {name for name in vars(shown) if inspect.isfunction(vars(shown)[name])}
    for name in (*FIVE, "__init__"):
        printed_one, own = (inspect.signature(getattr(of, name)) for of in (shown, PersistientStorageClient))
        assert list(own.parameters) == list(printed_one.parameters)


def test_the_client_is_short():
    """A client needs no more than some thirty lines of code."""
    assert sum(1 for line in CLIENT.splitlines() if line.strip()) <= 30


def test_the_page_uses_the_second_folder(tmp_path):
    """The call that the printed test begins with is the one that makes the folder known."""
    assert CALL in TEST
    printed["use_plugins_path"](tmp_path)
    try:
        assert registry.folders()[1] == tmp_path
    finally:
        registry.use_plugins_path(None)


def test_stat_spares_reading_the_file(box, monkeypatch):
    """Without ``stat`` the file is read for it; with it, not even to see that it has changed."""
    reads = []

    def counted(storage):
        own = storage.client.get_file
        monkeypatch.setattr(storage.client, "get_file", lambda name: reads.append(name) or own(name))
        return storage

    counted(box()).write("a.txt", "four")
    counted(box()).stat("a.txt")
    assert ["a.txt"] == reads

    reads.clear()
    storage = counted(box(STAT))
    assert 4 == storage.stat("a.txt").size_bytes
    assert "replaced" == storage.write("a.txt", "longer", policy=IfChanged()).outcome
    assert [] == reads


def test_list_brings_lists(box):
    """Without ``list`` a list is refused, naming the method."""
    box().write("a/b.txt", "x")

    assert "no method list" in refusal_of(box().list)
    assert ["a/b.txt"] == [stat.name for stat in box(LIST, STAT).list()]


def test_open_reader_brings_bytes_that_are_not_text(box, tmp_path):
    """Without ``open_reader`` they cannot be read, since ``get_file`` gives text."""
    box().write("a.bin", "x")
    with closing(sqlite3.connect(tmp_path / "lists.db")) as database, database:
        database.execute("UPDATE file SET contents = ?", (b"\xff\x00",))

    with pytest.raises(core.errors.StorageError):
        box().read_bytes("a.bin")
    assert b"\xff\x00" == box(OPEN_READER).read_bytes("a.bin")


def test_open_writer_brings_bytes_compression_and_policies(box):
    """Without ``open_writer`` they are refused, naming the method; metadata stay refused, by what is declared."""
    asked = {
        "bytes": lambda storage: storage.write("a.bin", b"\xff"),
        "compression": lambda storage: storage.write("a.gz", "x", compression="gzip"),
        "policy": lambda storage: storage.write("a.txt", "x", policy=Create()),
    }
    for run in asked.values():
        assert "no method open_writer" in refusal_of(lambda run=run: run(box()))
    grown_box = box(STAT, OPEN_WRITER)
    for run in asked.values():
        run(grown_box)

    with pytest.raises(FileExists, match="the name is taken"):
        asked["policy"](grown_box)
    assert "'metadata'" in refusal_of(lambda: grown_box.write("a.txt", "x", cache_control="no-store"))


def test_a_time_out_says_so(box, tmp_path):
    """A database that another program keeps locked is a time-out of ours, as soon as patience is at its end."""
    storage = box(ERRORS)
    storage.write("a.txt", "old")
    with closing(sqlite3.connect(tmp_path / "lists.db")) as database:
        database.execute("BEGIN EXCLUSIVE")
        with waiting_at_most(1), pytest.raises(StorageTimeout) as error:
            storage.write("a.txt", "new")
        database.rollback()

    assert error.value.transient
    assert "old" == storage.read_text("a.txt")


def test_the_tables_of_methods_and_promises_are_complete():
    """Every optional method and every word of ``CANNOT_PROMISE`` has its row."""
    assert set(OPTIONAL) == {name for row in table("method") for name in re.findall(r"\w+", row[0])}
    assert PROMISES == {row[0].strip("`") for row in table("word")}


@pytest.mark.parametrize("row", table("raise"), ids=lambda row: row[0])
def test_the_table_of_errors_is_true(row):
    """What is raised becomes what the table says."""
    raised, becomes, is_transient = (cell.strip("`") for cell in row)
    error = ValueError("x") if raised == "anything else" else getattr(builtins, raised)("x")

    made = translated(error, "somewhere")

    assert getattr(core.errors, becomes) is type(made)
    assert (is_transient == "yes") == made.transient


def test_the_entry_point_is_in_the_right_group():
    """The printed group is the one that is looked at, and the example package uses it as printed."""
    (group,) = tomllib.loads(PACKAGE)["project"]["entry-points"]
    example = tomllib.loads((ROOT / "examples" / "storage-client" / "pyproject.toml").read_text("utf-8"))

    assert registry.ENTRY_POINTS == group
    assert [group] == list(example["project"]["entry-points"])


@pytest.mark.parametrize("block", SHELL, ids=["drop it in", "the kit", "see that it worked"])
def test_the_commands_work(block, tmp_path):
    """Each printed block succeeds once the client is in the folder, and leaves nothing; of the kit, a part will do."""
    plugins, temporary = tmp_path / "plugins", tmp_path / "temporary"
    (plugins / "storage").mkdir(parents=True)
    (plugins / "storage" / "box.py").write_text(grown(STAT, LIST), "utf-8")
    temporary.mkdir()
    environ = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TMPDIR": str(temporary),
        "PYTEST_DEBUG_TEMPROOT": str(tmp_path),
        "PYTEST_ADDOPTS": "-q -W error -k 'what_was_put or deleting_twice'",
        "YETI_HOME": str(tmp_path / "home"),
        "YETI_SYSTEM_PLUGINS_PATH": str(plugins),
    }
    for shown, own in {"/var/lib": str(tmp_path), "/opt/yeti/plugins": str(plugins)}.items():
        block = block.replace(shown, own)
    done = subprocess.run(["sh", "-ec", block], cwd=tmp_path, env=environ, capture_output=True, text=True)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert [] == list(temporary.iterdir())
    if "storage list" in block:
        assert any("box://" in row and " ok " in row for row in done.stdout.splitlines())
    else:
        assert re.search(r"^\d+ passed, \d+ deselected", done.stdout, re.MULTILINE)
