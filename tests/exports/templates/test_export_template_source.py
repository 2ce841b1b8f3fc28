"""Which templates are rendered in batches, and that batches give the bytes of the whole."""

import contextlib

import minijinja
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.exports.templates import worker
from core.exports.templates.source import NotBatched, split

ROWS = [
    {
        "value": f"v{number}",
        "type": "ipv4",
        "tags": [{"name": f"t{n}", "fresh": n % 2 == 0} for n in range(number % 4)],
    }
    for number in range(7)
]

BATCHED = {
    "a loop": "{% for row in data %}{{ row.value }}\n{% endfor %}",
    "text around": "head\n{% for row in data %}{{ row.value }}\n{% endfor %}\nfoot\n",
    "nothing in the loop": "a{% for row in data %}{% endfor %}b",
    "the published test template": "<blah>\n{% for obs in data %}{{ obs.value }}\n{% endfor %}\n</blah>",
    "white space control": "a \n{%- for row in data -%}\n {{ row.value }} \n{%- endfor -%}\n b\n\n",
    "marks that keep": "a\n{%+ for row in data +%} {{- row.value -}} {%+ endfor +%}\n b\n",
    "comments": "{# c #} x {# {% for a in b %} #}{%- for row in data %}{# c #}{{ row.value }}{% endfor -%}{# c #} y",
    "white space control against a comment": "x {# c #}{%- for row in data %}{{ row.value }}{% endfor -%}{# c #} y",
    "an inner loop with its own loop": (
        "{% for row in data %}{% for tag in row.tags %}{{ tag.name }}{% if not loop.last %},{% endif %}"
        "{% endfor %};{% endfor %}"
    ),
    "an inner loop with else": "{% for row in data %}{% for t in row.tags %}{{ t.name }}{% else %}-{% endfor %}{% endfor %}",
    "conditions": "{% for row in data %}{% if row.tags %}a{% elif row.value %}b{% else %}c{% endif %}{% endfor %}",
    "set in the loop": "{% for row in data %}{{ x }}{% set x = row.value %}{{ x }}{% endfor %}",
    "set in an inner block": "{% for row in data %}{% if row.tags %}{% set x = 1 %}{% endif %}{{ x }};{% endfor %}",
    "with and filter": (
        "{% for r in data %}{% with v = r.value %}{% filter upper %}{{ v }}{% endfilter %}{% endwith %}{% endfor %}"
    ),
    "continue": "{% for r in data %}{% if not r.tags %}{% continue %}{% endif %}{{ r.value }}{% endfor %}",
    "strings that look like code": "{% for row in data %}{{ '%}' }}{{ \"{{ data }}\" }}{{ row.value }}{% endfor %}",
    "attributes with names of ours": "{% for row in data %}{{ row.data }}{{ row.loop }}{% endfor %}",
    "an end of line as Windows has it": "a\r\n{% for row in data %}{{ row.value }}\r\n{% endfor %}\r\n",
    "slices and arithmetic": "{% for row in data %}{{ row.tags[0:2]|length * 2 - 1 }}{% endfor %}",
}

