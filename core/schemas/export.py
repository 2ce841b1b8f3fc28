"""What an export is: a selection of observables, a format, and a place."""

from dataclasses import dataclass, field
from typing import Literal

from core.schemas.claim import TLP
from core.schemas.instant import Instant


@dataclass(frozen=True, slots=True)
class Selection:
    """Which observables an export takes; Yeti's rules, and a few filters more.

    With ``T`` the tags of an observable that are not ignored and (unless ``any_freshness``) fresh at the instant
    of the run: it is taken if its type is wanted, ``T`` is not empty (unless ``untagged``), ``T`` meets
    ``include`` (or that is empty), ``T`` holds all of ``require``, and ``T`` does not meet ``exclude``.
    Tag names are normalised on both sides when they are compared.

    Attributes:
        types: Types, groups expanded, sorted; empty means every type the format can express.
        include: Any of these tags.
        require: All of these tags.
        exclude: None of these tags; an exclusion by a sticky tag (benign, allow-listed, …) does not go stale.
        ignore: Tags that count for nothing.
        sources: Only what these sources claim; empty means all.
        with_info: Also claims of kind *info*.
        untagged: Also observables without any tag.
        any_freshness: Stale tags count as if they were fresh.
        max_age_s: At most so many seconds since it was last received (``received_at``).
        first_seen_after, last_seen_after: The source's own dates must be later than (or equal to) this.
        most_tlp: Only what may be passed on at least this far counts, and is shown; what is not marked may be.
            ``None`` is no bound.
        least_confidence: Only what is held at least this sure counts; what nobody rated is not.
        grace_s: An entry stays for so long after its end, so that one at its end does not come and go.
        undated: What neither a date nor a lifetime says an end of is taken (``keep``) or not (``drop``).
    """

    types: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    with_info: bool = False
    untagged: bool = False
    any_freshness: bool = False
    max_age_s: int | None = None
    first_seen_after: Instant | None = None
    last_seen_after: Instant | None = None
    most_tlp: TLP | None = None
    least_confidence: int | None = None
    grace_s: int = 0
    undated: Literal["keep", "drop"] = "keep"


@dataclass(frozen=True, slots=True)
class ExportDefinition:
    """An export as it is kept in the store.

    Exactly one of ``format`` and ``template`` is set.  ``destination`` is a storage path; empty means the
    configured ``system.export_path``.  ``file_name`` is fixed when the export is made and never follows later
    edits.  ``schedule`` is ``"every:<seconds>"``, ``"cron:<expression>"`` or empty.  ``is_public`` says that
    anybody may fetch what is published, so that nothing above ``TLP:CLEAR`` goes in unless the selection says so.
    ``networks`` are those that it may be fetched from, in canonical form; empty is any.
    ``deltas`` publishes what each version added and removed beside the file.
    ``versions_key`` is what the names of its versions begin with: given to it by the store that it is added to.
    """

    name: str
    file_name: str
    selection: Selection = field(default_factory=Selection)
    format: str = ""
    template: str = ""
    options: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    destination: str = ""
    schedule: str = ""
    description: str = ""
    enabled: bool = True
    is_public: bool = False
    networks: tuple[str, ...] = ()
    deltas: bool = False
    created_at: Instant = 0
    modified_at: Instant = 0
    versions_key: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Template:
    """A Jinja template as it is kept in the store."""

    name: str
    text: str
    created_at: Instant = 0
    modified_at: Instant = 0


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file of a version, as it was published."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str
    entries: int


@dataclass(frozen=True, slots=True)
class Version:
    """An immutable, numbered set of files of one export."""

    export: str
    number: int
    created_at: Instant
    instant: Instant
    entries: int
    files: tuple[PublishedFile, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt to bring an export up to date.

    ``status`` is ``running``, ``completed``, ``failed`` or ``held``; ``message`` says why in words;
    ``outcome`` of a completed run is ``created``, ``replaced``, ``unchanged`` or ``pinned``.
    """

    id: int
    export: str
    started_at: Instant
    status: str
    finished_at: Instant | None = None
    message: str = ""
    outcome: str = ""
    version: int | None = None
    entries: int | None = None
