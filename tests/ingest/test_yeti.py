"""What a Yeti exports: answers of its search in both forms, and its templates."""

import json

import pytest

from core.errors import UnreadableFile
from core.ingest import yeti
from core.ingest.reader import InputFile, Options
from core.ingest.registry import recognise
from core.schemas.claim import Claim, Kind, Refusal, StoredTemplate
from core.schemas.instant import LATEST, to_text


def tag(name, **changes):
    return {
        "name": name,
        "last_seen": "2024-03-01T10:00:00.123456Z",
        "expires": "2024-05-30T10:00:00.123456Z",
        "fresh": True,
        "id": None,
        **changes,
    }


def observable(value="192.0.2.1", kind="ipv4", **changes):
    return {
        "value": value,
        "type": kind,
        "tags": [tag("c2")],
        "context": [],
        "last_analysis": {},
        "created": "2024-02-01T00:00:00Z",
        "modified": "2024-03-01T00:00:00Z",
        "root_type": "observable",
        "is_valid": True,
        "id": "1",
        **changes,
    }


def answer(*observables):
    return {"observables": list(observables), "total": len(observables)}


@pytest.fixture
def read(tmp_path):
    def run(document, name="observables.json", **options):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        assert yeti is recognise(InputFile(path))
        return list(yeti.read(InputFile(path), Options(**options)))

    return run


OLD = observable(tags={"c2": tag("c2")})
del OLD["root_type"], OLD["is_valid"], OLD["modified"]


@pytest.mark.parametrize(
    "document",
    [
        answer(observable()),
        answer(OLD),
        [observable()],
        [OLD],
        observable(),
        json.dumps(observable()) + "\n" + json.dumps(observable()) + "\n",
        {"total": 1, "observables": [observable()]},
    ],
)
def test_every_form_is_understood(read, document):
    """Whole answers, lists, lines; tags as a list and as an object."""
    claim = read(document)[0]

    assert ("ipv4", "192.0.2.1", ("c2",)) == (claim.type, claim.value, claim.tags)
    assert ("observables.json", Kind.MALICIOUS) == (claim.source, claim.kind)
    assert "2024-02-01T00:00:00Z" == to_text(claim.first_seen)
    assert "2024-03-01T10:00:00.123456Z" == to_text(claim.last_seen)
    assert "2024-05-30T10:00:00.123456Z" == to_text(claim.valid_until)


def test_each_tag_keeps_its_own_end(read):
    """Two tags are two claims; an end of null means never, an end not given is not stated."""
    tags = [tag("a"), tag("b", expires=None), {"name": "c"}]
    first, second, third = read(answer(observable(tags=tags)))

    assert [("a",), ("b",), ("c",)] == [claim.tags for claim in (first, second, third)]
    assert "2024-05-30T10:00:00.123456Z" == to_text(first.valid_until)
    assert LATEST == second.valid_until
    assert third.valid_until is None


def test_without_tags_it_is_info(read):
    """Yeti exports nothing that has no tag."""
    for tags in ([], {}, None):
        (claim,) = read(answer(observable(tags=tags)))

        assert ((), Kind.INFO) == (claim.tags, claim.kind)


def test_context_is_kept_with_its_origin(read):
    """One claim for each entry; the ``source`` in it becomes ``origin``, since claims have their own."""
    context = [{"source": "feed", "note": "a\nb", "count": 3}, {"source": "blog", "nested": {"x": 1}}]
    first, second = read(answer(observable(context=context)))

    assert {"origin": "feed", "note": "a b", "count": "3"} == first.context
    assert {"origin": "blog"} == second.context
    assert first.tags == second.tags


def test_types_without_an_equal_are_generic(read):
    """The type of Yeti stays in the context."""
    (claim,) = read(answer(observable("cmd /c x", "command_line")))

    assert ("generic", "cmd /c x", "command_line") == (claim.type, claim.value, claim.context["yeti_type"])


def test_a_broken_observable_costs_itself_alone(read):
    """It is reported; a broken date or tag costs the date or tag alone."""
    items = read(
        answer(
            observable(),
            {"value": "x"},
            "x",
            observable("300.1.1.1"),
            observable("x", "made-up"),
            observable("192.0.2.2", tags=[tag("a", expires="2024-02-31"), tag("")]),
        )
    )

    assert ["192.0.2.1", "192.0.2.2"] == [item.value for item in items if isinstance(item, Claim)]
    assert [
        "an observable without type or value",
        "not an observable",
        "ipv4: not an IPv4 address: four numbers of 0 to 255 without leading zeros are needed",
        "made-up: there is no type 'made-up'",
        "expires: there is no such day or time; taken without it",
        "a tag without a usable name; taken without it",
    ] == [item.reason for item in items if isinstance(item, Refusal)]


def test_the_user_overrides(read):
    """Source, tags and kind of the command line."""
    (claim,) = read(answer(observable()), source="mine", tags=("x",), kind=Kind.SUSPICIOUS)

    assert ("mine", ("c2", "x"), Kind.SUSPICIOUS) == (claim.source, claim.tags, claim.kind)


def test_templates_are_named_by_their_file(tmp_path):
    """The text stays as it is, but for a byte order mark."""
    path = tmp_path / "My list.jinja2"
    path.write_bytes(b"\xef\xbb\xbf{% for o in data %}\r\n{{ o.value }}{% endfor %}\n")

    assert yeti is recognise(InputFile(path))
    assert [StoredTemplate("My list", "{% for o in data %}\r\n{{ o.value }}{% endfor %}\n")] == list(
        yeti.read(InputFile(path), Options())
    )


@pytest.mark.parametrize("data", [b"\xff\xfe{{", b"a\x00b", b"x" * ((1 << 20) + 1)])
def test_a_template_that_is_no_text_is_refused(tmp_path, data):
    """Not UTF-8, with a NUL, or too large to be one."""
    path = tmp_path / "x.jinja2"
    path.write_bytes(data)

    with pytest.raises(UnreadableFile):
        list(yeti.read(InputFile(path), Options()))


@pytest.mark.parametrize("text", ["", "x", '{"observables": {"a": 1}}', '{"observables": [', '"x"'])
def test_a_file_without_an_observable_is_refused(tmp_path, text):
    """It is no answer of a search."""
    path = tmp_path / "x.json"
    path.write_text(text)

    with pytest.raises(UnreadableFile):
        list(yeti.read(InputFile(path), Options()))