WHOLE = {
    "no loop": "nothing",
    "empty": "",
    "length": "{{ data|length }}{% for row in data %}{{ row.value }}{% endfor %}",
    "length behind": "{% for row in data %}{{ row.value }}{% endfor %}{{ data|length }}",
    "loop counts": "{% for row in data %}{{ loop.index }}{% endfor %}",
    "last": "{% for row in data %}{{ row.value }}{{ ',' if not loop.last }}{% endfor %}",
    "loop in the else of an inner loop": (
        "{% for row in data %}{% for t in row.tags %}x{% else %}{{ loop.index }}{% endfor %}{% endfor %}"
    ),
    "loop in the list of an inner loop": "{% for row in data %}{% for t in range(loop.index) %}x{% endfor %}{% endfor %}",
    "else": "{% for row in data %}x{% else %}none{% endfor %}",
    "else of nothing": "{% for row in data %}{% if row %}x{% endif %}{% else %}none{% endfor %}",
    "filtered": "{% for row in data if row.tags %}x{% endfor %}",
    "recursive": "{% for row in data recursive %}x{% endfor %}",
    "two loops": "{% for row in data %}x{% endfor %}{% for row in data %}y{% endfor %}",
    "a sorted list": "{% for row in data|sort(attribute='value') %}x{% endfor %}",
    "a slice": "{% for row in data[:10] %}x{% endfor %}",
    "two names": "{% for a, b in data %}x{% endfor %}",
    "data inside": "{% for row in data %}{{ data[0].value }}{% endfor %}",
    "data in a condition": "{% for row in data %}{% if data %}x{% endif %}{% endfor %}",
    "a namespace": "{% set ns = namespace(n=0) %}{% for row in data %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{% endfor %}",
    "a namespace inside": "{% for row in data %}{% set ns = namespace(n=0) %}x{% endfor %}",
    "a macro": "{% macro m(x) %}{{ x }}{% endmacro %}{% for row in data %}{{ m(row.value) }}{% endfor %}",
    "break": "{% for row in data %}{% break %}{% endfor %}",
    "raw": "{% for row in data %}{% raw %}{{ data }}{% endraw %}{% endfor %}",
    "a block": "{% for row in data %}{% block x %}y{% endblock %}{% endfor %}",
    "a set block": "{% for row in data %}{% set x %}y{% endset %}{% endfor %}",
    "a braced literal": "{% for row in data %}{{ {'a': 1}|tojson }}{% endfor %}",
    "joiner": "{% for row in data %}{{ joiner(',')() }}{% endfor %}",
    "a loop in a condition": "{% if true %}{% for row in data %}x{% endfor %}{% endif %}",
    "no end": "{% for row in data %}x",
    "no end of a tag": "{% for row in data %}{{ row",
    "no end of a comment": "{% for row in data %}{# x",
    "a loop called data": "{% for data in data %}x{% endfor %}",
    "crossed tags": "{% for row in data %}{% if x %}{% for t in row.tags %}{% endif %}{% endfor %}{% endfor %}",
}


def whole(source: str, rows: list[dict]) -> str:
    with worker.panics_said():
        return environment(source).render_template("t", data=rows)


def in_batches(source: str, rows: list[dict], size: int) -> str:
    parts = split(source)
    loop = environment(parts.loop)
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]
    middle = "".join(loop.render_template("t", data=batch) for batch in batches)
    return whole(parts.before, []) + middle + whole(parts.after, [])


def environment(source: str) -> minijinja.Environment:
    made = minijinja.Environment()
    made.add_template("t", source)
    return made


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize("name", BATCHED)
def test_batches_give_the_bytes_of_the_whole(name, count, size):
    """A template that is batched gives the same bytes as one that is rendered in one go."""
    source, rows = BATCHED[name], ROWS[:count]

    assert whole(source, rows) == in_batches(source, rows, size)


@pytest.mark.parametrize("name", WHOLE)
def test_what_may_see_the_whole_is_rendered_whole(name):
    """A template that could tell one batch from another is not batched, and the reason is a phrase."""
    with pytest.raises(NotBatched) as caught:
        split(WHOLE[name])

    assert str(caught.value)


PIECES = [
    "text ",
    "\n",
    " ",
    "{# c #}",
    "{%- if row.tags -%}",
    "{% if row.value %}",
    "{% else %}",
    "{% endif %}",
    "{% for t in row.tags %}",
    "{%- for t in row.tags -%}",
    "{% endfor %}",
    "{%- endfor -%}",
    "{% for row in data %}",
    "{%- for row in data %}",
    "{{ t.name }}",
    "{{ row.value }}",
    "{{- row.value -}}",
    "{{ loop.index }}",
    "{{ data|length }}",
    "{% set x = row.value %}",
    "{{ x }}",
    "{% set n = loop %}",
    "{% set x = x ~ 'a' %}",
    "{{ 'a' if loop.first else 'b' }}",
    "{% continue %}",
    "{% break %}",
    "{% with y = x %}",
    "{% endwith %}",
    "{{ y }}",
    "{% set ns = namespace(n=0) %}",
    "{% set ns.n = ns.n + 1 %}",
    "{{ row.tags|map(attribute='name')|join(',') }}",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14), st.integers(1, 4))
