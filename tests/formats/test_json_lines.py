"""One JSON object a line: read as it is documented, by jq, and by another installation."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from address_reading import real as real_networks
from name_readers import hostile, put, written
from real_hashes import real_hashes
from real_names import real_names
from real_urls import real_urls

from core.errors import RefusedValue
from core.testing.format_values import GOOD, TEXTS
from core.testing.formats import FormatConformance, Value
from core.values import canonical, types

JQ, YETICTL = "jq", "yetictl import, another installation"
ROOT = Path(__file__).parents[2]
LIMITS = ("--tlp", "amber+strict", "--limit", "allow=documentation", "--limit", "dropped=off")


class TestJsonLines(FormatConformance):
    """Each line is an object, and has no key twice."""

    format = "jsonl"

    def read(self, files):
        text = files["export.jsonl"].decode()
        assert not set(text) & {chr(code) for code in range(32)} - {"\n"}
        items = [json.loads(line, object_pairs_hook=no_key_twice) for line in text.split("\n")[:-1]]
        assert all(set(item) == {"type", "value", "assertions", "context"} for item in items)
        return [f"{item['type']} {item['value']}" for item in items]

    def entry(self, type, value):
        return f"{type} {value}"


def no_key_twice(pairs):
    """Return an object of JSON; raise if it has a key twice."""
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def jq(path, *words):
    """Return what jq says of a file; raise on a complaint."""
    ended = subprocess.run(["jq", *words, path], capture_output=True, text=True, check=True)
    assert "" == ended.stderr
    return ended.stdout.split("\n")[:-1]


@pytest.mark.proof("jsonl", JQ, "loaded", tool="jq")
def test_jq_reads_what_is_hostile(tmp_path):
    """Every value, as it is."""
    made = hostile(TestJsonLines(), tmp_path / "made")

    found = [json.loads(line) for line in jq(put(made.files, tmp_path / "list.jsonl"), "-c", "[.type, .value]")]

    assert [[*value] for value in made.accepted] == found


@pytest.mark.intel
@pytest.mark.proof("jsonl", JQ, "asked", tool="jq")
def test_jq_finds_what_is_real(tmp_path, intel):
    """Asked for a type it gives the values of that type, and no others."""
    names, networks = real_names(intel).listed, real_networks(intel)
    made = written(TestJsonLines(), [*names, *networks], tmp_path / "made")
    path = put(made.files, tmp_path / "list.jsonl")

    for type_ in ("hostname", "ipv4", "cidr"):
        expected = [value.value for value in made.accepted if value.type == type_]
        assert expected == jq(path, "-r", f'select(.type == "{type_}").value')
        assert expected


class Installation:
    """An installation of its own, spoken to by ``yetictl`` in a process of its own."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        kept = {name: text for name, text in os.environ.items() if not name.startswith("YETI_")}
        self._environment = kept | {"YETI_HOME": str(folder)}

    def yetictl(self, *words):
        """Return what a command prints; raise if it fails."""
        ended = subprocess.run(
            [sys.executable, "-m", "core", *map(str, words)],
            cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert 0 == ended.returncode, ended.stdout + ended.stderr
        return ended.stdout

    def everything(self):
        """Return the lines of everything that it knows, as it publishes them."""
        self.yetictl("export", "add", "all", "--format", "jsonl", "--any-freshness", *LIMITS)
        (result,) = json.loads(self.yetictl("export", "run", "all", "--json"))
        (file,) = result["files"]
        return Path(file["location"]).read_text("utf-8").split("\n")[:-1]


@pytest.fixture
def read_back(tmp_path):
    """Let an installation read a file, and return the lines that it publishes, which another one reads back."""

    def read(path, *words):
        first, second = Installation(tmp_path / "first"), Installation(tmp_path / "second")
        first.yetictl("import", path, *words)
        lines = first.everything()
        (tmp_path / "list.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")

        second.yetictl("import", "--strict", tmp_path / "list.jsonl")

        assert lines == second.everything()
        return lines

    return read


def values_of(lines):
    """Return the observables that lines are about."""
    return {Value(item["type"], item["value"]) for item in map(json.loads, lines)}


def put_told(path, items):
    """Write objects as a file of lines, and return its path."""
    path.write_text("".join(json.dumps(item) + "\n" for item in items), "utf-8")
    return path


def told():
    """Yield objects that say all that can be said, of each type."""
    claim = {"kind": "malicious", "confidence": 70, "tlp": "amber+strict", "first_seen": "2026-09-01T00:00:00Z"}
    for type_ in sorted(types.TYPES):
        for value in GOOD[type_]:
            assertions = [
                {"tag": 'c2 "quoted", ü', "source": "feed one", **claim},
                {"tag": "seen", "source": "sensor", "kind": "info", "last_seen": "2026-09-02T00:00:00.000001Z"},
            ]
            remarks = [{"source": "feed one", "note": "two\nlines\t<&>", "list": [1, None, {"a": "b"}]}]
            yield {"type": type_, "value": value, "assertions": assertions, "context": remarks}


@pytest.mark.sqlite
@pytest.mark.proof("jsonl", YETICTL, "asked", tool="")
def test_another_installation_reads_it_back(tmp_path, read_back):
    """It then knows the same, and publishes the same lines."""
    lines = read_back(put_told(tmp_path / "told.jsonl", told()))

    assert {Value(item["type"], item["value"]) for item in told()} == values_of(lines)


@pytest.mark.sqlite
@pytest.mark.proof("jsonl", YETICTL, "asked", tool="")
def test_another_installation_reads_what_is_hostile(tmp_path, read_back):
    """What is a value is read as that, what is none is refused; addresses of nobody are kept off lists."""
    made = hostile(TestJsonLines(), tmp_path / "made")

    found = values_of(read_back(put(made.files, tmp_path / "hostile.jsonl")))

    expected = {value for given in made.accepted for value in understood(given)}
    for_nobody = {("ipv4", "0.0.0.0"), ("url", "http://0.0.0.0/0"), ("ipv6", "::"), ("ipv6", "fe80::1")}
    assert expected - for_nobody == found
    assert {Value(type_, text) for type_ in types.TYPES for text in GOOD[type_]} < found


@pytest.mark.sqlite
@pytest.mark.proof("jsonl", YETICTL, "asked", tool="")
def test_another_installation_reads_what_strangers_say(tmp_path, read_back):
    """Tags, sources and remarks that break careless readers; each as it is, but for blanks and control characters."""
    items = {f"a{number}.example": _said(f"a{number}.example", text) for number, text in enumerate(TEXTS)}

    lines = read_back(put_told(tmp_path / "said.jsonl", items.values()))

    found = {item["value"]: item for item in map(json.loads, lines)}
    assert items.keys() == found.keys()
    for value, item in items.items():
        (remark,), (given,), (claim,) = item["context"], item["assertions"], found[value]["assertions"]
        if _is_plain(remark["note"]):
            assert (given["tag"], given["source"]) == (claim["tag"], claim["source"])
            assert [remark] == found[value]["context"]


@pytest.mark.intel
@pytest.mark.sqlite
@pytest.mark.proof("jsonl", YETICTL, "asked", tool="")
def test_another_installation_reads_what_is_real(tmp_path, intel, read_back):
    """Names, addresses, networks, URLs and hashes."""
    every = [*real_names(intel).listed, *real_networks(intel), *real_hashes(intel)]
    values = [*every, *(Value("url", url) for url in real_urls(intel))][::9]
    claims = [{"tag": "c2", "source": "feed"}]
    given = ({"type": value.type, "value": value.value, "assertions": claims} for value in values)

    found = values_of(read_back(put_told(tmp_path / "real.jsonl", given)))

    assert found <= {*values}
    assert len(found) > 0.95 * len(values) > 1_000


def _said(value, text):
    """Return an object whose assertion and remark have a text of a stranger in them."""
    source = f"feed {text}"
    return {
        "type": "hostname",
        "value": value,
        "assertions": [{"tag": f"c2 {text}", "source": source}],
        "context": [{"source": source if _is_plain(source) else "feed", "note": text}],
    }


def _is_plain(text):
    """Say whether a name is kept as it is: without control characters, and blanks around it."""
    return text != "" and text.isprintable() and text == text.strip()


def understood(given):
    """Return the observable that a value is to an import; none if it is none."""
    try:
        return [Value(*canonical.classify(*given))]
    except RefusedValue:
        return []
