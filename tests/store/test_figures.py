"""What whoever watches is told of exports: the same few queries, however many exports and runs there are."""

from sqlalchemy import event

from core.exports.definitions import definition
from core.schemas.export import Selection
from core.schemas.instant import SECOND
from core.store import definitions, figures, leases, runs
from tests.store.conftest import NOW


def define(store, *names):
    for name in names:
        made = definition.make(
            store, name, format="list", selection=Selection(), default_destination="/lists", now=NOW, limits={}
        )
        definitions.add_export(store, made)


def ran(store, name, at, *, status=None, took_s=1):
    """A run of an export that began then; without a status it goes on."""
    lease = leases.claim(store, name, "somebody", at)
    key = runs.begin_run(store, lease, at)
    if status is not None:
        runs.finish_run(store, key, at + took_s * SECOND, status=status)
        leases.release(store, lease)


def queries(store):
    """How many statements it takes."""
    asked = []
    with store.reading() as connection:
        engine = connection.engine

    def count(_connection, _cursor, statement, *_):
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    try:
        figures.exports(store)
    finally:
        event.remove(engine, "before_cursor_execute", count)
    return len(asked)


def test_many_exports_take_as_few_queries_as_one(store):
    """Prometheus asks every few seconds, of a thousand exports too."""
    define(store, "x0")
    ran(store, "x0", NOW, status="completed")
    of_one = queries(store)
    define(store, *(f"x{number}" for number in range(1, 12)))
    for number in range(1, 12):
        ran(store, f"x{number}", NOW, status="completed")

    assert 0 < of_one == queries(store)


def test_the_last_run_that_ended_counts(store):
    """What goes on is left out, whatever it will be; the last good one is told beside a failed or held one."""
    define(store, "failed", "good", "held", "never", "first")
    for name in ("failed", "good", "held"):
        ran(store, name, NOW, status="completed", took_s=2)
        ran(store, name, NOW + 10 * SECOND, status="completed" if name == "good" else name, took_s=3)
    ran(store, "good", NOW + 20 * SECOND)
    ran(store, "first", NOW)
    found = {item.name: item for item in figures.exports(store)}

    assert {
        "failed": ("failed", 3 * SECOND, NOW + 2 * SECOND, False),
        "first": ("", 0, None, False),
        "good": ("completed", 3 * SECOND, NOW + 13 * SECOND, False),
        "held": ("held", 3 * SECOND, NOW + 2 * SECOND, True),
        "never": ("", 0, None, False),
    } == {
        name: (item.last_status, item.last_took_us, item.last_success_at, item.is_held)
        for name, item in found.items()
    }
