"""Figures of an installation, for whoever watches it: a few queries, none of which looks at observables."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, select

from core.schemas.instant import Instant
from core.store import schema
from core.store.archives import HELD
from core.store.health import next_by_schedule
from core.store.jobs import WAITING
from core.store.run_totals import Total, totals
from core.store.schema import export, job, run
from core.store.standings import Standing, is_stale, standings
from core.store.store import Store
from core.store.token_endings import ending_tokens


@dataclass(slots=True)
class ExportFigures:
    """How one export stands.

    Attributes:
        name: Its name.
        schedule: The one that it runs by; empty if it runs by none.
        runs: Those that ended, by status.
        last_status, last_took_us: Of the last run that ended.
        last_success_at: When it was last brought up to date, or found to be.
        is_held: Something waits for a release, or the last run was held.
        version, version_at, entries, size_bytes: Of what is published.
        next_at: When it is due.
    """

    name: str
    schedule: str
    runs: dict[str, Total] = field(default_factory=dict)
    last_status: str = ""
    last_took_us: int = 0
    last_success_at: Instant | None = None
    is_held: bool = False
    version: int | None = None
    version_at: Instant | None = None
    entries: int = 0
    size_bytes: int = 0
    next_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class ConsumerFigures:
    """What one consumer has of one export.

    Attributes:
        consumer, export: Names.
        version: The one that it got last; ``None`` if it never got one.
        current: The one that is published.
        last_at: When it last asked.
        missed: How many versions were made since that one, or since it first asked, that one included.
        missed_since: When the first of those was made, or it first asked; ``None`` if it has the newest.
        is_stale: It stopped asking.
    """

    consumer: str
    export: str
    version: int | None
    current: int
    last_at: Instant
    missed: int
    missed_since: Instant | None
    is_stale: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """Until when a consumer or a user is let in, by a key of that name if it is one user's."""

    name: str
    key: str
    expires_at: Instant


def exports(store: Store) -> list[ExportFigures]:
    """Return how each export stands, by name."""
    with store.reading() as connection:
        found = {
            row.id: ExportFigures(row.name, row.schedule if row.enabled else "", version=row.current_version)
            for row in connection.execute(select(export).order_by(export.c.name))
        }
        for key, runs in totals(connection).items():
            found[key].runs = runs
        for step in (_last_runs, _held, _versions, _next):
            step(connection, found)
    return list(found.values())


def _last_runs(connection: Connection, found: dict[int, ExportFigures]) -> None:
    """Look from the end of the runs of each export, in one query: there may be millions of them, and many exports."""
    last, good = run.alias(), run.alias()
    query = (
        select(
            export.c.id,
            last.c.status,
            last.c.started_at,
            last.c.finished_at,
            good.c.finished_at.label("last_success_at"),
        )
        .select_from(export)
        .join(last, last.c.id == _newest_run_id())
        .join(good, good.c.id == _newest_run_id(run.c.status == "completed"), isouter=True)
    )
    for row in connection.execute(query):
        item = found[row.id]
        item.last_status, item.last_took_us = row.status, row.finished_at - row.started_at
        item.is_held = row.status == "held"
        item.last_success_at = row.last_success_at


def _newest_run_id(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """Return the query for the newest run that ended, of the export of the query around it."""
    return (
        select(run.c.id)
        .where(run.c.export_id == export.c.id, run.c.finished_at.is_not(None), *conditions)
        .order_by(run.c.started_at.desc(), run.c.id.desc())
        .limit(1)
        .correlate(export)
        .scalar_subquery()
    )


def _held(connection: Connection, found: dict[int, ExportFigures]) -> None:
    archive = schema.archive
    for key in connection.scalars(select(archive.c.export_id).where(archive.c.state == HELD)):
        found[key].is_held = True


def _versions(connection: Connection, found: dict[int, ExportFigures]) -> None:
    version, file = schema.version, schema.version_file
    rows = connection.execute(
        select(version.c.export_id, version.c.created_at, version.c.entries, func.sum(file.c.size_bytes))
        .join(export, (export.c.id == version.c.export_id) & (export.c.current_version == version.c.number))
        .join(file, (file.c.export_id == version.c.export_id) & (file.c.number == version.c.number), isouter=True)
        .group_by(version.c.export_id, version.c.created_at, version.c.entries)
    )
    for key, created_at, entries, size in rows:
        item = found[key]
        item.version_at, item.entries, item.size_bytes = created_at, entries, int(size or 0)


def _next(connection: Connection, found: dict[int, ExportFigures]) -> None:
    asked_for = connection.execute(select(job.c.export_id, job.c.due_at).where(job.c.state == WAITING))
    for key, due_at in (*next_by_schedule(connection).items(), *((row[0], row[1]) for row in asked_for)):
        item = found[key]
        item.next_at = due_at if item.next_at is None else min(due_at, item.next_at)


def consumers(store: Store, now: Instant, stale_after: Instant) -> list[ConsumerFigures]:
    """Return who has which version, by consumer and export; those who ask without a token are nobody in particular.

    Of a consumer nothing is said with regard to what it never asked for; who is stale is judged by
    `core.store.standings.is_stale`.
    """
    with store.reading() as connection:
        found = standings(connection)
        made = _made(connection, {item.export_id for item in found if item.version != item.current})
    figures = []
    for item in found:
        if item.current is None or item.last_at is None or item.first_at is None:
            continue
        missed, missed_since = _missed(item, item.current, item.first_at, made[item.export_id])
        figures.append(
            ConsumerFigures(
                item.consumer,
                item.export,
                item.version,
                item.current,
                item.last_at,
                missed,
                missed_since,
                is_stale(item, now, stale_after),
            )
        )
    return figures


def _missed(
    item: Standing, current: int, first_at: Instant, made: Sequence[tuple[int, Instant]]
) -> tuple[int, Instant | None]:
    """Return how many versions a consumer has not got, and since when there has been one."""
    if item.version is None:
        dates = [at for _, at in made]
        was_there = any(at <= first_at for at in dates)
        return was_there + sum(at > first_at for at in dates), max(first_at, min(dates, default=first_at))
    since = next((at for number, at in made if number > item.version), None)
    return max(0, current - item.version), since


def _made(connection: Connection, exports: set[int]) -> dict[int, list[tuple[int, Instant]]]:
    """Return of those exports the numbers of their versions, and when each was made, oldest first."""
    found: dict[int, list[tuple[int, Instant]]] = defaultdict(list)
    version = schema.version
    order = select(version.c.export_id, version.c.number, version.c.created_at).order_by(version.c.number)
    for key, number, created_at in connection.execute(order.where(version.c.export_id.in_(exports))):
        found[key].append((number, created_at))
    return found


def consumer_endings(store: Store, now: Instant) -> list[Ending]:
    """Return when the first of the tokens of each consumer ends that somebody would miss, by consumer."""
    with store.reading() as connection:
        found = ending_tokens(connection, now)
    first = {item.consumer: item.expires_at for item in reversed(found)}
    return [Ending(name, "", expires_at) for name, expires_at in sorted(first.items())]


def key_endings(store: Store) -> list[Ending]:
    """Return when each key of a user ends that does; each is for another program."""
    user, key = schema.user, schema.api_key
    with store.reading() as connection:
        rows = connection.execute(
            select(user.c.name, key.c.name, key.c.expires_at)
            .join(key, key.c.user_id == user.c.id)
            .where(user.c.is_enabled, key.c.is_enabled, key.c.expires_at.is_not(None))
            .order_by(user.c.name, key.c.name)
        )
        return [Ending(*row) for row in rows]
