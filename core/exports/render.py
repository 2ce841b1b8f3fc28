"""Write selected rows to files in a spool folder.

No more than a batch is in memory, except for a template that must see all rows at once.  The same store at the
same instant gives the same bytes.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Generic, TypeVar

from core.behind import behind
from core.errors import RenderError, TemplateError, YetiError
from core.exports.formats import Format, Values, get_format, parse_options
from core.exports.formatting.memory import Memory
from core.exports.output import Rendered, SpoolOutput
from core.exports.settings import Settings
from core.exports.spool import NotLines
from core.exports.templates import templates
from core.exports.templates.rows import frames as batches
from core.exports.templates.source import Parts
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import Instant
from core.store.collector import collector_off
from core.store.snapshot import Column, Row, Snapshot

_WHOLE = frozenset({Column.ASSERTIONS_JSON, Column.CONTEXT_JSON})
TEMPLATE_MEDIA_TYPE = "text/plain; charset=utf-8"

Report = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What to write.

    Attributes:
        definition: Format or template, options, file name.
        selection: That of the definition, with types.
        instant: At which every assertion is judged.
        template: The text of the template, if it has one.
        first: Only so many rows, for a preview; ``None`` is all.
    """

    definition: ExportDefinition
    selection: Selection
    instant: Instant
    template: str = ""
    first: int | None = None


def render(
    snapshot: Snapshot,
    job: Job,
    selected: int,
    folder: Path,
    settings: Settings,
    report: Report = lambda _: None,
    *,
    memory: Memory | None = None,
) -> Rendered:
    """Write the files of an export.

    Args:
        snapshot: The rows; it stays open.
        job: What to write.
        selected: How many rows there are.
        folder: An empty folder of the spool.
        settings: For the bounds of templates.
        report: Called with the number of rows that were just written.
        memory: What a format may know of earlier versions.

    Raises:
        TemplateError: The template failed, or went over a bound.
        RenderError: The format failed, or the spool folder did.
    """
    definition = job.definition
    form = get_format(definition.format) if definition.format else None
    media_type = form.MEDIA_TYPE if form else TEMPLATE_MEDIA_TYPE
    output = SpoolOutput(
        folder,
        definition.file_name,
        media_type,
        export=definition.name,
        instant=job.instant,
        memory=memory,
    )
    with closing(output), collector_off():
        if form is None:
            return _by_template(snapshot, job, selected, output, settings, report)
        options = parse_options(form, definition.options)
        try:
            return _by_format(snapshot, job, form, options, output, report)
        except (YetiError, OSError):
            raise
        except Exception as error:  # a format may be anybody's code
            raise RenderError(f"the format {form.NAME} failed: {type(error).__name__}: {error}") from error


def _by_format(
    snapshot: Snapshot, job: Job, form: Format, options: Any, output: SpoolOutput, report: Report
) -> Rendered:
    line = getattr(form, "line", None)
    parts = line(options) if line else None
    if parts is not None and not _WHOLE.isdisjoint(parts) and snapshot.hides(job.selection):
        parts = None  # the store's text of an observable tells what this export may not
    if parts is not None and job.first is None and not snapshot.pieces:
        head = getattr(form, "head", None)
        if _by_lines(snapshot, job, parts, head(options) if head else "", output, report):
            return output.finish(is_complete=True)
        output.start_over()
    if render_values := getattr(form, "render_values", None):
        with closing(snapshot.plain_values(job.selection, job.instant)) as batches:  # type: ignore[type-var]
            values = _Watched(_first_values(batches, job.first), report, size=lambda batch: len(batch.values))
            render_values(values, output, options)
        return output.finish(values.is_complete)
    with _rows(snapshot, job, report, _listed_by(form, output)) as rows:
        form.render(rows, output, options)
    return output.finish(rows.is_complete)


def _listed_by(form: Format, output: SpoolOutput) -> int | None:
    """Return what a format is told of its rows, as ``Snapshot.rows`` wants it."""
    if getattr(form, "WHOLE_ROWS", False):
        return output.export_id
    return 0 if getattr(form, "COUNTED_ROWS", False) else None


def _by_lines(
    snapshot: Snapshot, job: Job, parts: tuple[Any, ...], head: str, output: SpoolOutput, report: Report
) -> bool:
    """Let the database make the lines; false if a value has a line break in it, so that ``render`` must decide."""
    file = output.open()
    file.write(head, 0)
    known = 0
    try:
        # Most chunks come ready from the database: checking, hashing and storing them beside it saves a sixth of the
        # time of a list.
        with (
            closing(snapshot.lines(job.selection, job.instant, parts)) as lines,
            behind(file.write_lines) as write,
        ):
            for chunk in lines:
                write(chunk, lines.entries - known)
                report(lines.entries - known)
                known = lines.entries
    except NotLines:
        return False
    return True


def _by_template(
    snapshot: Snapshot, job: Job, selected: int, output: SpoolOutput, settings: Settings, report: Report
) -> Rendered:
    file = output.open()
    bounds = templates.Bounds(
        settings.template_memory_mib, settings.template_timeout_s, settings.template_output_mib
    )
    try:
        parts = _parts(job.template, selected, settings)
        with _rows(snapshot, job, report) as rows:
            frames = batches(rows, only_names=parts is not None and parts.only_names)
            templates.render(job.template, frames, file.stream, bounds, parts=parts)
    except TemplateError as error:
        raise TemplateError(f"template {job.definition.template}: {error}") from None
    file.digest_again()
    file.entries = rows.count
    return output.finish(rows.is_complete)


def _parts(text: str, selected: int, settings: Settings) -> Parts | None:
    """Return the parts of a template that is batched, ``None`` for one that is rendered whole and may be."""
    checked = templates.check(text)
    if not checked.is_batched and selected > settings.template_row_limit:
        raise TemplateError(
            f"it is rendered whole because {checked.reason}, and {selected:,} rows are more than "
            f"template.row_limit ({settings.template_row_limit:,})"
        )
    return checked.parts


@contextmanager
def _rows(
    snapshot: Snapshot, job: Job, report: Report, listed_by: int | None = None
) -> Iterator["_Watched[list[Row]]"]:
    """Give the batches of rows; they are let go when the block ends, so that the snapshot may be asked again."""
    rows = snapshot.rows(job.selection, job.instant, listed_by=listed_by)
    with closing(rows) as batches:  # type: ignore[type-var]
        yield _Watched(batches if job.first is None else _first(batches, job.first), report)


def _first(batches: Iterator[list[Row]], most: int) -> Iterator[list[Row]]:
    yield list(islice(chain.from_iterable(batches), most))


def _first_values(batches: Iterator[tuple[str, list[str]]], most: int | None) -> Iterator[Values]:
    """Yield batches, of no more than *most* values altogether."""
    for type_, values in batches:
        yield Values(type_, values if most is None else values[:most])
        if most is not None:
            most -= len(values)
            if most <= 0:
                return


Batch = TypeVar("Batch", list[Row], Values)


class _Watched(Generic[Batch]):
    """Batches of rows or values; says how many there were and whether that was all."""

    def __init__(self, batches: Iterator[Batch], report: Report, size: Callable[[Batch], int] = len) -> None:
        self.count = 0
        self.is_complete = False
        self._batches: Iterator[Batch] = batches
        self._size: Callable[[Batch], int] = size
        self._report = report

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        try:
            batch = next(self._batches)
        except StopIteration:
            self.is_complete = True
            raise
        self.count += self._size(batch)
        self._report(self._size(batch))
        return batch
