"""Show what a run would publish, without touching anything."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from core.errors import DefinitionError, NotFound, RenderError, YetiError
from core.exports.answers.listed import Listed
from core.exports.candidate import job_of, make
from core.exports.formats import COUNTER_MARK, Tried, get_format, parse_options
from core.exports.gate.verdict import Verdict
from core.exports.kept_memory import KeptMemory
from core.exports.render import Job, render
from core.exports.select import is_little
from core.exports.settings import Settings
from core.exports.versions import counters
from core.schemas.export import ExportDefinition
from core.schemas.instant import Instant
from core.store import archives, definitions
from core.store.collector import collector_off
from core.store.snapshot import Row, RowAssertion

if TYPE_CHECKING:
    from core.store import Store
    from core.store.snapshot import Snapshot


MOST_LISTS = 50_000


class Beginning(NamedTuple):
    """The first lines of a file that a run would publish."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would publish.

    Attributes:
        export: Its name.
        entries: Entries that would be written.
        current: The version that is published now, ``None`` if there is none.
        changed: How many entries would be added, removed and changed, by that word; nothing if the content is the
            same, or nothing is published.
        removed_for: How many would be removed for which reason.
        kept_off: How many observables are kept off for which reason, as JSON text.
        verdict: Of the gate.
        types: How many of each type.
        tags: How many with each fresh tag.
        stale: Assertions on these observables that are neither fresh nor withdrawn.
        funnel: What is left after each step of the selection, if that is little.
        first: The first lines of the first file.
        files: The first lines of each file; what names the others comes first.
        listed: The entries themselves, if they were asked for.
        notes: What a user should know, each one line.
    """

    export: str
    entries: int
    current: int | None
    changed: dict[str, int]
    removed_for: dict[str, int]
    kept_off: tuple[tuple[str, int], ...]
    verdict: Verdict
    types: dict[str, int]
    tags: dict[str, int]
    stale: int
    funnel: tuple[tuple[str, int], ...]
    first: tuple[str, ...]
    notes: tuple[str, ...]
    listed: Listed | None = None
    files: tuple[Beginning, ...] = ()


def preview(
    store: "Store",
    name: str,
    settings: Settings,
    *,
    now: Instant,
    entries: int = 10,
    with_listed: bool = False,
) -> Preview:
    """Return what a run of the export *name* would publish now.

    Args:
        store: Where the observables and the definition are.
        name: Of the export.
        settings: Of this installation.
        now: The instant at which every assertion is judged.
        entries: How many entries to show.
        with_listed: Whether to give the entries themselves, about 100 bytes of memory each, of a network 400.

    Raises:
        NotFound: There is no such export.
        TemplateError, RenderError: A run would fail.
    """
    definition = definitions.get_export(store, name)
    return preview_of(store, definition, settings, now=now, entries=entries, with_listed=with_listed)


def preview_of(
    store: "Store",
    definition: ExportDefinition,
    settings: Settings,
    *,
    now: Instant,
    entries: int = 10,
    with_listed: bool = False,
) -> Preview:
    """Return what a run of an export would publish now, which may be one that is not kept (yet); see `preview`."""
    job = job_of(store, definition, now)
    with scratch() as folder, collector_off():
        look = _Look(store, job, folder, settings, entries, with_listed)
        made = make(store, job, folder, settings, look=look)
    types, tags, stale = look.counts
    comparison = made.comparison if made.current else None
    return Preview(
        export=definition.name,
        entries=made.rendered.entries,
        current=made.current.number if made.current else None,
        changed=made.changed if comparison else {},
        removed_for=dict(comparison.removed) if comparison else {},
        kept_off=made.reasons,
        verdict=made.verdict,
        types=types,
        tags=tags,
        stale=stale,
        funnel=look.funnel,
        first=look.files[0].lines if look.files else (),
        notes=made.notes,
        listed=look.listed,
        files=look.files,
    )


def in_format(definition: ExportDefinition, format: str, options: Sequence[str]) -> ExportDefinition:
    """Return an export as it would be in another format.

    Args:
        definition: The export.
        format: The name of the format.
        options: Of the format, as ``KEY=VALUE``; those of the export belong to its own.

    Raises:
        DefinitionError: There is no such format or option, or it can express nothing of what the export takes.
    """
    form = get_format(format)
    pairs = [option.partition("=") for option in options]
    if wrong := [option for option, (_, sign, _) in zip(options, pairs, strict=True) if not sign]:
        raise DefinitionError(f"an option is KEY=VALUE, not {wrong[0]!r}", word="option")
    given = {key: value for key, _, value in pairs}
    parse_options(form, given)
    types = definition.selection.types
    if form.TYPES is not None and types:
        types = tuple(type_ for type_ in types if type_ in form.TYPES)
        if not types:
            wanted, possible = ", ".join(definition.selection.types), ", ".join(sorted(form.TYPES))
            raise DefinitionError(f"{format} can express none of {wanted}; it takes {possible}", word="format")
    selection = replace(definition.selection, types=types)
    return replace(definition, selection=selection, format=format, template="", options=given)


class _Look:
    """What a preview asks the snapshot of a candidate beyond what a run does."""

    def __init__(
        self, store: "Store", job: Job, folder: Path, settings: Settings, entries: int, with_listed: bool
    ) -> None:
        self._store = store
        self.counts: tuple[dict[str, int], dict[str, int], int] = ({}, {}, 0)
        self.funnel: tuple[tuple[str, int], ...] = ()
        self.files: tuple[Beginning, ...] = ()
        self.listed: Listed | None = None
        self._with_listed = with_listed
        self._job, self._folder, self._settings, self._entries = job, folder / "first", settings, entries

    def __call__(self, snapshot: "Snapshot", tried: Tried) -> None:
        selection, instant = self._job.selection, self._job.instant
        self.counts = _counts(snapshot.rows(selection, instant))
        if self._with_listed:
            self.listed = Listed.of(snapshot, selection, instant)
        self._folder.mkdir()
        some = min(self._entries, sum(self.counts[0].values()))
        job = replace(self._job, first=self._entries)
        memory = KeptMemory(self._store, snapshot, job.definition.name, job, keeps=False)
        memory.tried = tried
        shown = render(snapshot, job, some, self._folder, self._settings, memory=memory)
        number, most = self._counter(), self._entries + 1
        self.files = tuple(
            Beginning(file.name, tuple(line.replace(COUNTER_MARK, number) for line in _lines(file.path, most)))
            for file in shown.files
        )
        funnel = snapshot.funnel(selection, instant)
        self.funnel = tuple(funnel) if is_little(funnel) else ()

    def _counter(self) -> str:
        """Return the number that a run of this instant would put in the place of each mark."""
        definition = self._job.definition
        if not counters.has_counter(definition.format):
            return ""
        try:
            last = archives.last_counter(self._store, definition.name)
        except NotFound:  # one that is not kept (yet)
            last = None
        return str(counters.next_counter(definition.format, last, self._job.instant))


@contextmanager
def scratch(prefix: str = "yeti-preview-") -> Iterator[Path]:
    """Give an empty folder, not in the spool: a preview works without the right to run."""
    try:
        with TemporaryDirectory(prefix=prefix) as folder:
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
