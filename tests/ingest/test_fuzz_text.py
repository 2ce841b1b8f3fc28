"""Whatever bytes a list, a table, JSON lines or a warninglist are made of: claims and refusals, or unreadable."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import UnreadableFile
from core.ingest.reader import InputFile, Options
from core.ingest.registry import READERS, recognise
from core.ingest.run import import_paths
from core.schemas.claim import Claim, Refusal
from core.values.canonical import canonical
from core.values.dates import instant

OURS = ("csv", "jsonl", "text", "warninglist")
SAMPLES = {
    "list.txt": b"# c\n192.0.2.1 # x\nhxxp://evil[.]example/a\n0.0.0.0 evil.example b.example\n||a.example^$3p\n"
    b"address=/x.example/0.0.0.0\n192.0.2.0/24;x\n192.0.2.1-192.0.2.9\nadd s 192.0.2.1\n*.w.example\n1.2.3.4:80\n",
    "table.csv": b'\xef\xbb\xbfvalue,type,tags,first_seen,valid_until,confidence,tlp\r\n"192.0.2.1",ip,"a;b",'
    b'2024-01-02,2025-01-01,50,red\r\nevil[.]example,domain,"x ""y"" z",1/13/2024,,high,\r\n"' + b"a" * 32 + b"," + b"b" * 40
    + b'",file,,,,,\r\n',
    "lines.jsonl": b'{"type":"ipv4","value":"192.0.2.1","assertions":[{"tag":"a","source":"b","kind":"info"}],'
    b'"context":[{"source":"b","x":[1,{"y":null}]}]}\n{"indicator":"evil.example","tags":["x",1]}\n',
    "list.json": b'{"name":"n","type":"cidr","version":1,"list":["192.0.2.0/24","2001:db8::/32"],'
    b'"matching_attributes":["ip-src"]}',
}  # fmt: skip
JUNK = [
    *(bytes([code]) for code in b"\x00\"'\n\r,\\{}[]#\t-/:\xc3"),
    *(
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"://",
        b"[.]",
        b"=/",
        b"||",
        b"9" * 400,
        b"\xe2\x80\xa8",
        b"\\u0000",
        b"\\ud800",
    ),
]


def check(path):
    """Read *path* in every way; nothing but claims, refusals and ``UnreadableFile`` comes of it."""
    for name in (*OURS, "auto"):
        try:
            file = InputFile(path)
            reader = recognise(file) if name == "auto" else READERS[name]
            items = list(reader.read(file, Options()))
        except UnreadableFile as error:
            reason = str(error)
            assert reason
            assert len(reason) < 2000
            continue
        for item in items:
            if isinstance(item, Claim):
                assert item.value == canonical(item.type, item.value)
                assert all("\0" not in tag for tag in item.tags)
            elif isinstance(item, Refusal):
                assert len(item.excerpt) <= 80
                assert item.excerpt.isprintable()
                assert item.reason


def mangled(content, rng):
    """Return *content* cut, shuffled or strewn with junk."""
    data = bytearray(content)
    how = rng.randrange(4)
    if how == 0:
        del data[rng.randrange(len(data) + 1) :]
    elif how == 1:
        lines = data.split(b"\n")
        rng.shuffle(lines)
        data = bytearray(b"\n".join(lines))
    elif how == 2:
        for _ in range(rng.randrange(1, 12)):
            at = rng.randrange(len(data) + 1)
            data[at : at + rng.randrange(3)] = rng.choice(JUNK)
    else:
        pieces = [bytes(data[at : at + 40]) for at in range(0, len(data), 40)]
        rng.shuffle(pieces)
        data = bytearray(b"".join(pieces))
    return bytes(data)


@pytest.mark.parametrize("name", SAMPLES)
def test_mangled_samples(name, tmp_path):
    """A sample of each format, mangled 150 times."""
    rng = random.Random(name)
    path = tmp_path / name
    for _ in range(150):
        path.write_bytes(mangled(SAMPLES[name], rng))
        check(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from(JUNK)), max_size=8).map(b"".join))
def test_any_bytes(tmp_path, content):
    """Bytes of no format at all."""
    path = tmp_path / "any"
    path.write_bytes(content)
    check(path)


@pytest.mark.intel
def test_mangled_real_files(intel, tmp_path):
    """Real lists and tables, their beginnings mangled."""
    rng = random.Random(2026)
    files = sorted(path for path in (intel / "lists").rglob("*") if path.is_file())
    files += sorted((intel / "warninglists").rglob("list.json"))[::10]
    for path in files:
        copy = tmp_path / path.name
        content = path.read_bytes()[:6000]
        for _ in range(2):
            copy.write_bytes(mangled(content, rng))
            check(copy)


def test_no_importer_failure_reaches_the_user(monkeypatch, store, tmp_path):
    """If an importer fails on a file in a way nobody thought of, the file is told and the others go in."""
    good, bad = tmp_path / "a.txt", tmp_path / "b.txt"
    good.write_text("192.0.2.1\n")
    bad.write_text("192.0.2.2\nboom.example\n")

    def failing(text):
        if "boom" in text:
            raise KeyError(text)
        return "ipv4", text

    monkeypatch.setattr("core.ingest.text.detect", failing)
    refused = []
    report = import_paths(
        store,
        [good, bad],
        now=instant("2026-01-01"),
        format="text",
        on_refusal=lambda path, item: refused.append(item),
    )

    assert report.observables == {"ipv4": 2}
    assert len(refused) == 1
    assert "the text importer failed on it (KeyError" in refused[0].reason


@pytest.mark.parametrize("error", [RecursionError(), MemoryError(), PermissionError(13, "Permission denied")])
def test_a_machine_at_its_limits_is_told(monkeypatch, store, tmp_path, error):
    """Too deep, too large, not permitted: one file, one reason."""
    path = tmp_path / "a.txt"
    path.write_text("192.0.2.1\n")

    def failing(text):
        raise error

    monkeypatch.setattr("core.ingest.text.detect", failing)
    report = import_paths(store, [path], now=instant("2026-01-01"), format="text")

    assert report.refused_files == 1
    assert report.results[0].reason in (
        "nested too deeply",
        "needs more memory than there is",
        "Permission denied",
    )
