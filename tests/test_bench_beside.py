"""What the comparison with libraries asks their validator about."""

from itertools import groupby

from bench.formats import beside
from core.exports.formats import get_format
from core.testing.format_values import GOOD
from core.testing.formats import FormatConformance, Value


def indicators(tmp_path):
    """Return indicators of every type, as a bundle has them: those of a type together, names and URLs many."""
    values = [Value(type_, text) for type_, texts in GOOD.items() for text in texts]
    values += [Value("hostname", f"h{number}.example") for number in range(3_000)]
    values += [Value("url", f"http://h{number}.example/") for number in range(2_000)]
    kit = FormatConformance()
    kit.format = "stix"
    form = get_format("stix")
    some = [value for value in values if form.TYPES is None or value.type in form.TYPES]
    (content,) = kit.write(form, some, tmp_path).files.values()
    return beside.json.loads(content)["objects"]


def kinds(objects):
    """Return what patterns are about, in order."""
    return [kind for kind, _ in groupby(objects, beside.kind_of)]


def test_objects_of_every_type_are_validated(tmp_path):
    """Not the first ones alone, which are all of one type."""
    objects = indicators(tmp_path)

    some = beside.across(objects)

    assert {*kinds(objects)} == {*kinds(some)}
    assert len({*kinds(objects)}) > 10
    assert len(some) <= beside.VALIDATED + len({*kinds(objects)})
    assert some == [item for item in objects if item in some]
    assert len({beside.kind_of(item) for item in objects[: beside.VALIDATED]}) < len({*kinds(objects)})


def test_one_bad_type_is_found(tmp_path):
    """The library's validator refuses a pattern of the last of them."""
    objects = indicators(tmp_path)
    assert beside._is_valid_stix(beside.across(objects))

    last = beside.kind_of(objects[-1])
    bad = [item | {"pattern": item["pattern"][:-1]} if beside.kind_of(item) == last else item for item in objects]

    assert not beside._is_valid_stix(beside.across(bad))
