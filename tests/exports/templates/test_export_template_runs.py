"""Exports by template: what of a slip in one the gate sees, when nothing fails."""

import pytest
from export_samples import LATER, NOW, claim

from core.errors import TemplateError
from core.exports.preview import preview
from core.exports.run import run_export
from core.exports.versions.release import release
from core.schemas.export import Selection
from core.store import kept_templates

ADDRESSES = Selection(types=("ipv4",))
RIGHT = '{% for o in data %}{{ o.value }} {{ o.tags|map(attribute="name")|join(",") }}\n{% endfor %}'
BLANK = {
    "nothing": '{% for o in data %}{% if o.type == "ip" %}{{ o.value }}\n{% endif %}{% endfor %}',
    "blank lines": "{% for o in data %}{{ o.values_|default('') }}\n{% endfor %}",
    "white space of all kinds": "\t{% for o in data %} \r\n\f{% endfor %}",
}


@pytest.fixture
def use(store):
    """Keep a text as the template ``t``: ``use(text)``."""

    def keep(text, now=NOW):
        kept_templates.put_template(store, "t", text, now, replace=True)

    return keep


@pytest.fixture
def listed(store, fill, define, settings, use):
    """An export by template of 100 addresses, published."""
    fill(*(claim(f"198.51.100.{n}", "ipv4", "a-tag-of-some-length") for n in range(1, 101)))
    use(RIGHT)
    define("x", ADDRESSES, template="t")
    run_export(store, "x", settings, now=NOW)


@pytest.mark.parametrize("text", BLANK.values(), ids=BLANK)
def test_a_file_without_anything_is_held(listed, use, store, settings, published, text):
    """With as many entries as before, and not one of them in the file: what is published stands, and previews say why."""
    use(text)

    seen = preview(store, "x", settings, now=LATER)
    result = run_export(store, "x", settings, now=LATER)

    assert ("held", 100, True) == (result.status, result.entries, result.can_be_released)
    assert "the list would have 100 entries, but its files are blank" in result.message
    assert seen.verdict.message == result.message
    assert 100 == published("x").count(b"198.51.100.")


def test_a_first_file_without_anything_is_held(fill, define, store, settings, use, tmp_path):
    """Nothing is there to be compared with, but nothing is published either."""
    fill(claim("198.51.100.1", "ipv4", "c2"))
    use(BLANK["nothing"])
    define("x", ADDRESSES, template="t")

    result = run_export(store, "x", settings, now=NOW)

    assert "held" == result.status
    assert not (tmp_path / "published" / "x").exists()


def test_no_entries_in_a_blank_file_are_right(define, store, settings, use, published):
    """A list of nothing is a blank file."""
    use(RIGHT)
    define("x", ADDRESSES, template="t")

    assert "completed" == run_export(store, "x", settings, now=NOW).status
    assert b"" == published("x")


def test_a_blank_file_that_was_released_stays_so(listed, use, store, settings, published):
    """Somebody wanted it: the same is not held again."""
    use(BLANK["nothing"])
    run_export(store, "x", settings, now=LATER)
    release(store, "x", settings, now=LATER, by="ada", reason="as it should be")

    again = run_export(store, "x", settings, now=LATER + 1)

    assert ("completed", "unchanged") == (again.status, again.outcome)
    assert b"" == published("x")


def test_a_file_that_loses_a_column_is_held(listed, use, store, settings, published):
    """The tags are gone from every line, through a name that the engine takes for nothing."""
    before = published("x")
    use(RIGHT.replace('"name"', '"nam"'))

    result = run_export(store, "x", settings, now=LATER)
    after = preview(store, "x", settings, now=LATER).verdict

    expected = f"the file would shrink from {len(before):,} to {len(before) - 2_000:,} bytes, with as many entries"
    assert "held" == result.status
    assert expected in result.message
    assert [True] == [reason.can_be_released for reason in after.reasons]
    assert before == published("x")


def test_a_file_that_shrinks_with_its_entries_is_not_held_for_it(listed, use, store, settings, fill, published):
    """40 of 100 go: so many fewer bytes are no news."""
    fill(
        *(claim(f"198.51.100.{n}", "ipv4", "a-tag-of-some-length", withdrawn=True) for n in range(1, 41)),
        now=LATER,
    )

    result = run_export(store, "x", settings, now=LATER)

    assert ("completed", 60) == (result.status, result.entries)


def test_a_missing_key_stops_the_run_and_says_where(listed, use, store, settings, published):
    """What the check cannot know, the run says: template, line and name; what is published stands."""
    before = published("x")
    use("{% for o in data %}{{ o.value }}\n{{ o.context[0].nope }}{% endfor %}")

    with pytest.raises(TemplateError) as caught:
        run_export(store, "x", settings, now=LATER)

    assert "template t: line 2: `o.context[0]" in str(caught.value)
    assert before == published("x")
