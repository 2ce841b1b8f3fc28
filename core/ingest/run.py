"""Read files into the store: find them, recognise them, merge what they claim, and say what happened."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DefinitionError, RefusedValue, UnreadableFile, YetiError
from core.ingest import table_columns, walk
from core.ingest.lines import excerpt
from core.ingest.reader import InputFile, Item, Options
from core.ingest.registry import READERS, Reader, recognise
from core.ingest.report import FileResult, ImportReport
from core.schemas.claim import AllowListEntries, Claim, Refusal, StoredTemplate
from core.schemas.instant import Instant

if TYPE_CHECKING:
    from core.store import Store
    from core.store.imports import ImportSession

log = logging.getLogger(__name__)

BATCH = 20_000
"""Claims given to the store at once; it merges in batches of its own size."""

OnRefusal = Callable[[Path, Refusal], None]
OnBytes = Callable[[int], None]


def import_paths(
    store: "Store",
    paths: Iterable[Path],
    options: Options | None = None,
    *,
    now: Instant,
    format: str = "auto",
    snapshot: bool = False,
    on_refusal: OnRefusal | None = None,
    on_bytes: OnBytes | None = None,
) -> ImportReport:
    """Read files and folders into *store*.

    A file that cannot be read, and a row that cannot be taken, is reported and keeps nothing else out.

    Args:
        store: Where the claims go.
        paths: Files and folders.
        options: What the user said about them.
        now: When they were received.
        format: ``auto``, or one of ``registry.READERS``.
        snapshot: What their sources listed before and list no more ends now.  A source of which a file could not
            be read, or of which nothing came, is left alone, with a note.
        on_refusal: Called with each refused row, and with line 0 for a file that could not be read.
        on_bytes: Called with the number of bytes read, for a progress bar.

    Raises:
        DefinitionError: There is no such format, or no such role for a column.
    """
    if format != "auto" and format not in READERS:
        raise DefinitionError(f"unknown format {format!r}; known: auto, {', '.join(READERS)}")
    table_columns.check(options.columns if options else {})
    paths = [*paths]
    job = _Import(options or Options(), format, on_refusal or (lambda path, refusal: None), on_bytes)
    with store.import_session(now, job.refused_by_store, _named(paths)) as session:
        for found in walk.files(paths):
            job.file(found, session)
        if snapshot:
            job.end_unlisted(session)
    job.store_others(store, now)
    return job.finished(session)


def _named(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(path.name or str(path) for path in paths[:3]) + more


class _Import:
    def __init__(self, options: Options, format: str, on_refusal: OnRefusal, on_bytes: OnBytes | None) -> None:
        self._options = options
        self._format = format
        self._on_refusal = on_refusal
        self._on_bytes = on_bytes
        self._report = ImportReport()
        self._allow_lists: list[tuple[Path, AllowListEntries]] = []
        self._templates: list[tuple[Path, StoredTemplate]] = []

    def file(self, found: "Path | tuple[Path, UnreadableFile]", session: "ImportSession") -> None:
        """Read one file into the session."""
        path = found if isinstance(found, Path) else found[0]
        result = FileResult(path)
        self._report.files += 1
        self._report.results.append(result)
        try:
            file = self._opened(found)
            reader = self._reader(file)
            result.format = reader.NAME
            self._items(guarded(reader, file, self._options), result, session)
            result.is_damaged = file.is_damaged
        except UnreadableFile as error:
            result.reason = str(error)
            result.is_damaged = True
            if result.rows or result.templates or result.allow_list_entries:
                self._refuse(result, Refusal(0, f"the rest of the file could not be read: {error}"))
            else:
                self._report.refused_files += 1
                self._on_refusal(path, Refusal(0, f"could not be read: {error}"))

    def _opened(self, found: "Path | tuple[Path, UnreadableFile]") -> InputFile:
        if not isinstance(found, Path):
            raise found[1]
        return InputFile(found, on_bytes=self._on_bytes)

    def _reader(self, file: InputFile) -> Reader:
        if self._format != "auto":
            return READERS[self._format]
        with _foreign_errors_explained(file, "recognising its format"):
            return recognise(file)

    def _items(self, items: Iterator[Item], result: FileResult, session: "ImportSession") -> None:
        batch: list[Claim] = []
        line = 0
        try:
            for item in items:
                if type(item) is Claim:
                    batch.append(item)
                    line = item.line
                    if len(batch) >= BATCH:
                        self._merge(batch, result, session)
                elif type(item) is Refusal:
                    # A refused date of a row that went in is no row of its own.
                    result.rows += not (item.line and item.line == line)
                    self._refuse(result, item)
                elif type(item) is AllowListEntries:
                    result.allow_list_entries += len(item.entries)
                    self._allow_lists.append((result.path, item))
                elif type(item) is StoredTemplate:
                    result.templates += 1
                    self._templates.append((result.path, item))
        finally:
            self._merge(batch, result, session)

    def _merge(self, batch: list[Claim], result: FileResult, session: "ImportSession") -> None:
        if batch:
            result.rows += len(batch)
            result.sources.update({claim.source for claim in batch})
            claims = batch.copy()
            batch.clear()
            session.add(claims)

    def _refuse(self, result: FileResult, refusal: Refusal) -> None:
        result.refused += 1
        self._on_refusal(result.path, Refusal(refusal.line, refusal.reason, excerpt(refusal.excerpt)))

    def refused_by_store(self, refusal: Refusal) -> None:
        """Take note of a claim of the current file that no database can keep."""
        self._refuse(self._report.results[-1], refusal)

    def end_unlisted(self, session: "ImportSession") -> None:
        """End what the sources of this import listed before and list no more."""
        named = self._options.source
        listed = set().union(*(result.sources for result in self._report.results))
        for result in self._report.results:
            if result.is_damaged:
                lost = {named} if named else (result.sources or listed)
                for source in sorted(lost & listed):
                    self._note(f"{result.path} could not be read whole, so nothing of source {source!r} was ended")
                listed -= lost
        if named and named not in set().union(*(result.sources for result in self._report.results)):
            self._note(f"nothing was read of source {named!r}, so nothing of it was ended")
        for source in sorted(listed):
            self._report.ended += session.end_unlisted(source)

    def _note(self, text: str) -> None:
        self._report.notes.append(text)

    def store_others(self, store: "Store", now: Instant) -> None:
        """Store what is no claim: allow-lists and templates."""
        from core.store.allow_lists.lists import put_allow_list
        from core.store.kept_templates import put_template

        for path, entries in self._allow_lists:
            try:
                put_allow_list(store, entries, now)
                self._report.allow_list_entries += len(entries.entries)
            except RefusedValue as error:
                self._refuse_other(path, str(error), entries.name)
        for path, template in self._templates:
            try:
                put_template(store, template.name, template.text, now, replace=True)
                self._report.templates += 1
            except YetiError as error:
                self._refuse_other(path, str(error), template.name)
        if self._allow_lists:
            self._tell_what_lists_do(store)

    def _refuse_other(self, path: Path, reason: str, name: str) -> None:
        self._on_refusal(path, Refusal(0, reason, name))
        self._report.refused += 1

    def _tell_what_lists_do(self, store: "Store") -> None:
        from core.store.allow_lists.lists import allow_lists

        names = {entries.name for _, entries in self._allow_lists}
        informing = [item.name for item in allow_lists(store) if item.name in names and item.does == "inform"]
        if informing:
            which = f"{len(informing)} of {len(names)} allow-lists keep"
            which = f"the allow-list {informing[0]!r} keeps" if len(names) == 1 else which
            self._note(f"{which} nothing off, and inform; yetictl allow-list set NAME --action block changes that")

    def finished(self, session: "ImportSession") -> ImportReport:
        """Return the report, with what the store counted."""
        report, merged = self._report, session.report
        report.rows = sum(result.rows for result in report.results)
        report.refused += sum(result.refused for result in report.results)
        report.observables = dict(merged.observables)
        report.new, report.updated, report.unchanged = merged.new, merged.updated, merged.unchanged
        report.stale, report.withdrawn = merged.stale, merged.withdrawn
        return report


def guarded(reader: Reader, file: InputFile, options: Options) -> Iterator[Item]:
    """Yield what an importer finds in a file.

    Raises:
        UnreadableFile: It cannot read it, or not to its end; whatever it tripped over, the reason says it.
    """
    with _foreign_errors_explained(file, f"the {reader.NAME} importer"):
        yield from reader.read(file, options)


@contextmanager
def _foreign_errors_explained(file: InputFile, what: str) -> Iterator[None]:
    """Turn whatever *what* trips over into the reason why the file cannot be read from there on."""
    try:
        yield
    except UnreadableFile:
        raise
    except OSError as error:
        raise UnreadableFile(error.strerror or "reading failed") from error
    except RecursionError as error:
        raise UnreadableFile("nested too deeply") from error
    except MemoryError as error:
        raise UnreadableFile("needs more memory than there is") from error
    except Exception as error:
        log.debug("import failed", extra={"path": str(file.path)}, exc_info=True)
        raise UnreadableFile(f"{what} failed on it ({type(error).__name__}: {error})") from error
