"""Compare what files want with what is kept, and bring the one to the other: all of it or nothing."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from core.errors import ConfigError, DefinitionError, DefinitionFilesError, YetiError
from core.exports.candidate import make
from core.exports.definitions import definition as definitions_of
from core.exports.definitions import doubts, file_words
from core.exports.definitions.files import Definitions, Wanted
from core.exports.lease import Clock, held
from core.exports.preview import scratch
from core.exports.publishing import places
from core.exports.render import Job
from core.exports.select import resolved
from core.exports.settings import Settings
from core.schemas.export import ExportDefinition
from core.schemas.instant import Instant
from core.store import definitions, kept_templates
from core.store.collector import collector_off

if TYPE_CHECKING:
    from core.store import Store

Kind = Literal["create", "change", "remove", "keep"]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A word of a definition that changes: what it said and what it will say; ``None`` is nothing."""

    word: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the next run would publish.

    Attributes:
        entries: How long the list would be.
        version: The number of the version that is published; ``None`` if none is.
        changed: How many entries would be added, removed and changed against that, by these words.
        held: Why the gate would hold the run, each in one line.
        fault: Why the run would fail; empty if it would not.
    """

    entries: int = 0
    version: int | None = None
    changed: Mapping[str, int] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one export.

    Attributes:
        name: Of the export.
        kind: What is done.
        before, after: What it is and what it will be; ``None`` where there is none.
        fields: What of it changes.
        outlook: Of an export that is new or changes.
        notes: What is probably not meant, each in one sentence.
    """

    name: str
    kind: Kind
    before: ExportDefinition | None
    after: ExportDefinition | None
    fields: tuple[FieldChange, ...] = ()
    outlook: Outlook | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateChange:
    """A template that is new or changes, and the exports besides those of the files that use it."""

    name: str
    kind: Literal["create", "change"]
    used_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done.

    Attributes:
        changes: A line for each export of the files, and for each that would be removed, by name.
        templates: Templates that would be kept.
        left: Exports that are in no file and stay as they are, by name.
        replacement: The same for the store.
    """

    changes: tuple[Change, ...]
    templates: tuple[TemplateChange, ...]
    left: tuple[str, ...]
    replacement: definitions.Replacement

    @property
    def is_empty(self) -> bool:
        """Whether everything is as the files want it."""
        return not self.templates and all(change.kind == "keep" for change in self.changes)

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Return the exports of which that becomes."""
        return tuple(change.name for change in self.changes if change.kind == kind)


def plan(store: "Store", wanted: Definitions, settings: Settings, *, remove: bool, now: Instant) -> Plan:
    """Return what is to be done so that the store has what *wanted* says; nothing is touched.

    Args:
        store: Where the exports are kept.
        wanted: What the files say.
        settings: Of this installation.
        remove: Whether exports that are in no file go.
        now: The instant at which lists are made, and of what is new.

    Raises:
        DefinitionFilesError: What the files want cannot be; ``problems`` has all the reasons.
    """
    seen = definitions.exports(store)
    before = {item.name: item for item in seen}
    templates = {item.name: item.text for item in kept_templates.templates(store)}
    new_templates = {name: text for name, text in wanted.templates.items() if templates.get(name) != text}
    problems = list(_template_problems(new_templates))
    after: dict[str, ExportDefinition] = {}
    for item in wanted.exports:
        try:
            made = completed(item.definition, before.get(item.definition.name), now)
            definitions_of.check(made, templates | new_templates)
            places.check_versions(settings.versions_path, made.destination or settings.export_path)
        except (ConfigError, DefinitionError) as error:
            problems.append(item.problem(error))
        else:
            after[made.name] = made
    others = [item for item in seen if item.name not in after]
    staying = () if remove else others
    problems += _clashes(wanted.exports, after, staying, settings.export_path)
    if problems:
        raise DefinitionFilesError(problems)
    look = _Outlooks(store, templates | new_templates, settings, now)
    changes = [_change(store, before.get(name), item, look) for name, item in after.items()]
    if remove:
        changes += [Change(item.name, "remove", item, None) for item in others]
    changes.sort(key=lambda change: change.name)
    return Plan(
        tuple(changes),
        tuple(_template_changes(new_templates, templates, staying)),
        tuple(item.name for item in staying),
        definitions.Replacement(
            seen,
            [change.after for change in changes if change.after and change.kind != "keep"],
            [change.name for change in changes if change.kind == "remove"],
            new_templates,
        ),
    )


