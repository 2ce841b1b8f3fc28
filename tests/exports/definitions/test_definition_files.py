"""Definitions in files: TOML and YAML, the words of the command line, every mistake found, nothing of strangers run."""

import tomllib
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.cli.export_command import command
from core.errors import AlreadyExists, DefinitionError, DefinitionFilesError
from core.exports.definitions import file_words, files
from core.exports.definitions.definition import default_file_name
from core.exports.definitions.dump import dumped, write_to
from core.schemas.claim import TLP
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import EARLIEST, LATEST, from_datetime
from core.values.types import TYPES

EVERYTHING = """
[[export]]
name = "c2 addresses"
description = "for the firewall"
enabled = false
format = "csv"
option = { columns = "value,tags", header = true }
type = ["ip", "domain"]
include = ["c2", "botnet"]
require = "confirmed"
exclude = ["parked"]
ignore = ["seen"]
source = ["feed"]
with-info = true
untagged = true
any-freshness = true
max-age = "30d"
first-seen-after = 2024-05-01
last-seen-after = 2024-05-01T10:00:00Z
tlp = "amber+strict"
min-confidence = 50
grace = "1h30m"
undated = "drop"
public = true
network = ["10.0.0.0/8", "192.0.2.1"]
deltas = true
every = "15m"
to = "s3://bucket/lists"
file-name = "lists/c2.csv"
limit = { loss = "30%", most = 300000 }
"""
MAY = from_datetime(datetime(2024, 5, 1, tzinfo=UTC))
WANTED = ExportDefinition(
    name="c2 addresses",
    description="for the firewall",
    enabled=False,
    format="csv",
    options={"columns": "value,tags", "header": "yes"},
    selection=Selection(
        types=("cidr", "hostname", "ipv4", "ipv6"),
        include=("c2", "botnet"),
        require=("confirmed",),
        exclude=("parked",),
        ignore=("seen",),
        sources=("feed",),
        with_info=True,
        untagged=True,
        any_freshness=True,
        max_age_s=30 * 86_400,
        first_seen_after=MAY,
        last_seen_after=MAY + 10 * 3_600 * 1_000_000,
        most_tlp=TLP.AMBER_STRICT,
        least_confidence=50,
        grace_s=5_400,
        undated="drop",
    ),
    is_public=True,
    networks=("10.0.0.0/8", "192.0.2.1/32"),
    deltas=True,
    schedule="every:900",
    destination="s3://bucket/lists",
    file_name="lists/c2.csv",
    limits={"loss": "30%", "most": "300000"},
)


@pytest.fixture
def read(tmp_path):
    """Read texts as files of that name, and give the definitions; a name may have folders before it."""

    def call(text, name="exports.toml", **others):
        for file, content in {name: text, **others}.items():
            path = tmp_path / "defs" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return files.read([tmp_path / "defs"])

    return call


@pytest.fixture
def problems(read, tmp_path):
    """Read texts that cannot be read, and give what was said of them, without the folder."""

    def call(text, name="exports.toml", **others):
        with pytest.raises(DefinitionFilesError) as refused:
            read(text, name, **others)
        return [problem.replace(f"{tmp_path}/defs/", "") for problem in refused.value.problems]

    return call


# --- the words --------------------------------------------------------------------------------------------


def test_every_word_of_a_file_sets_its_field(read):
    """One file with all of them."""
    (found,) = read(EVERYTHING).exports

    assert WANTED == found.definition


def test_yaml_says_the_same(read):
    """YAML has the same words; dates, numbers and yes are what they are there."""
    text = """
export:
- name: c2 addresses
  description: for the firewall
  enabled: no
  format: csv
  option: {columns: 'value,tags', header: yes}
  type: [ip, domain]
  include: [c2, botnet]
  require: confirmed
  exclude: &never [parked]
  ignore: [seen]
  source: [feed]
  with-info: true
  untagged: true
  any-freshness: true
  max-age: 30d
  first-seen-after: 2024-05-01
  last-seen-after: 2024-05-01T12:00:00+02:00
  tlp: TLP:AMBER+STRICT
  min-confidence: 50
  grace: 1h30m
  undated: drop
  public: true
  network: [10.0.0.0/8, 192.0.2.1]
  deltas: true
  every: 15m
  to: s3://bucket/lists
  file-name: lists/c2.csv
  limit:
    loss: 30%
    most: 300000
- name: other
  format: list
  exclude: *never
"""
    found, other = read(text, "exports.yaml").exports

    assert WANTED == found.definition
    assert ("parked",) == other.definition.selection.exclude


