"""Templates: what they can do, what they cannot, and that they hurt nobody."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
import pytest

from core.errors import TemplateError
from core.exports.templates import templates
from core.exports.templates.source import Parts
from core.exports.templates.templates import Bounds, check, render

ROOT = Path(__file__).parents[3]


def tag(name: str, fresh: bool = True) -> dict:
    return {
        "name": name,
        "fresh": fresh,
        "source": "feed",
        "kind": "malicious",
        "first_seen": None,
        "last_seen": "2026-01-02T03:04:05Z",
        "expires": None,
    }


def row(value: str, type_: str = "ipv4", tags: tuple = (), created: str | None = "2026-01-02T03:04:05Z") -> dict:
    return {
        "value": value,
        "type": type_,
        "tags": list(tags),
        "created": created,
        "modified": created,
        "context": [{"source": "feed", "comment": "<b>"}],
    }


ROWS = [row("198.51.100.7", tags=(tag("c2"), tag("old", False))), row('a,b"c', "url", (tag("phishing"),))]


def rendered(text: str, rows: list[dict] | None = None, batch: int = 1, **bounds: int) -> str:
    rows = ROWS if rows is None else rows
    frames = [msgspec.json.encode(rows[start : start + batch]) for start in range(0, len(rows), batch)]
    with tempfile.TemporaryFile() as out:
        render(text, frames, out, Bounds(**bounds), parts=check(text).parts)
        out.seek(0)
        return out.read().decode()


def test_csv_by_template():
    """A template can write value, type and the names of the tags."""
    text = (
        "value,type,tags\n"
        "{% for row in data %}"
        '{{ row.value }},{{ row.type }},"{{ row.tags|map(attribute="name")|join(";") }}"\n'
        "{% endfor %}\n"
    )

    assert 'value,type,tags\n198.51.100.7,ipv4,"c2;old"\na,b"c,url,"phishing"\n' == rendered(text)


def test_json_lines_by_template():
    """A template can write JSON; dates are texts in it."""
    text = (
        "{% for row in data %}"
        '{"value": {{ row.value|tojson }}, "tags": {{ row.tags|map(attribute="name")|list|tojson }}, '
        '"created": {{ row.created|tojson }}}\n'
        "{% endfor %}"
    )

    lines = [msgspec.json.decode(line) for line in rendered(text).splitlines()]

    assert [
        {"value": "198.51.100.7", "tags": ["c2", "old"], "created": "2026-01-02 03:04:05+00:00"},
        {"value": 'a,b"c', "tags": ["phishing"], "created": "2026-01-02 03:04:05+00:00"},
    ] == lines


def test_a_whole_row_is_an_object():
    """``row|tojson`` is an object with every field."""
    lines = [
        msgspec.json.decode(line)
        for line in rendered("{% for row in data %}{{ row|tojson }}\n{% endfor %}").splitlines()
    ]

    assert {"value", "type", "tags", "created", "modified", "context"} == set(lines[0])
    assert ["c2", "old"] == [item["name"] for item in lines[0]["tags"]]
    assert [True, False] == [item["fresh"] for item in lines[0]["tags"]]


def test_the_last_line_end_of_a_template_is_not_printed():
    """One line end at the end of a template is dropped, as Yeti does."""
    text = "<blah>\n{% for obs in data %}{{ obs.value }}\n{% endfor %}\n</blah>\n"

    assert '<blah>\n198.51.100.7\na,b"c\n\n</blah>' == rendered(text)


def test_dates_can_be_formatted():
    """Dates are dates."""
    text = "{% for row in data %}{{ row.created.strftime('%d.%m.%Y') }} {{ row.tags[0].last_seen }}\n{% endfor %}"

    assert "02.01.2026 2026-01-02 03:04:05+00:00\n" * 2 == rendered(text)


def test_an_unknown_date_is_none():
    """A value without a date prints none."""
    assert "None null" == rendered(
        "{% for row in data %}{{ row.created }} {{ row.created|tojson }}{% endfor %}", [row("x", created=None)]
    )


def test_nothing_is_escaped():
    """Values leave as they are; escaping is the template's business."""
    rows = [row('<a href="x">&\'')]

    assert '<a href="x">&\'<b>' == rendered(
        "{% for r in data %}{{ r.value }}{{ r.context[0].comment }}{% endfor %}", rows
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a\nb {{ x( }}", "line 2: syntax error"),
        ("{% for %}", "line 1: syntax error"),
        ("a\n\n{% for row in data %}", "line 3: syntax error"),
        ("{{ data|nofilter }}", "line 1: unknown filter"),
        ("{% for row in data %}\n{{ row.value is nosuch }}{% endfor %}", "line 2: unknown test"),
        ("{{ lipsum() }}", "line 1: unknown function"),
        ("{{ debug() }}", "line 1: unknown function"),
        ("{% include '/etc/passwd' %}", "cannot use other templates"),
        ("{% import 'x' as y %}", "cannot use other templates"),
        ("{% extends 'x' %}", "cannot use other templates"),
        ("{% for row in data %}{{ row.items }}{% endfor %}", "prints a method"),
        ("x" * 2_000_000, "2,000,000 characters"),
        ("\ud800", "surrogate"),
        ("{% for o in dta %}{{ o.value }}{% endfor %}", "line 1: there is no `dta`; the one variable is `data`"),
        ("{{ data|length }}\n{% if datas %}x{% endif %}", "line 2: there is no `datas`"),
        ("{{ 'dta' }}{# dta #}\n\n{% if not data %}{{ 1 ~ dta }}{% endif %}", "line 3: there is no `dta`"),
        ("{% for o in data %}\n{{ o.val }}\n{% endfor %}", "line 2: `o.val` is undefined"),
        ("{% for o in data %}{{ o['val'] }}{% endfor %}", "line 1: `o['val']` is undefined"),
        ("{% for o in data %}{% if o.typ == 'ipv4' %}x{% endif %}{% endfor %}", "`o.typ` is undefined"),
        ("{% for o in data %}{% for t in o.tgs %}x{% endfor %}{% endfor %}", "`o.tgs` is undefined"),
        ("{% for o in data %}{% for t in o.tags %}{{ t.nam }}{% endfor %}{% endfor %}", "`t.nam` is undefined"),
        ("{% for o in data %}{{ loop.index }}{{ o.val }}{% endfor %}", "`o.val` is undefined"),
        # Where its engine panics, which is no error to it.
        ("{% for o in data %}{% with y = 1 %}{% continue %}{% endwith %}{% endfor %}", "breaks down on it"),
        ("{% for o in data %}{% with y = 1 %}{% break %}{% endwith %}{% endfor %}", "breaks down on it"),
    ],
)
def test_faults_are_found_when_a_template_is_checked(text, part):
    """What is wrong with a template is said when it is added, with the line."""
    with pytest.raises(TemplateError) as caught:
        check(text)

    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{{ ''.__class__.__mro__ }}", "undefined"),
        ("{% for r in data %}{{ r.created.__class__.__mro__ }}{% endfor %}", "undefined"),
        ("{% for r in data %}{{ r['__class__']['__mro__'] }}{% endfor %}", "undefined"),
        ("{{ (data|attr('__class__'))|attr('__mro__')|length }}", ""),
        ("{% for r in data %}{{ r.nosuchmethod() }}{% endfor %}", "nosuchmethod"),
        ("{% for r in data %}{{ r.created.replace(year=99999) }}{% endfor %}", "year"),
        ("{{ 1 // 0 }}", "0"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion"),
        (
            "{% for a in range(99) %}{% for b in range(9999) %}{% for c in range(9) %}x{% endfor %}{% endfor %}{% endfor %}",
            "too much work",
        ),
        (
            "{% for r in data %}{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}{% endfor %}",
            "too much work",
        ),
        ("{% for a in range(1000000000) %}{% endfor %}", "range"),
        ("{{ 'x' * 2000000000 }}", ""),
        ("{% set a = 'x' * 50000000 %}{% set b = a ~ a ~ a ~ a ~ a %}{{ b ~ b ~ b }}", "memory"),
        ("{% set a = 'x' * 3000000 %}{{ a }}", "output is over 1 MiB"),
        ("{% for r in data %}{{ 'x' * 700000 }}{% endfor %}", "output is over 1 MiB"),
        ("{% for r in data %}{{ r.tags.extend(r.tags * 100000000) }}{% endfor %}", ""),
        ("{{ data.clear() }}{{ data[0].value.x }}", "undefined"),
    ],
)
def test_hostile_templates_end_with_an_error(text, part):
    """A template that wants too much, or what it may not have, is stopped and the reason is said."""
    with pytest.raises(TemplateError) as caught:
        rendered(text, output_mib=1, memory_mib=256, timeout_s=20)

    assert part in str(caught.value)


