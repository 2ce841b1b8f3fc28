"""JSON in pieces: what is yielded, what a defect costs, what hostile nesting costs."""

import itertools
import json

import pytest

from core.errors import UnreadableFile
from core.ingest import json_stream, misp, stix
from core.ingest.reader import InputFile, Options
from core.schemas.claim import Refusal


@pytest.fixture
def file(tmp_path):
    def make(data):
        path = tmp_path / "x.json"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return InputFile(path)

    return make


def whole(file, places=("item",)):
    return [value for _, value in json_stream.pieces(file, set(places))]


DOCUMENT = {"a": [{"b": [1, 2.5, None, True, "é\U0001f600"]}, [], {}], "c.d": {"e": "f"}, "": [{"": "x"}]}


def test_pieces_are_what_a_whole_reading_gives(file):
    """At each place, with the values that the standard library reads."""
    found = file(json.dumps(DOCUMENT))

    assert [DOCUMENT] == whole(found, [""])
    assert DOCUMENT["a"] == whole(found, ["a.item"])
    assert [[1, 2.5, None, True, "é\U0001f600"], "f"] == whole(found, ["a.item.b", "c.d.e"])


def test_marks_tell_where_containers_begin(file):
    """In the order of the file, between the pieces."""
    found = file('[{"x": 1, "y": 2}, {"y": 3}]')

    assert [("item", None), ("item.y", 2), ("item", None), ("item.y", 3)] == list(
        json_stream.pieces(found, {"item.y"}, {"item"})
    )


@pytest.mark.parametrize("cut", [1, 10, 5000, 70_000, 150_000])
def test_everything_before_a_break_comes_out(file, cut):
    """Then the break is said."""
    text = json.dumps([{"n": number} for number in range(20_000)])
    pieces = json_stream.pieces(file(text[:cut]), {"item"})
    found = list(itertools.islice(pieces, text[:cut].count("}")))

    assert [{"n": number} for number in range(len(found))] == [value for _, value in found]
    with pytest.raises(UnreadableFile, match="cut short"):
        next(pieces)


def test_everything_before_a_defect_comes_out(file):
    """Also where the defect stands in the same block."""
    pieces = json_stream.pieces(file('[{"n": 1}, {"n": 2}, NaN, {"n": 3}]'), {"item"})

    assert [("item", {"n": 1}), ("item", {"n": 2})] == [next(pieces), next(pieces)]
    with pytest.raises(UnreadableFile, match="no JSON from some point on"):
        next(pieces)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_nesting_costs_nothing(file, opening):
    """Half a million brackets are read past, closed or not; what lies below the limit is left out."""
    closing = {"[": "]", '{"a":': "}", '[{"a":': "}]"}[opening]
    deep = opening * 200_000 + "1" + closing * 200_000

    assert ["before", "after"] == [
        value for value in whole(file(f'["before", {deep}, "after"]')) if isinstance(value, str)
    ]
    with pytest.raises(UnreadableFile):
        whole(file(opening * 200_000))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'["\ud800 a", "b"]', ["\ufffd a", "b"]),
        (r'["\udc00"]', ["\ufffd"]),
        (r'["\uD83D\uDE00", "\\ud800", "\\\ud800"]', ["\U0001f600", "\\ud800", "\\\ufffd"]),
        ("[1e999, 123456789012345678901234567890]", ["1E+999", "123456789012345678901234567890"]),
        ("[1] [2]\n[3]", [1, 2, 3]),
        (b"\xef\xbb\xbf[1]", [1]),
        ("[1]".encode("utf-16"), [1]),
        (b'["caf\xe9"]', ["café"]),
    ],
)
def test_odd_input_is_read_as_it_was_meant(file, text, expected):
    """Half surrogate pairs are marked as undecodable, never turned into something else."""
    assert expected == whole(file(text))


@pytest.mark.parametrize("text", ["[NaN]", '["a\0"]', "[01]", "[1,]", "x", "", "[" + "9" * 5000 + "]", '["\\x"]'])
def test_what_is_no_json_is_said(file, text):
    """In words, with no error of the parser's own."""
    with pytest.raises(UnreadableFile) as caught:
        whole(file(text))

    assert "\n" not in str(caught.value)


def test_a_long_string_without_quotes_is_read(file):
    """Text is cut for the parser behind quotation marks; a string of megabytes has none."""
    text = "x" * 3_000_000

    assert [text] == whole(file(f'["{text}"]'))


@pytest.mark.parametrize("module", [misp, stix])
def test_two_passes_are_told_once(tmp_path, module):
    """Progress ends at the size of the file, though it is read twice."""
    bundle = {"type": "bundle", "id": "bundle--00000000", "objects": [{"type": "mutex", "id": "mutex--00000000"}]}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(bundle if module is stix else {"Event": {"info": "x", "Attribute": []}}))
    told = []
    list(module.read(InputFile(path, on_bytes=told.append), Options()))

    assert path.stat().st_size == sum(told)


def test_lines_are_read_one_by_one(file):
    """A broken line costs itself; numbers are those of the file."""
    found = file('{"a": 1}\n\n{"a": \n{"a": 3}\n')
    items = list(json_stream.objects(found, {""}))

    assert [(1, {"a": 1}), (4, {"a": 3})] == [item for item in items if not isinstance(item, Refusal)]
    assert [3] == [item.line for item in items if isinstance(item, Refusal)]
    assert found.is_damaged


def test_lines_of_which_none_is_json_are_no_file(file):
    """It is refused as a whole."""
    with pytest.raises(UnreadableFile):
        list(json_stream.objects(file("{a}\n{b}\n"), {""}))


def test_the_outline_tells_what_stands_where(file):
    """The first scalar at each place, and containers by their bracket; a cut head is no error."""
    found = file('{"type": "bundle", "objects": [{"id": 1}, {"id": 2}], "rest": "' + "x" * 100_000)

    assert {
        "": "{",
        "type": "bundle",
        "objects": "[",
        "objects.item": "{",
        "objects.item.id": 1,
    } == json_stream.outline(found)
    assert {} == json_stream.outline(file("no json"))
    assert {} == json_stream.outline(file('"a string"'))


def test_a_part_of_endless_values_is_not_built(file, monkeypatch):
    """It is told of in its place, and its neighbours are whole."""
    monkeypatch.setattr(json_stream, "MAX_PARTS", 10)
    found = file('[{"a": 1}, {"a": [1, 2, {"b": [3, 4, 5, 6, 7]}, 8, 9, [10]], "c": {"d": 1}}, {"a": 2}]')

    assert ["an entry of more than 10 values", {"a": 1}, {"a": 2}] == sorted(
        (value for _, value in json_stream.objects(found, {"item"})), key=str
    )


def test_an_endless_line_costs_itself(file, monkeypatch):
    """Neither memory nor the lines behind it."""
    monkeypatch.setattr(json_stream, "MAX_LINE_CHARACTERS", 20)
    found = file('{"a": 1}\n{"a": "' + "x" * 100 + '"}\n{"a": 3}\n')
    items = list(json_stream.objects(found, {""}))

    assert [(1, {"a": 1}), (3, {"a": 3})] == [item for item in items if not isinstance(item, Refusal)]
    assert [(2, "a line of more than 20 characters")] == [
        (item.line, item.reason) for item in items if isinstance(item, Refusal)
    ]
    assert found.is_damaged