def test_every_option_of_the_command_line_has_a_word():
    """What ``export add`` takes, a file takes, and by the same name."""
    options = {
        option.opts[0].removeprefix("--")
        for option in command.commands["add"].params
        if option.opts[0].startswith("--")
    }

    assert set() == options - {"disabled", "help"} - file_words.WORDS.keys()


def test_every_field_of_a_definition_has_a_word():
    """Nothing is lost on the way into a file, but for the dates and a key, which are the store's."""
    said = {word.field for word in file_words.WORDS.values()}
    there = {item.name for kind in (ExportDefinition, Selection) for item in fields(kind)}

    assert {"selection", "created_at", "modified_at", "versions_key"} == there - said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("one.toml", 'name = "a"\nformat = "list"\n'),
        ("list.yaml", "- name: a\n  format: list\n"),
        ("one.yml", "name: a\nformat: list\n"),
        ("alone.toml", '[export]\nname = "a"\nformat = "list"\n'),
        ("windows.toml", '\ufeff[[export]]\r\nname = "a"\r\nformat = "list"\r\n'),
    ],
)
def test_a_file_has_several_forms(read, name, text):
    """A list under ``export``, a list alone, or one export; also as Windows writes files."""
    (found,) = read(text, name).exports

    assert ("a", "list") == (found.definition.name, found.definition.format)


def test_a_folder_is_read_with_its_folders(read, tmp_path):
    """Each file once, in order; what begins with a dot and other files are passed over."""
    found = read(
        'name = "b"\nformat = "list"',
        "b.toml",
        **{
            "a/a.yaml": "{name: a, format: list}",
            ".git/x.toml": "broken =",
            ".hidden.toml": "broken =",
            "README.md": "# read me",
        },
    )
    twice = files.read([tmp_path / "defs", tmp_path / "defs" / "b.toml"])

    assert ["b", "a"] == [item.definition.name for item in found.exports]
    assert found == twice


# --- mistakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('includes = ["c2"]', "unknown key 'includes', did you mean 'include'?"),
        ('file_name = "x"', "unknown key 'file_name', did you mean 'file-name'?"),
        ("include = [1]", "include: a text or a list of texts is needed, not 1"),
        ('include = [["c2"]]', "include: a text or a list of texts is needed, not a list"),
        ('include = [" "]', "include: an empty text"),
        ('type = "ipp"', "type: unknown type 'ipp'"),
        ("max-age = 30", 'max-age: a duration such as "30d" is needed, not 30'),
        ('max-age = "30 days"', "max-age: '30 days' is not a duration; write 90s, 15m, 1h, 30d or 2w"),
        ('max-age = "٣d"', "max-age: '٣d' is not a duration"),
        ('public = "yes"', "public: true or false is needed, not 'yes'"),
        ("min-confidence = true", "min-confidence: a whole number is needed, not true"),
        ('tlp = "orange"', "tlp: 'orange' is no level of the Traffic Light Protocol"),
        ('first-seen-after = "3/4/2024"', "first-seen-after: '3/4/2024': a date that may be two days"),
        ("first-seen-after = 10:00:00", "first-seen-after: a date such as 2024-05-01 is needed, not 10:00:00"),
        ('undated = "maybe"', "undated: keep or drop is needed, not 'maybe'"),
        ('limit = ["loss"]', "limit: keys with values are needed, not a list"),
        ("limit = { allow = [1] }", "limit: allow: a text, a number, true or false is needed, not a list"),
        ('every = "1h"\ncron = "* * * * *"', "every and cron exclude each other"),
        ('to = "https://user:secret@host/x"', "to: https://user:***@host/x holds a password or key"),
    ],
)
def test_a_mistake_is_said_with_its_file_and_export(problems, line, reason):
    """File, export, word, reason, and the nearest word there is."""
    (said,) = problems(f'[[export]]\nname = "c2"\nformat = "list"\n{line}\n')

    assert said.startswith(f"exports.toml: export 'c2': {reason}")
    assert "secret" not in said