def test_an_engine_that_panics_while_it_renders_is_an_error():
    """What samples do not meet, rows may; that a process died of it does not pass for one that had too little memory."""
    text = "{% for r in data %}{% with y = 1 %}{% if r.value == 'bad' %}{% break %}{% endif %}{% endwith %}{% endfor %}"

    assert "" == rendered(text)
    with pytest.raises(TemplateError, match="breaks down on it"):
        rendered(text, [row("bad")])


def test_attributes_that_begin_with_underscores_are_not_there():
    """Nothing of Python's insides can be printed."""
    texts = ("data.__class__", "data.__len__", "''.__class__", "data|attr('__class__')")

    assert "-" * len(texts) == rendered("".join(f"{{{{ ({text})|default('-') }}}}" for text in texts), [])


BUSY = (
    "{% for a in range(100) %}{{ data.extend(range(10000)) }}{% endfor %}"
    "{% for a in range(9999) %}{{ data.count(-1) }}{% endfor %}"
)
"""Work that is few steps of the template engine and many of Python."""


def test_a_template_without_end_is_killed():
    """Work that no count of steps can bound is stopped by the clock."""
    with pytest.raises(TemplateError) as caught, tempfile.TemporaryFile() as out:
        render(BUSY, [b"[]"], out, Bounds(timeout_s=1), parts=None)

    assert "it took longer than 1 s (template.timeout_s)" == str(caught.value)


