"""Observables as STIX 2.1 indicators, as text: what the bundle has and what TAXII sends is made here.

Of the same rows, judged at the same instant for the same list, each indicator is the same to the byte.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from core.exports import stix_objects
from core.exports.formatting.contract import Gone, Refusing
from core.exports.formatting.json_texts import are_plain, inner, json_text
from core.exports.formatting.row_values import Listed, listed
from core.exports.formatting.shown import Shared, SharedBy, Shown
from core.exports.stable_ids import stable_uuid, stable_uuids
from core.exports.stix_objects import MARKINGS, SPEC_VERSION, TYPES, timestamp
from core.schemas.claim import TLP, Kind
from core.schemas.instant import Instant
from core.store.snapshot import Row
from core.values.types import REGISTRY_KEY

MILLISECOND = 1_000
NO_HIVE = "a registry key without its hive, which a pattern has to name"
LISTED_FOR, LISTED_WITHOUT, WITHDRAWN = "listed for ", "listed without a tag", "withdrawn"
"""Descriptions: the standard wants one where there is a name."""
IDENTITY_SINCE = "2026-01-01T00:00:00.000Z"
"""Identities are not changed; their dates must not follow anything that does."""

_INDICATOR_TYPES = {
    Kind.MALICIOUS: "malicious-activity",
    Kind.SUSPICIOUS: "anomalous-activity",
    Kind.BENIGN: "benign",
    Kind.INFO: "unknown",
}
_Frame = tuple[str, str]
"""What stands before and after name and pattern of an observable; it follows from its assertions and dates."""

_AFTER_PATTERN = f'","pattern_type":"stix","pattern_version":"{SPEC_VERSION}","valid_from":"'


class _Said(NamedTuple):
    """What follows from assertions alone.

    Attributes:
        changed_at: When time, or a source that says the same again, last changed it.
        before: What stands before the name.
        valid_from, valid_until: The window, where there is one.
        end: What stands behind the window.
    """

    changed_at: Instant
    before: str
    valid_from: Instant | None
    valid_until: Instant | None
    end: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """The options, understood."""

    identity: str
    tells_revoked: bool
    network_operator: str
    tlp: TLP | None


def expressible(batch: list[Row], out: Refusing) -> list[Listed]:
    """Return those rows of *batch* that have an indicator; refuse the others."""
    return [_with_hive(found, out) if found.type == REGISTRY_KEY else found for found in listed(batch, out)]


def _with_hive(keys: Listed, out: Refusing) -> Listed:
    good = []
    for row in keys.rows:
        if stix_objects.has_hive(row.value):
            good.append(row)
        else:
            out.refuse(row, NO_HIVE)
    return Listed(keys.type, good, [row.value for row in good])


class Indicators:
    """Makes the text of indicators.

    Args:
        instant: At which the assertions were judged.
        options: Of the bundle.
        revoked_at: When observables were last withdrawn from the list; what came back is another indicator.
    """

    def __init__(self, instant: Instant, options: Bundle, revoked_at: Mapping[tuple[str, str], Instant]) -> None:
        self._instant, self._options, self._revoked_at = instant, options, revoked_at
        self._said = Shared(self._say)
        self._frames = SharedBy(
            lambda row: self._frame(row, row.created_at),
            lambda rows: [(id(row.tags), row.created_at, row.modified_at) for row in rows],
        )
        creator = f"identity--{stable_uuid(f'identity:{options.identity}')}"
        self.identity = (
            f'{{"type":"identity","spec_version":"{SPEC_VERSION}","id":"{creator}","created":"{IDENTITY_SINCE}",'
            f'"modified":"{IDENTITY_SINCE}","name":{json_text(options.identity)},"identity_class":"organization"}}'
        )
        by = f'"created_by_ref":"{creator}",' if options.identity else ""
        self._head = f'{{"type":"indicator","spec_version":"{SPEC_VERSION}",{by}"id":"'

    def texts(self, found: Listed) -> list[str]:
        """Return the indicator of each of the rows, which are `expressible`."""
        type_, rows, values = found
        frames = self._frames.of_rows(rows)
        path, together = stix_objects.path_of(type_), "".join(values)
        if path is None or self._revoked_at or "'" in together or not are_plain(together):
            return [self._indicator(row, frame) for row, frame in zip(rows, frames, strict=True)]
        ids = stable_uuids(f"{type_}:", [value.encode() for value in values])
        head = f"{self._head}indicator--"
        return [
            f'{head}{id_}{before}{value}","pattern":"[{path} = \'{value}\']{after}'
            for value, id_, (before, after) in zip(values, ids, frames, strict=True)
        ]

    def _indicator(self, row: Row, frame: _Frame) -> str:
        came_back_at = self._revoked_at.get((row.type, row.value))
        before, after = frame if came_back_at is None else self._frame(row, came_back_at)
        id_ = stix_objects.indicator_id(row.type, row.value, came_back_at)
        pattern = stix_objects.pattern(row.type, row.value, self._options.network_operator)
        return f'{self._head}{id_}{before}{inner(row.value)}","pattern":"{inner(pattern)}{after}'

    def _frame(self, row: Row, created_at: Instant) -> _Frame:
        said = self._said.of(row)
        modified_at = max(row.modified_at, said.changed_at)
        created_at = min(created_at, modified_at)
        return (
            f'","created":"{timestamp(created_at)}","modified":"{timestamp(modified_at)}",{said.before}',
            f"{_AFTER_PATTERN}{_window(said, created_at)}{said.end}",
        )

    def _say(self, shown: Shown) -> _Said:
        tags, kind, confidence = shown.tags(), shown.kind(), shown.confidence()
        word = "unknown" if kind is None else _INDICATOR_TYPES[kind]
        description = f"{LISTED_FOR}{', '.join(tags)}" if tags else LISTED_WITHOUT
        labels = f',"labels":{json_text(tags)}' if tags else ""
        sure = "" if confidence is None else f',"confidence":{confidence}'
        return _Said(
            max(shown.changed_at(self._instant), shown.renewed_at()),
            f'"indicator_types":["{word}"],"description":{json_text(description)},"name":"',
            shown.valid_from(),
            shown.valid_until(),
            f"{labels}{sure}{self._marking(shown.tlp())}}}",
        )

    def revoked(self, withdrawn: list[Gone]) -> Iterator[str]:
        """Yield each indicator that was withdrawn; of what came back meanwhile that is the one of before."""
        since: dict[tuple[str, str], Instant] = {}
        for item in withdrawn:
            if item.type not in TYPES:
                continue
            revoked_before = since.get((item.type, item.value))
            since[item.type, item.value] = item.since
            id_ = stix_objects.indicator_id(item.type, item.value, revoked_before)
            created_at = min(item.created_at if revoked_before is None else revoked_before, item.since)
            began, ended = timestamp(created_at), timestamp(item.since)
            until = f',"valid_until":"{ended}"' if began < ended else ""
            pattern = stix_objects.pattern(item.type, item.value, self._options.network_operator)
            yield (
                f'{self._head}{id_}","created":"{began}","modified":"{ended}","revoked":true,'
                f'"indicator_types":["unknown"],"description":"{WITHDRAWN}","name":"{inner(item.value)}","pattern":"{inner(pattern)}'
                f'{_AFTER_PATTERN}{began}"{until}{self._marking(item.tlp)}}}'
            )

    def _marking(self, tlp: TLP | None) -> str:
        found = max((level for level in (tlp, self._options.tlp) if level is not None), default=None)
        return "" if found is None else f',"object_marking_refs":["{MARKINGS[found]}"]'


def _window(said: _Said, created_at: Instant) -> str:
    began = timestamp(created_at if said.valid_from is None else said.valid_from)
    if said.valid_until is None:
        return f'{began}"'
    # Rounded up: an end must be later than its beginning, to the millisecond.
    until = said.valid_until + MILLISECOND - 1
    ended = timestamp(until)
    if began >= ended:  # it was over before it was known
        began = timestamp(until - MILLISECOND)
    return f'{began}","valid_until":"{ended}"'