def test_all_mistakes_are_found_at_once(problems):
    """Whoever mends files does not want to hear of the second mistake after the first."""
    said = problems(
        '[[export]]\nname = "a"\nformt = "list"\n[[export]]\nformat = "list"\n[[export]]\nname = "b"\nevery = 1\n',
        **{"b.toml": "x = [", "c.yaml": "a: [", "d.toml": ""},
    )

    assert [
        "exports.toml: export 'a': unknown key 'formt', did you mean 'format'?",
        "exports.toml: an export: it has no name",
        "exports.toml: export 'b': every: a duration such as \"30d\" is needed, not 1",
    ] == [text for text in said if text.startswith("exports")]
    assert {"b.toml", "c.yaml", "d.toml"} == {text.partition(":")[0] for text in said} - {"exports.toml"}


def test_a_name_is_there_once(problems):
    """Of two definitions of one name none is meant more than the other."""
    text = '[[export]]\nname = "a"\nformat = "list"\n'

    assert ["exports.toml: export 'a': twice"] == problems(text * 2)
    (said,) = problems(text, **{"other.toml": text})
    assert "other.toml: export 'a': is also in exports.toml" == said


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.toml", "x = = 1", "Invalid value (at line 1, column 5)"),
        ("a.toml", 'name = "a"\nname = "b"', "Cannot overwrite a value (at "),
        ("a.toml", 'name = "a\x00"', "Illegal character '\\x00' (at line 1, column 10)"),
        ("a.toml", b"ok = 1\nname = '\xff'", "line 2: not UTF-8 text"),
        ("a.toml", "x = " + "[" * 20_000, "lists within lists without end"),
        ("a.toml", "x = " + "1" * 5_000, "Exceeds the limit (4300 digits)"),
        ("a.toml", "x = '" + "y" * (5 << 20) + "'", "is larger than 1 MiB"),
        ("a.toml", "# nothing", "there is no export in it"),
        ("a.toml", "[tool.ruff]\nline-length = 1", "there is no export in it, only 'tool'"),
        ("a.toml", 'exports = 1\n[[export]]\nname = "a"', "unknown key 'exports' beside the exports"),
        ("a.toml", "export = [1]", "an export is written as keys with values"),
        ("a.yaml", "a: [\n", "line 2, column 1: "),
        ("a.yaml", "- name: a\n  name: b", "line 2, column 3: the key 'name' is there twice"),
        ("a.yaml", "name: !!python/object/apply:os.system [id]", "line 1, column 7: could not determine"),
        ("a.yaml", "name: !!binary '!'", "an export: name: a text is needed, not "),
        ("a.yaml", "name: &a [*a]", "line 1, column 11: the alias *a stands for nothing, or for itself"),
        ("a.yaml", "[" * 100_000, "line 1, column 21: more than 20 lists and mappings within each other"),
        ("a.yaml", "a\0b", "line 1: a character that YAML may not hold"),
        ("a.yaml", "name: 2024-13-45", "a value that cannot be"),
        ("a.yaml", "x: " + "1" * 5_000, "a value that cannot be"),
        ("a.yaml", "--- 1\n--- 2", "line 2, column 1: expected a single document"),
        ("a.yaml", "", "there is no export in it"),
        ("a.yaml", "just a text", "an export is written as keys with values"),
        ("a.yaml", b"\x80\x04\x95\x00\x01\x02", "line 1: not UTF-8 text"),
    ],
)
def test_what_is_no_file_of_definitions_is_refused(problems, name, text, reason):
    """With the place where it is known; nothing in it is run, and nothing of it grows."""
    (said,) = problems(text, name)

    assert said.startswith(f"{name}: {reason}")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("mark", ["a{0}: &a{0} [{1}]", "a{0}: &a{0}\n  <<: [{1}]"])
