"""The events of a feed of MISP; ``core.exports.formats.misp_feed`` tells what they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import md5
from typing import NamedTuple
from zlib import crc32

from core.exports.formatting.choices import TLPS
from core.exports.formatting.contract import Gone, Output, OutputFile
from core.exports.formatting.json_texts import inner, inners, json_text
from core.exports.formatting.misp_types import TYPES, Attribute, MispType, attribute_of, attributes_of
from core.exports.formatting.row_values import Listed, why_not_canonical
from core.exports.formatting.shown import Shared, SharedBy, Shown
from core.exports.stable_ids import stable_uuid, stable_uuids
from core.schemas.claim import TLP, Kind
from core.schemas.instant import SECOND, Instant, to_datetime
from core.store.rows import instant_of
from core.store.snapshot import Row
from core.values.markings import tlp_of

MANIFEST = "manifest.json"
MANY_ATTRIBUTES = 20_000
LONGEST_TAG = 255

_COLOURS = {
    TLP.CLEAR: "#ffffff",
    TLP.GREEN: "#33ff00",
    TLP.AMBER: "#ffc000",
    TLP.AMBER_STRICT: "#ffc000",
    TLP.RED: "#ff2b2b",
}
_TLP_WORDS = {tlp: word for word, tlp in TLPS.items()}
_SUSPECT = (Kind.MALICIOUS, Kind.SUSPICIOUS)


@dataclass(frozen=True, slots=True)
class Feed:
    """The options, understood."""

    events: int
    org: str
    threat_level: int
    tlp: TLP | None


def name_beside(out: Output, name: str) -> str:
    """Return *name* in the folder of the export."""
    folder, separator, _ = out.file_name.rpartition("/")
    return f"{folder}{separator}{name}"


class _Said(NamedTuple):
    """What follows from assertions alone: when time last changed it, and of `_Frame` what its names say."""

    changed_at: Instant
    tlp: int
    is_suspect: bool
    end: str


class _Frame(NamedTuple):
    """What attributes have in common whose assertions and dates are the same.

    Attributes:
        timestamp: In seconds.
        tlp: How strictly it is marked; -1 is not at all.
        is_suspect: Somebody says that it is malicious or suspicious.
        end: What stands behind the value and ``to_ids``.
    """

    timestamp: int
    tlp: int
    is_suspect: bool
    end: str


class _Event:
    """One event that is being written."""

    def __init__(self, uuid: str, file: OutputFile) -> None:
        self.uuid, self._file = uuid, file
        self.count, self._is_empty = 0, True
        self.timestamp, self.tlp = 0, -1

    def add(self, attributes: list[str], entries: int, timestamp: int, tlp: int) -> None:
        """Add attributes, so many of which are entries of the list, with their latest timestamp and strictest marking."""
        before = '{"Event":{"Attribute":[\n' if self._is_empty else ",\n"
        self._file.write(before + ",\n".join(attributes), entries)
        self._is_empty = False
        self.count += entries
        self.timestamp, self.tlp = max(self.timestamp, timestamp), max(self.tlp, tlp)

    def end(self, meta: dict[str, object]) -> None:
        """End it with what *meta*, its entry in the manifest, says of it."""
        said = meta | {
            "uuid": self.uuid,
            "timestamp": str(self.timestamp),
            "publish_timestamp": str(self.timestamp),
            "analysis": str(meta["analysis"]),
            "threat_level_id": str(meta["threat_level_id"]),
            "published": True,
        }
        self._file.write(f"\n],{json_text(said)[1:]}}}\n", 0)


class Events:
    """The events of a feed."""

    def __init__(self, out: Output, options: Feed) -> None:
        self._out, self._options = out, options
        self._said = Shared(self._say)
        self._events: dict[int, _Event] = {}
        self._frames = SharedBy(
            self._frame, lambda rows: [(id(row.tags), row.modified_at, row.listed_at) for row in rows]
        )
        self._seed = f"misp:{out.key}:{options.events}:"
        self._long_tags: set[str] = set()

    def delete(self, gone: Iterator[Gone]) -> None:
        """Tell what has left the list."""
        for item in gone:
            if item.type not in TYPES or why_not_canonical(item.type, item.value):
                continue
            attribute = attribute_of(item.type, item.value)
            if attribute.refused:
                continue
            name = f"{item.type}:{item.value}".encode()
            moment, number = _seconds(item.since), crc32(name) % self._options.events
            end = f',"timestamp":"{moment}","deleted":true}}'
            (uuid,) = stable_uuids(self._seed_of(number), [name])
            frame = _Frame(moment, -1 if item.tlp is None else item.tlp, is_suspect=False, end=end)
            text = _attribute_text(uuid, attribute.type, inner(attribute.value), frame)
            self._event(number).add([text], 0, moment, frame.tlp)

    def add(self, found: Listed) -> str:
        """Add rows to their events, and return the lines of their hashes."""
        rows, attributes, frames = self._attributes(found)
        names = [f"{found.type}:{row.value}".encode() for row in rows]
        numbers = [crc32(name) % self._options.events for name in names]
        events = {number: self._event(number) for number in dict.fromkeys(numbers)}
        seeds = {number: self._seed_of(number).encode() for number in events}
        uuids = stable_uuids("", [seeds[number] + name for number, name in zip(numbers, names, strict=True)])
        values = inners([attribute.value for attribute in attributes])
        parts: dict[int, tuple[list[str], list[_Frame]]] = {number: ([], []) for number in events}
        for number, uuid, attribute, value, frame in zip(numbers, uuids, attributes, values, frames, strict=True):
            texts, used = parts[number]
            texts.append(_attribute_text(uuid, attribute.type, value, frame))
            used.append(frame)
        for number, (texts, used) in parts.items():
            moment, tlp = max([frame.timestamp for frame in used]), max([frame.tlp for frame in used])
            events[number].add(texts, len(texts), moment, tlp)
        return "".join(
            [
                f"{md5(attribute.value.encode(), usedforsecurity=False).hexdigest()},{events[number].uuid}\n"
                for number, attribute in zip(numbers, attributes, strict=True)
            ]
        )

    def end(self) -> str:
        """End the events, and return the manifest."""
        org = self._options.org
        orgc = {"name": org, "uuid": stable_uuid(f"org:{org}")}
        manifest = {}
        for number, event in sorted(self._events.items()):
            meta: dict[str, object] = {
                "Orgc": orgc,
                "Tag": [_tag(TLP(event.tlp))] if event.tlp >= 0 else [],
                "info": f"{self._out.export}, {number + 1} of {self._options.events}",
                "date": to_datetime(event.timestamp * SECOND).date().isoformat(),
                "analysis": 2,
                "threat_level_id": self._options.threat_level,
                "timestamp": event.timestamp,
            }
            event.end(meta)
            manifest[event.uuid] = meta
        self._tell()
        return json_text(manifest) + "\n"

    def _attributes(self, found: Listed) -> tuple[list[Row], list[Attribute], list[_Frame]]:
        """Return the rows that are attributes, these, and what is around each; refuse the others."""
        rows, frames = found.rows, self._frames.of_rows(found.rows)
        attributes = attributes_of(found.type, found.values)
        good = [number for number, attribute in enumerate(attributes) if not attribute.refused]
        if len(good) == len(rows):
            return rows, attributes, frames
        for row, attribute in zip(rows, attributes, strict=True):
            if attribute.refused:
                self._out.refuse(row, attribute.refused)
        return (
            [rows[number] for number in good],
            [attributes[number] for number in good],
            [frames[number] for number in good],
        )

    def _seed_of(self, number: int) -> str:
        return f"{self._seed}{number}:"

    def _event(self, number: int) -> _Event:
        known = self._events.get(number)
        if known is None:
            uuid = stable_uuid(f"{self._seed}{number}")
            known = self._events[number] = _Event(uuid, self._out.open(name_beside(self._out, f"{uuid}.json")))
        return known

    def _frame(self, row: Row) -> _Frame:
        said = self._said.of(row)
        listed_at = self._out.instant if row.listed_at is None else row.listed_at
        moment = _seconds(max(row.modified_at, said.changed_at, listed_at))
        end = f',"timestamp":"{moment}","deleted":false{said.end}'
        return _Frame(moment, said.tlp, said.is_suspect, end)

    def _say(self, shown: Shown) -> _Said:
        """Return what is said of assertions, whatever the row."""
        level = max((tlp for tlp in (shown.tlp(), self._options.tlp) if tlp is not None), default=None)
        return _Said(
            shown.changed_at(self._out.instant),
            -1 if level is None else level,
            shown.kind() in _SUSPECT,
            f'{_seen(shown)},"Tag":{self._tags(shown.tags(), level)}}}',
        )

    def _tags(self, tags: Sequence[str], level: TLP | None) -> str:
        """Return tags as MISP has them; a marking that is less strict than another is left out."""
        found = {}
        for tag in tags:
            lower, text = _tag_text(tag)
            if text is None:
                self._long_tags.add(tag)
            elif lower not in found:
                found[lower] = text
        texts = [*filter(None, found.values())]
        return f"[{','.join(texts if level is None else [*texts, _marking_text(level)])}]"

    def _tell(self) -> None:
        if self._long_tags:
            self._out.note(
                f"{len(self._long_tags):,} tags are longer than {LONGEST_TAG} characters and left out: MISP would cut them"
            )
        most = max((event.count for event in self._events.values()), default=0)
        if most > MANY_ATTRIBUTES:
            self._out.note(
                f"the largest event has {most:,} attributes, which MISP is slow to read: the option events spreads them "
                "over more, and makes all of them new"
            )


def _attribute_text(uuid: str, misp_type: MispType, value: str, frame: _Frame) -> str:
    type_, category, is_for_detection = misp_type
    to_ids = "true" if is_for_detection and frame.is_suspect else "false"
    return (
        f'{{"uuid":"{uuid}","type":"{type_}","category":"{category}","value":"{value}",'
        f'"to_ids":{to_ids}{frame.end}'
    )


@lru_cache(maxsize=65_536)
def _tag_text(tag: str) -> tuple[str, str | None]:
    """Return a tag as MISP compares it, and as it stands in JSON.

    That is empty of a marking, which is told otherwise, and ``None`` of one that is longer than MISP keeps.
    """
    if tlp_of(tag) is not None:
        return tag.lower(), ""
    return tag.lower(), None if len(tag) > LONGEST_TAG else json_text({"name": tag})


def _tag(level: TLP) -> dict[str, object]:
    return {
        "name": f"tlp:{_TLP_WORDS[level]}",
        "colour": _COLOURS[level],
        "local": False,
        "relationship_type": "",
    }


@lru_cache
def _marking_text(level: TLP) -> str:
    return json_text(_tag(level))


@lru_cache(maxsize=65_536)
def _moment_text(moment: Instant) -> str:
    return to_datetime(moment).isoformat(timespec="microseconds")


def _seen(shown: Shown) -> str:
    first, last = shown.first_seen(), shown.last_seen()
    if first and last and instant_of(last) < instant_of(first):
        last = ""  # of two sources, each with one of them; MISP takes no such pair
    words = (("first_seen", first), ("last_seen", last))
    return "".join(f',"{name}":"{_moment_text(instant_of(text))}"' for name, text in words if text)


def _seconds(moment: Instant) -> int:
    """Return *moment* in seconds, rounded up: what comes later in the same second is later."""
    return -(-moment // SECOND)