def test_the_reason_of_a_kill_is_known_before_it():
    """Whoever sees the death of the process finds that it was late, however soon that is."""
    told = []
    may_kill, is_killed = threading.Event(), threading.Event()

    class Process:
        def kill(self):
            may_kill.wait()
            told.append(is_late.is_set())
            is_killed.set()

    with templates._killed_after(Process(), 0) as is_late:
        may_kill.set()
        is_killed.wait()

    assert [True] == told


def test_the_clock_also_runs_while_rows_are_sent():
    """A template that does not take its rows does not hold the run."""
    frame = msgspec.json.encode([row("x" * 1000)] * 100)

    with pytest.raises(TemplateError) as caught, tempfile.TemporaryFile() as out:
        render("", [frame] * 1000, out, Bounds(timeout_s=1), parts=Parts("", BUSY, ""))

    assert "it took longer than 1 s (template.timeout_s)" == str(caught.value)


def test_changes_to_a_row_stay_in_that_row():
    """What a template does to its rows changes no other row."""
    text = "{% for r in data %}{{ r.update({}) }}{{ r.tags.clear() }}{{ r.tags|length }}{% endfor %}"

    assert True is check("{% for r in data %}{{ r.tags.clear() }}{{ r.tags|length }}{% endfor %}").is_batched
    assert "NoneNone0" * 2 == rendered(text)


def test_errors_of_a_source_of_rows_pass_through():
    """If reading the rows fails in the middle, that is the error."""

    def frames():
        yield msgspec.json.encode(ROWS)
        raise LookupError("the database went away")

    with pytest.raises(LookupError), tempfile.TemporaryFile() as out:
        render("{% for r in data %}{{ r.value }}{% endfor %}", frames(), out, Bounds(), parts=None)


def test_the_template_process_sees_no_environment(monkeypatch):
    """Credentials in the environment do not reach the process that renders."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for templates")
    process = None

    def frames():
        nonlocal process
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        process = Path(f"/proc/{children[-1]}/environ").read_bytes()
        yield b"[]"

    with tempfile.TemporaryFile() as out:
        render("x", frames(), out, Bounds(), parts=None)

    assert process is not None
    assert b"AWS" not in process
    assert b"PYTHONPATH" in process


PARENT = """
import sys, time
from core.exports.templates.templates import Bounds, render
def frames():
    yield b"[]"
    print("started", flush=True)
    if sys.argv[1] == "idle":
        time.sleep(600)