def test_a_few_lines_do_not_become_a_billion(problems, mark):
    """Aliases of aliases, and merges of merges, are counted before anything is made of them."""
    lines = ["a0: &a0 {x: 1}"]
    lines += [mark.format(level, ", ".join([f"*a{level - 1}"] * 10)) for level in range(1, 12)]

    (said,) = problems("\n".join(lines), "bomb.yaml")

    assert "its aliases stand for more than 200,000 values" in said


def test_what_is_no_file_is_said(tmp_path):
    """A missing file, another kind of file, an empty folder."""
    (tmp_path / "x.json").write_text("{}")
    (tmp_path / "empty").mkdir()

    with pytest.raises(DefinitionFilesError) as refused:
        files.read([tmp_path / "gone.toml", tmp_path / "x.json", tmp_path / "empty"])

    assert [
        f"{tmp_path}/empty: no file in it ends in .toml, .yaml or .yml",
        f"{tmp_path}/gone.toml: No such file or directory",
        f"{tmp_path}/x.json: definitions are read from .toml, .yaml and .yml",
    ] == sorted(refused.value.problems)


@given(
    data=st.binary(max_size=400) | st.text(max_size=200).map(str.encode), suffix=st.sampled_from(["toml", "yaml"])
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_are_a_surprise(tmp_path, data, suffix):
    """Whatever is in a file, it is read or refused in words."""
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(data)

    try:
        files.read([path])
    except DefinitionFilesError as error:
        problems = error.problems
    else:
        problems = ("read",)

    assert all(problems)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
), st.sampled_from(sorted(file_words.WORDS)))  # fmt: skip
def test_no_value_is_a_surprise(value, word):
    """Whatever a word says, it is taken or refused in words."""
    try:
        file_words.read({"name": "a", word: value})
    except DefinitionError as error:
        outcome = str(error)
    else:
        outcome = "taken"

    assert outcome


# --- templates --------------------------------------------------------------------------------------------


def test_a_template_is_a_file_beside(read):
    """Its name is that of the file, or the one that is given."""
    found = read(
        '[[export]]\nname = "a"\ntemplate-file = "t/siem.jinja2"\n'
        '[[export]]\nname = "b"\ntemplate = "other"\ntemplate-file = "t/siem.jinja2"\n',
        **{"t/siem.jinja2": "{{ data }}\r\n"},
    )

    assert ["siem", "other"] == [item.definition.template for item in found.exports]
    assert {"siem": "{{ data }}\n", "other": "{{ data }}\n"} == found.templates


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("../secret.txt", "../secret.txt is not in the folder of this file"),
        ("/etc/passwd", "/etc/passwd is not in the folder of this file"),
        ("link.txt", "link.txt is not in the folder of this file"),
        ("gone.jinja2", "gone.jinja2: No such file or directory"),
        ("folder", "folder: is not a regular file"),
        ("a\\u0000b", "the name of a file is needed"),
        ("", "the name of a file is needed"),
    ],
)
def test_a_template_is_nothing_else_of_this_machine(problems, tmp_path, said, reason):
    """Who suggests a definition could have any file published otherwise."""
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "defs" / "folder").mkdir(parents=True)
    (tmp_path / "defs" / "link.txt").symlink_to(tmp_path / "secret.txt")

    (problem,) = problems(f'[[export]]\nname = "a"\ntemplate-file = "{said}"\n')

    assert problem.startswith(f"exports.toml: export 'a': template-file: {reason}")


def test_one_name_is_one_template(problems):
    """Two files of one name in two folders are not mixed up."""
    (said,) = problems(
        '[[export]]\nname = "a"\ntemplate-file = "x/t.jinja2"\n[[export]]\nname = "b"\ntemplate-file = "y/t.jinja2"\n',
        **{"x/t.jinja2": "1", "y/t.jinja2": "2"},
    )

    assert "export 'b': the template 't' is something else in " in said


