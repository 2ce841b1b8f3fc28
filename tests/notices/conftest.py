"""A clock that is moved by hand, what goes wrong, and somebody who is told."""

import itertools
import json
from contextlib import contextmanager

import pytest
from defined_exports import NOW, addresses
from file_servers import new_certificate
from receivers import hooks
from sqlalchemy import delete, insert, update

from core.accounts import accounts
from core.exports.run import run_export
from core.notices.channels.webhook import Webhook
from core.notices.settings import NoticeSettings
from core.notices.telling import Telling
from core.schemas.instant import DAY, SECOND
from core.store import leases, open_store, runs, users
from core.store.definitions import export_id
from core.store.schema import consumer, consumer_export, export_schedule, fetch


class Time:
    """The present instant, moved by hand."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def passes(self, span):
        self.now += span


@pytest.fixture
def time():
    """The clock of the test."""
    return Time()


@pytest.fixture
def fill(store, time):
    """Import addresses."""

    def add(*numbers):
        with store.import_session(time.now) as session:
            session.add(addresses(*numbers))

    return add


@pytest.fixture
def run(store, settings, time):
    """Run an export now."""

    def go(name):
        result = run_export(store, name, settings, now=time.now)
        time.passes(SECOND)
        return result

    return go


@pytest.fixture
def hook():
    """Somebody who is told by a webhook."""
    with hooks() as made:
        yield made


@pytest.fixture
def telling(place, time):
    """Make what tells: ``telling(channel, kinds={"held"})``."""
    numbers = itertools.count(1)

    @contextmanager
    def opened():
        with open_store(place) as made:
            yield made

    def make(*channels, **changes):
        given = NoticeSettings(**({"installation": "here"} | changes))
        return Telling(
            opened, given, channels, clock=time, chance=lambda: 0.5, new_key=lambda: f"key-{next(numbers)}"
        )

    return make


@pytest.fixture
def tell(telling, hook):
    """Look once and deliver; the result is what the webhook has been told since the last time."""
    channel = Webhook(hook.url, "", "here")

    def go(**changes):
        before = len(hook.posted)
        telling(channel, **changes).once()
        return hook.told[before:]

    return go


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A file with a certificate for 127.0.0.1, signed by itself, and its key."""
    return new_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture
def recorded(store, time):
    """A run that somebody else made: ``recorded("x", "failed", message="busy")``."""

    def go(name, status, **more):
        time.passes(SECOND)
        lease = leases.claim(store, name, "worker", time.now)
        run_id = runs.begin_run(store, lease, time.now)
        runs.finish_run(store, run_id, time.now, status=status, **more)
        leases.release(store, lease)

    return go


@pytest.fixture
def machine(store, time):
    """A consumer that may fetch some exports."""

    def make(name, *exports, enabled=True):
        with store.writing() as connection:
            made = connection.execute(
                insert(consumer).values(
                    name=name,
                    description="",
                    networks=json.dumps([]),
                    all_exports=False,
                    is_enabled=enabled,
                    created_at=time.now,
                )
            )
            (key,) = made.inserted_primary_key
            for item in exports:
                connection.execute(
                    insert(consumer_export).values(consumer_id=key, export_id=export_id(connection, item))
                )
        return key

    return make


@pytest.fixture
def asks(store, time):
    """A consumer asks for an export, now."""

    def go(key, name, version=1, times=1):
        with store.writing() as connection:
            found = export_id(connection, name)
            known = (fetch.c.consumer_id == key, fetch.c.export_id == found, fetch.c.version == version)
            done = connection.execute(
                update(fetch)
                .where(*known)
                .values(last_at=time.now, unchanged=fetch.c.unchanged + times, asked=fetch.c.asked + times)
            )
            if not done.rowcount:
                connection.execute(
                    insert(fetch).values(
                        consumer_id=key,
                        export_id=found,
                        version=version,
                        first_at=time.now,
                        last_at=time.now,
                        full=times,
                        unchanged=0,
                        size_bytes=9,
                        last_address="192.0.2.1",
                        last_agent="curl",
                        asked=times,
                    )
                )

    return go


@pytest.fixture
def failing(define, recorded):
    """Make an export that fails; what is returned mends it, as that of the next three."""

    def make(name):
        define(name)
        recorded(name, "failed", message="busy")
        return lambda: recorded(name, "completed", entries=1)

    return make


@pytest.fixture
def late(define, store, time):
    """Make an export that was due three hours ago."""

    def make(name):
        define(name, schedule="every:3600")

        def due(at):
            with store.writing() as connection:
                found = export_id(connection, name)
                connection.execute(delete(export_schedule).where(export_schedule.c.export_id == found))
                row = {"export_id": found, "schedule": "every:3600", "grid_at": at, "due_at": at}
                connection.execute(insert(export_schedule).values(**row))

        due(time.now - 10_800 * SECOND)
        return lambda: due(time.now + 3_600 * SECOND)

    return make


@pytest.fixture
def ending(store, time):
    """Make a key that ends tomorrow."""

    def make(name):
        accounts.add_user(store, name, "editor", None, by="me", now=time.now)
        ends = {"expires_at": time.now + DAY, "now": time.now - 90 * DAY}
        accounts.add_key(store, name, "key", scopes=("admin",), by="me", **ends)
        return lambda: users.remove_key(store, name, "key", by="me", now=time.now)

    return make


@pytest.fixture
def silent(machine, asks, time):
    """Make a consumer that asked a week ago."""

    def make(name, export):
        key = machine(name, export)
        time.passes(-7 * DAY)
        asks(key, export)
        time.passes(7 * DAY)
        return lambda: asks(key, export)

    return make
