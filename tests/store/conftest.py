"""A store in a fresh folder, and short ways to fill and to ask it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.schemas.claim import Claim
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND, Instant
from core.store import Store, open_store
from core.store.imports import MergeReport

NOW: Instant = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z
LIFETIME = 90 * DAY


@pytest.fixture
def url(database_url: str) -> str:
    return database_url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def take(store: Store) -> Callable[..., MergeReport]:
    """Import claims in one session."""

    def taken(*claims: Claim, now: Instant = NOW) -> MergeReport:
        with store.import_session(now) as session:
            session.add(claims)
        return session.report

    return taken


@pytest.fixture
def values(store: Store) -> Callable[..., list[str]]:
    """The values that a selection takes, read in all four ways, which agree."""
    from core.store.snapshot import Column

    def selected(now: Instant = NOW, **selection: Any) -> list[str]:
        wanted = Selection(**selection)
        with store.snapshot() as snapshot:
            lines = "".join(snapshot.lines(wanted, now, (Column.VALUE, "\n"))).split("\n")[:-1]
            wide = "".join(snapshot.lines(wanted, now, (Column.VALUE, Column.ASSERTIONS_JSON, "\n"))).split("\n")[
                :-1
            ]
            rows = [row.value for batch in snapshot.rows(wanted, now) for row in batch]
            count = snapshot.count(wanted, now)
            funnel = snapshot.funnel(wanted, now)
        assert rows == lines
        assert rows == [line.partition("[")[0] for line in wide]
        assert len(rows) == count == funnel[-1][1]
        assert [step[1] for step in funnel] == sorted([step[1] for step in funnel], reverse=True)
        return rows

    return selected


def claim(value: str, *tags: str, source: str = "feed", type: str = "hostname", **more: Any) -> Claim:
    return Claim(type=type, value=value, source=source, tags=tags, **more)