# --- the way back -----------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SHOWN = TEXT.filter(lambda text: text.isprintable() and text.strip())
SEVERAL = st.lists(SHOWN, max_size=3, unique=True).map(tuple)
SECONDS = st.integers(1, 10**9)
MOMENT = st.none() | st.integers(from_datetime(datetime(1, 1, 2, tzinfo=UTC)), LATEST - 86_400_000_000)
SELECTIONS = st.builds(
    Selection,
    types=st.lists(st.sampled_from(sorted(TYPES)), max_size=3, unique=True).map(
        lambda names: tuple(sorted(names))
    ),
    include=SEVERAL,
    require=SEVERAL,
    exclude=SEVERAL,
    ignore=SEVERAL,
    sources=SEVERAL,
    with_info=st.booleans(),
    untagged=st.booleans(),
    any_freshness=st.booleans(),
    max_age_s=st.none() | SECONDS,
    first_seen_after=MOMENT,
    last_seen_after=MOMENT,
    most_tlp=st.none() | st.sampled_from(TLP),
    least_confidence=st.none() | st.integers(0, 100),
    grace_s=st.just(0) | SECONDS,
    undated=st.sampled_from(["keep", "drop"]),
)
EXPORTS = st.builds(
    ExportDefinition,
    name=SHOWN.map(str.strip),
    file_name=SHOWN,
    selection=SELECTIONS,
    format=st.sampled_from(["", "list", "csv", "gone"]),
    template=SHOWN,
    options=st.dictionaries(TEXT, TEXT, max_size=2),
    limits=st.dictionaries(TEXT, TEXT, max_size=2),
    destination=SHOWN.map(str.strip).filter(lambda text: "@" not in text and "=" not in text and "%" not in text),
    schedule=st.just("") | SECONDS.map(lambda number: f"every:{number}") | SHOWN.map(lambda text: f"cron:{text}"),
    description=TEXT,
    enabled=st.booleans(),
    is_public=st.booleans(),
    networks=st.sampled_from([(), ("10.0.0.0/8",), ("192.0.2.1/32", "2001:db8::/32")]),
    deltas=st.booleans(),
)


@given(st.lists(EXPORTS, max_size=3, unique_by=lambda item: item.name))
@example([ExportDefinition("a", "a", template="t", schedule="cron:;")])
@example([ExportDefinition("a", "a", template="t", schedule="cron:a;zone=b;zone=c;jitter=7")])
def test_what_is_dumped_is_what_is_read(exports):
    """Whatever the store may hold comes back from its file as it was, whatever is in its texts."""
    text = dumped(exports)

    found = [file_words.read(words) for words in tomllib.loads(text).get("export", [])]

    named = [
        replace(item, file_name=item.file_name or default_file_name(item.name, item.format)) for item in found
    ]
    assert exports == named


@pytest.mark.parametrize("moment", [EARLIEST, LATEST])
def test_the_ends_of_time_are_dumped(moment):
    """The first and the last instant there are."""
    item = ExportDefinition("a", "a", Selection(first_seen_after=moment))

    (words,) = tomllib.loads(dumped([item]))["export"]

    assert moment == file_words.read(words).selection.first_seen_after


def test_a_secret_is_not_dumped():
    """Nor written in a form that would look as if it worked."""
    item = ExportDefinition("a", "a", format="list", destination="https://user:secret@host/x")

    with pytest.raises(DefinitionError, match=r"export 'a': to: https://user:\*\*\*@host/x holds a password"):
        dumped([item])


def test_templates_are_written_beside(tmp_path):
    """Each under a name that every file system can hold; what is there already is not overwritten."""
    exports = [
        ExportDefinition(name, name, template=name, created_at=1)
        for name in ("Siem", "siem", "../x", "мир", "дом")
    ]

    written = [
        path.name for path in write_to(tmp_path / "new", exports, {item.name: item.name for item in exports})
    ]

    found = files.read([tmp_path / "new"])
    assert {item.name: item.name for item in exports} == found.templates
    assert 6 == len({name.casefold() for name in written})
    assert {item.name: item.name for item in exports} == {
        item.definition.name: item.definition.template for item in found.exports
    }
    with pytest.raises(AlreadyExists, match="is there already"):
        list(write_to(tmp_path / "new", exports, {item.name: item.name for item in exports}))
