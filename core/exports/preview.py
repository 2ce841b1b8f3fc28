"""Show what a run would publish, without touching anything."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from core.errors import RenderError, YetiError
from core.exports.render import Job, render
from core.exports.select import is_little, resolved, worth_telling
from core.exports.settings import Settings
from core.exports.templates import check
from core.schemas.instant import Instant
from core.store import definitions
from core.store.collector import collector_off
from core.store.snapshot import Row, RowAssertion

if TYPE_CHECKING:
    from core.store import Store


MOST_LISTS = 50_000


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would publish.

    Attributes:
        export: Its name.
        entries: Observables selected.
        types: How many of each type.
        tags: How many with each fresh tag.
        stale: Assertions on these observables that are neither fresh nor withdrawn.
        funnel: What is left after each step of the selection, if that is little.
        first: The first lines of the file.
        notes: What a user should know, each one line.
    """

    export: str
    entries: int
    types: dict[str, int]
    tags: dict[str, int]
    stale: int
    funnel: tuple[tuple[str, int], ...]
    first: tuple[str, ...]
    notes: tuple[str, ...]


def preview(store: "Store", name: str, settings: Settings, *, now: Instant, entries: int = 10) -> Preview:
    """Return what a run of the export *name* would publish now.

    Args:
        store: Where the observables and the definition are.
        name: Of the export.
        settings: Of this installation.
        now: The instant at which every assertion is judged.
        entries: How many entries to show.

    Raises:
        NotFound: There is no such export.
        TemplateError, RenderError: A run would fail.
    """
    definition = definitions.get_export(store, name)
    template = definitions.get_template(store, definition.template).text if definition.template else ""
    job = Job(definition, resolved(definition), now, template)
    with store.snapshot() as snapshot, collector_off():
        selected = snapshot.count(job.selection, now)
        types, tags, stale = _counts(snapshot.rows(job.selection, now))
        with _scratch() as folder:
            some = min(selected, entries)
            shown = render(snapshot, replace(job, first=entries), some, folder, settings)
            first = _lines(shown.files[0].path, entries + 1) if shown.files else ()
        funnel = snapshot.funnel(job.selection, now)
        notes = worth_telling(snapshot, job.selection, now)
    notes += [f"{count:,} of these are not written: {reason}" for reason, count in shown.reasons.items()]
    if template and selected > settings.template_row_limit:
        notes += _template_note(template, settings)
    return Preview(
        name, selected, types, tags, stale, tuple(funnel) if is_little(funnel) else (), first, tuple(notes)
    )


@contextmanager
def _scratch() -> Iterator[Path]:
    """Give an empty folder, not in the spool: a preview works without the right to run."""
    try:
        with TemporaryDirectory(prefix="yeti-preview-") as folder:
            yield Path(folder)
    except YetiError:
        raise  # some of them are OSErrors, too
    except OSError as error:
        raise RenderError(f"the folder for temporary files (TMPDIR) cannot be used: {error.strerror}") from error


def _counts(batches: Iterator[list[Row]]) -> tuple[dict[str, int], dict[str, int], int]:
    """Return observables by type and by fresh tag, and how many assertions are stale."""
    types: Counter[str] = Counter()
    lists: dict[int, list[RowAssertion]] = {}
    users: Counter[int] = Counter()
    tags: Counter[str] = Counter()
    stale = 0
    for batch in batches:
        types.update([row.type for row in batch])
        # Many rows share one list of assertions, so each list is looked at once.
        users.update([id(row.tags) for row in batch])
        lists.update([(id(row.tags), row.tags) for row in batch])
        if len(lists) >= MOST_LISTS:
            stale += _add(lists, users, tags)
    stale += _add(lists, users, tags)
    return dict(sorted(types.items())), dict(sorted(tags.items())), stale


def _add(lists: dict[int, list[RowAssertion]], users: Counter[int], tags: Counter[str]) -> int:
    """Add the tags of *lists* to *tags*, forget the lists, and return how many assertions are stale."""
    stale = 0
    for key, assertions in lists.items():
        for tag in {item.tag for item in assertions if item.fresh}:
            tags[tag] += users[key]
        stale += users[key] * sum(1 for item in assertions if not item.fresh and item.withdrawn_at is None)
    lists.clear()
    users.clear()
    return stale


def _lines(path: Path, most: int) -> tuple[str, ...]:
    with path.open(encoding="utf-8", newline="\n") as stream:
        return tuple(line.rstrip("\r\n") for line in islice(stream, most))


def _template_note(text: str, settings: Settings) -> list[str]:
    checked = check(text)
    if checked.is_batched:
        return []
    return [
        f"a run would fail: it is rendered whole because {checked.reason}, and template.row_limit is "
        f"{settings.template_row_limit:,} rows"
    ]