text = "x" if sys.argv[1] == "idle" else (
    "{% for a in range(100) %}{{ data.extend(range(10000)) }}{% endfor %}"
    "{% for a in range(9999) %}{{ data.count(-1) }}{% endfor %}"
)
with open("/dev/null", "wb") as out:
    render(text, frames(), out, Bounds(timeout_s=600), parts=None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the children of a process")
@pytest.mark.parametrize("state", ["idle", "busy"])
def test_the_template_process_dies_with_its_parent(state):
    """If the process that runs an export is killed, no renderer is left."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, state], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    parent.stdout.readline()
    time.sleep(0.2)
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    assert 1 == len(children)
    for _ in range(100):
        if not _is_running(int(children[0])):
            return
        time.sleep(0.05)
    pytest.fail("the renderer is still there")


def _is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_check_says_how_a_template_is_rendered():
    """A loop over the rows is batched; what must see all rows says why it is not."""
    batched = check("{% for row in data %}{{ row.value }}{% endfor %}")
    whole = check("{% for row in data %}{{ loop.index }}{% endfor %}")

    assert (True, "") == (batched.is_batched, batched.reason)
    assert (False, "it uses loop, which counts over all rows") == (whole.is_batched, whole.reason)
    assert "in batches" in batched.summary
    assert "template.row_limit" in whole.summary


def test_a_template_may_miss_what_the_samples_lack():
    """That a sample lacks an attribute is no fault of a template."""
    assert check("{% for row in data %}{{ row.context[0].relation.name }}{% endfor %}").is_batched


@pytest.mark.parametrize(
    "text",
    [
        "{% for r in data %}{% if r.tags %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}{% endfor %}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}1{% endmacro %}{{ a() }}",
        "{% set a, b = 1, 2 %}{% with c = 3 %}{{ a }}{{ b }}{{ c }}{% endwith %}{% set d %}x{% endset %}{{ d }}",
        "{% set ns = namespace(n=0) %}{% for r in data %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{% endfor %}",
        "{% set ns = namespace() %}{% for r in data %}{% if r.type == 'cve' %}{% set ns.x = 1 %}{% endif %}{% endfor %}"
        "{{ ns.x }}",
        "{% macro m(x) %}{{ x }}{{ caller() }}{% endmacro %}{% call m(1) %}y{% endcall %}",
        "{% for r in data %}{{ loop.index }}{{ range(3)|list }}{{ cycler(1, 2).next() }}{% endfor %}",
        "{% for r in data %}{{ r.tags[3].name }}{{ data[99].value }}{% endfor %}",
        "{% for r in data %}{% for c in r.context %}{{ c.anything.at_all }}{{ c['x']|upper }}{% endfor %}{% endfor %}",
        "{% for k, rows in data|groupby('type') %}{{ k }}{{ rows|length }}{% endfor %}",
        "{% for r in data %}{{ r.last_analysis|default('') }}{{ r.root_type or '' }}{% if r.id %}x{% endif %}{% endfor %}",
    ],
)
def test_what_depends_on_the_data_is_no_fault(text):
    """Names that the template sets itself, keys of the context, and what is said to be optional are left alone."""
    check(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{% for r in data %}{{ r.last_analysis|default('-') }}{% endfor %}", "--"),
        ("{% for r in data %}{{ r.context[0].relation|d('-') }}{% endfor %}", "--"),
        ("{% for r in data %}{% if r.context[0].relation %}x{% else %}-{% endif %}{% endfor %}", "--"),
        ("{% for r in data %}{{ 'x' if r.context[0].relation is defined else '-' }}{% endfor %}", "--"),
        ("{% for r in data %}{{ r.context[0].relation or '-' }}{% endfor %}", "--"),
        ("{% for r in data %}{{ r.value[:1] }}{{ ',' if not loop.last }}{% endfor %}", "1,a"),
    ],
)
def test_what_may_be_missing_is_said_to_be(text, expected):
    """A template that asks, or gives a default, may look for what is not there."""
    assert expected == rendered(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (
            "{% for r in data %}\n{{ r.context[0].relation }}{% endfor %}",
            "line 2: `r.context[0].relation` is undefined",
        ),
        ("{% for r in data %}{{ r.tags[1].name }}\n{% endfor %}", "line 1: `r.tags[1]` is undefined"),
        ("{% for r in data %}{% set t = r.tags[1] %}{{ t.name }}{% endfor %}", "line 1: "),
    ],
)
def test_what_is_missing_is_never_silently_nothing(text, part):
    """Whatever is not there and not said to be optional stops the template, which says what and where."""
    with pytest.raises(TemplateError) as caught:
        rendered(text)

    assert part in str(caught.value)
    assert "default" in str(caught.value)


@pytest.mark.parametrize("file", sorted((ROOT / "examples" / "templates").iterdir()), ids=lambda file: file.stem)
def test_the_examples_are_sound(file):
    """Those of this project, which are Yeti's with quotes, are batched, and of no rows give no line of a value."""
    text = file.read_text("utf-8")

    assert check(text).is_batched
    assert "198.51.100.7" in rendered(text)


YETIS = (
    "{# A template for CSV #}\nvalue,type,tags\n{% for obs in data %}"
    "{{ obs.value }},{{ obs.type }},{{ obs.tags|map(attribute='name')|join(';') }}\n{% endfor %}",
    "{# A template for JSON #}\n{% for obs in data %}"
    '{"value": "{{ obs.value }}", "tags": {{ obs.tags|map(attribute="name")|list|tojson }}, '
    '"created": {{ obs.created|tojson }} }\n{% endfor %}',
    "<blah>\n{% for obs in data %}{{ obs.value }}\n{% endfor %}\n</blah>",
)


@pytest.mark.parametrize("text", YETIS)
def test_templates_as_yeti_has_them_work(text):
    """What Yeti's own templates use is all there."""
    assert "198.51.100.7" in rendered(text)