def apply(store: "Store", wanted: Plan, now: Instant) -> None:
    """Do what a plan says, in one step.

    Raises:
        AlreadyExists: Somebody changed the exports since the plan was made; nothing was done.
        ExportBusy: An export that is to go is just running; nothing was done.
    """
    if wanted.is_empty:
        return
    with ExitStack() as claims:
        for name in wanted.replacement.remove:
            claims.enter_context(held(store, name, Clock(now)))
        definitions.replace_several(store, wanted.replacement, now)


def completed(definition: ExportDefinition, old: ExportDefinition | None, now: Instant) -> ExportDefinition:
    """Return *definition* with its file name and its dates: what was published keeps its name.

    Args:
        definition: As `core.exports.definitions.file_words.read` returns it.
        old: What it is to take the place of, if anything.
        now: When.

    Raises:
        DefinitionError: No file name can be made of its name, or its format is unknown.
    """
    file_name = definition.file_name or (old.file_name if old else "")
    made = replace(
        definition,
        file_name=file_name
        or definitions_of.default_file_name(definition.name, definition.format, definition.options),
        created_at=old.created_at if old else now,
        modified_at=old.modified_at if old else now,
    )
    return made if old is None or made == old else replace(made, modified_at=now)


def _change(store: "Store", before: ExportDefinition | None, after: ExportDefinition, look: "_Outlooks") -> Change:
    if before == after:
        return Change(after.name, "keep", before, after)
    return Change(
        after.name,
        "change" if before else "create",
        before,
        after,
        tuple(_fields(before, after)) if before else (),
        look.of(after),
        doubts.warnings(store, after, look.templates),
    )


def _fields(before: ExportDefinition, after: ExportDefinition) -> Iterator[FieldChange]:
    old, new = file_words.said(before), file_words.said(after)
    for word in file_words.WORDS:
        if old.get(word) != new.get(word):
            yield FieldChange(word, old.get(word), new.get(word))


@dataclass(frozen=True, slots=True)
class _Outlooks:
    """Make what runs would publish, to count it."""

    store: "Store"
    templates: Mapping[str, str]
    settings: Settings
    now: Instant

    def of(self, definition: ExportDefinition) -> Outlook:
        job = Job(definition, resolved(definition), self.now, self.templates.get(definition.template, ""))
        try:
            with scratch("yeti-plan-") as folder, collector_off():
                made = make(self.store, job, folder, self.settings)
        except YetiError as error:
            return Outlook(fault=str(error))
        return Outlook(
            made.rendered.entries,
            made.current.number if made.current else None,
            made.changed if made.current else {},
            tuple(reason.text for reason in made.verdict.reasons),
        )


def _template_problems(templates: Mapping[str, str]) -> Iterator[str]:
    from core.exports.templates.templates import check

    for name, text in templates.items():
        try:
            check(text)
        except YetiError as error:
            yield f"template {name!r}: {error}"


def _template_changes(
    new: Mapping[str, str], old: Mapping[str, str], staying: Sequence[ExportDefinition]
) -> Iterator[TemplateChange]:
    for name in new:
        users = tuple(item.name for item in staying if item.template == name)
        yield TemplateChange(name, "change" if name in old else "create", users)


def _clashes(
    wanted: Sequence[Wanted],
    after: Mapping[str, ExportDefinition],
    staying: Sequence[ExportDefinition],
    default_destination: str,
) -> Iterator[str]:
    """Yield a line for every export whose file is in the way of another's, of the files or of those that stay."""
    taken: dict[str, set[str]] = {}
    users: defaultdict[str, list[ExportDefinition]] = defaultdict(list)
    for other in staying:
        _add(other, taken, users, default_destination)
    for item in wanted:
        made = after.get(item.definition.name)
        if made is None:
            continue
        try:
            _add(made, taken, users, default_destination)
        except YetiError as error:
            yield item.problem(error)
            continue
        near = {
            other.name: other for address in places.with_companions(taken[made.name]) for other in users[address]
        }
        for other in near.values():
            if other is not made and (
                fault := definitions_of.clash(made, taken[made.name], other, taken[other.name])
            ):
                yield item.problem(f"{fault}; give it another file-name, or another place (to)")


def _add(
    item: ExportDefinition,
    taken: dict[str, set[str]],
    users: defaultdict[str, list[ExportDefinition]],
    default_destination: str,
) -> None:
    taken[item.name] = definitions_of.addresses(item, default_destination)
    for address in places.with_companions(taken[item.name]):
        users[address].append(item)
