"""Templates that want out: none gets anything but an error, and the program stays as it is."""

import time
from collections.abc import Callable, Iterator

import pytest
from served import Api

TEMPLATES = "/api/v2/templates"
REACHING = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ data.__class__ }}",
    "{{ data[0].__class__.__init__.__globals__ }}",
    "{{ ''['__cl' ~ 'ass__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ data|attr('__init__') }}",
    "{{ data|map(attribute='__class__')|list }}",
    "{{ self }}{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'].environ }}",
    "{{ config.items() }}",
    "{{ request.application.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ url_for.__globals__ }}",
    "{{ joiner.__init__ }}",
    "{{ namespace.__init__ }}",
    "{{ (1).__class__.__base__.__subclasses__() }}",
    "{{ dict.__base__ }}",
    "{{ range.__self__ }}",
    "{{ '%s'|format(data.__class__) }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(data) }}",
    "{{ data[0].value.format_map }}",
    "{% include '/etc/passwd' %}",
    "{% include '../yeti.conf' %}",
    "{% import 'os' as os %}{{ os.environ }}",
    "{% extends '/etc/passwd' %}",
    "{% from 'os' import popen %}{{ popen('id') }}",
    "{% set x = data.append %}{{ x(1) }}",
    "{{ data.clear() }}",
    "{% do data.clear() %}",
    "{{ open('/etc/passwd').read() }}",
    "{{ __import__('os').system('id') }}",
    "{{ debug() }}",
    "{% debug %}",
]
ENDLESS = [
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{{ 'x' * 10000000000 }}",
    "{{ range(10000000000)|list }}",
    "{% for a in range(100000) %}{{ 'x' * 100000 }}{% endfor %}",
    "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
    "{{ [1] * 10000000000 }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ 'x'|center(10000000000) }}",
    "{{ 'x'|indent(10000000000) }}",
    "{{ 9 ** 9 ** 9 }}",
]
OPENED = (
    "root:x:0",
    "uid=",
    "<class",
    "<built-in",
    "<function",
    "<bound method",
    "<module",
    "environ",
    "subclasses",
)


@pytest.fixture
def render(make_api: Callable[..., Api]) -> Iterator[Callable[[str], tuple[int, str]]]:
    """Render a template with one observable."""
    api = make_api(template_timeout_s="3", template_memory_mib="256", template_output_mib="8")
    admin = api.client("admin")
    admin.post(
        "/api/v2/observables/bulk", json={"observables": [{"value": "8.8.8.8", "type": "ipv4", "tags": ["x"]}]}
    )

    def rendered(text: str) -> tuple[int, str]:
        made = admin.post(f"{TEMPLATES}/", json={"template": {"name": "trial", "template": text}})
        if made.status_code >= 400:
            return made.status_code, made.text
        answer = admin.post(f"{TEMPLATES}/render", json={"template_id": made.json()["id"], "search_query": "8"})
        admin.delete(f"{TEMPLATES}/{made.json()['id']}")
        return answer.status_code, answer.text

    yield rendered
    admin.close()


def test_nothing_is_reached_through_a_template(render: Callable[[str], tuple[int, str]]) -> None:
    """No attribute, filter, global or file: an error, or nothing in its place."""
    assert (200, "8.8.8.8\n") == render("{% for o in data %}{{ o.value }}{% endfor %}")
    wrong = []
    for text in REACHING:
        status, answer = render(text)
        # What an error quotes of the template is none of what it reached.
        if status >= 500 or (status < 400 and any(word in answer for word in OPENED)):
            wrong.append((text, status, answer[:200]))

    assert [] == wrong


def test_templates_without_end_are_ended(render: Callable[[str], tuple[int, str]]) -> None:
    """By time, memory or size of what comes out; the program answers the next request."""
    wrong = []
    for text in ENDLESS:
        began = time.monotonic()
        status, answer = render(text)
        if status >= 500 or len(answer) > 9 << 20 or time.monotonic() - began > 60:
            wrong.append((text, status, answer[:200]))

    assert [] == wrong
    assert (200, "8.8.8.8\n") == render("{% for o in data %}{{ o.value }}{% endfor %}")