def test_whatever_is_judged_batchable_is(pieces, size):
    """Of templates put together at random, those that are batched give the same bytes either way."""
    source = "{% for row in data %}" + "".join(pieces) + "{% endfor %}\n"
    try:
        split(source)
        expected = whole(source, ROWS)
    except (NotBatched, minijinja.TemplateError, worker.Failed):
        return

    assert expected == in_batches(source, ROWS, size)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=10))
def test_any_text_is_judged(pieces):
    """The judgement never fails, whatever the template is."""
    with contextlib.suppress(NotBatched):
        split("".join(pieces))


ONLY_NAMES = [
    "{% for r in data %}{{ r.value }},{{ r.tags|map(attribute='name')|join(';') }}{% endfor %}",
    '{% for r in data %}{{ r.tags | map(attribute="name") | list | tojson }}{{ r.created|tojson }}{% endfor %}',
    "{% for r in data %}{{ r.value }}{% endfor %}",
    "{% for r in data %}{% if r.tags|map(attribute='name')|list %}{{ r.context }}{% endif %}{% endfor %}",
    "{% for r in data %}{% set x = r.value %}{{ x.r }}{% endfor %}",
]
MORE_THAN_NAMES = [
    "{% for r in data %}{{ r|tojson }}{% endfor %}",
    "{% for r in data %}{{ r }}{% endfor %}",
    "{% for r in data %}{{ r['tags'] }}{% endfor %}",
    "{% for r in data %}{{ r.items() }}{% endfor %}",
    "{% for r in data %}{% set x = r %}{{ x.tags }}{% endfor %}",
    "{% for r in data %}{{ [r] }}{% endfor %}",
    "{% for r in data %}{% for t in r.tags %}{{ t.source }}{% endfor %}{% endfor %}",
    "{% for r in data %}{{ r.tags }}{% endfor %}",
    "{% for r in data %}{{ r.tags|tojson }}{% endfor %}",
    "{% for r in data %}{{ r.tags[0].fresh }}{% endfor %}",
    "{% for r in data %}{{ r.tags|map(attribute='fresh') }}{% endfor %}",
    "{% for r in data %}{{ r.tags|map(attribute='name.x') }}{% endfor %}",
    "{% for r in data %}{{ r.tags|selectattr('fresh')|map(attribute='name')|join }}{% endfor %}",
    "{% for r in data %}{{ r.tags|map(attribute='name')|join }}{{ r.tags|length }}{% endfor %}",
    "{% for r in data %}{% with r = r %}{{ r.value }}{% endwith %}{% endfor %}",
    "{% for r in data %}{{ r|attr('tags') }}{% endfor %}",
]


@pytest.mark.parametrize("source", ONLY_NAMES)
def test_a_template_that_takes_only_names_of_tags(source):
    """Of such a template's tags only the names are sent; the output is the same."""
    parts = split(source)
    fewer = [row | {"tags": [{"name": tag["name"]} for tag in row["tags"]]} for row in ROWS]

    assert parts.only_names
    assert whole(source, ROWS) == whole(source, fewer)


@pytest.mark.parametrize("source", MORE_THAN_NAMES)
def test_a_template_that_may_take_more_of_tags(source):
    """Where a tag could come out in any other way, all of it is sent."""
    assert not split(source).only_names


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from([*PIECES, "{{ row.tags }}", "{{ row|tojson }}", "{{ t }}", "{{ x|tojson }}"]), max_size=12
    )
)
def test_what_takes_only_names_gives_the_same_without_the_rest(pieces):
    """Of templates put together at random, those judged so give the same bytes."""
    source = "{% for row in data %}" + "".join(pieces) + "{% endfor %}\n"
    fewer = [row | {"tags": [{"name": tag["name"]} for tag in row["tags"]]} for row in ROWS]
    try:
        is_judged_so = split(source).only_names
        expected = whole(source, ROWS)
    except (NotBatched, minijinja.TemplateError, worker.Failed):
        return

    assert not is_judged_so or expected == whole(source, fewer)
