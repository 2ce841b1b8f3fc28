"""A STIX 2.1 bundle of indicators, one a line; the empty form is a bundle without objects.

An indicator has the observable as its pattern, and the same id in every export and for ever: a UUID of version 5, where
the standard would rather have random ones.  Labels are the tags of the assertions that are fresh.  Its type is the
worst kind, its confidence the highest, and ``valid_until`` the latest end of those that let it onto the list, since any
one of them suffices.  Its marking is the strictest that any of them has, in TLP 2.0; ``tlp`` marks what would be marked
less, or not at all.  The marking definitions are those that everybody knows, and are not sent along.

``modified`` rises with what is known of the observable, with each assertion that begins or ends, and with each time
that a source says the same again and so moves the end.  It does not rise where somebody sets other lifetimes, or other
options of the export.

What was withdrawn stays in the bundle as ``revoked``, for as long as it is remembered.  That is for ever: if it comes
back to the list it is another indicator, with another id.

A network matches what lies in it (``ISSUBSET``); ``networks=equal`` is for consumers that know nothing but ``=``.
Registry keys have the whole name of their hive, and one without a hive is refused, as is whatever is not in the
canonical form of its type, and what would stand for everybody: a public suffix, every address, the hash of an empty
file.  Paths, pipes, wallets, packages, JA3 and JARM cannot be said by a pattern.

The id of the bundle follows from its contents, which is why it stands at their end.

Source: STIX Version 2.1, OASIS Standard, sections 2.9, 3.2, 3.6, 4.6, 4.7, 8 and 9.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from core.errors import DefinitionError
from core.exports import stix_objects
from core.exports.formats import Consumer, Gone, Option, Output, OutputFile, yes_or_no
from core.exports.formatting.choices import TLPS, choice, marking
from core.exports.formatting.row_values import listed_rows
from core.exports.formatting.shown import Shown, ShownOf
from core.exports.stable_ids import stable_uuid, stable_uuids
from core.exports.stix_objects import MARKINGS, NETWORK_OPERATORS, SPEC_VERSION, timestamp
from core.schemas.claim import TLP, Kind
from core.schemas.instant import Instant
from core.store.snapshot import Row
from core.values.characters import one_line
from core.values.types import REGISTRY_KEY

NAME = "stix"
MEANING = "a bundle of STIX 2.1 indicators"
MEDIA_TYPE = stix_objects.MEDIA_TYPE
SUFFIX = ".json"
TYPES = stix_objects.TYPES
WHOLE_ROWS = True
LONGEST_IDENTITY = 200
CACHED = 5_000
NO_HIVE = "a registry key without its hive, which a pattern has to name"
LISTED_FOR, LISTED_WITHOUT, WITHDRAWN = "listed for ", "listed without a tag", "withdrawn"
"""Descriptions: the standard wants one where there is a name."""
MILLISECOND = 1_000
IDENTITY_SINCE = "2026-01-01T00:00:00.000Z"
"""Identities are not changed; their dates must not follow anything that does."""

OPTIONS = {
    "identity": Option("", "the organisation that is named as the creator of the indicators"),
    "revoked": Option("yes", "what was withdrawn is told as revoked: yes or no"),
    "networks": Option(
        "subset", "how networks are matched: subset (what lies in them) or equal (nothing but them)"
    ),
    "tlp": Option("", f"the least marking, one of {', '.join(TLPS)}; empty adds none"),
}
CONSUMERS = (
    Consumer(
        "OASIS stix2 library, and what is built on it",
        "it holds the whole bundle, some 5 KB of memory an indicator",
        "one object that is not valid: the bundle is refused as a whole",
        "stix2.parse(requests.get('https://HOST/exports/NAME', headers={'Authorization': 'Bearer TOKEN'}).text), "
        "with the token of a consumer; ask again at any time, an unchanged bundle is answered by 304",
        tested_with="stix2_validator",
    ),
    Consumer(
        "TAXII 2.1 client",
        "pages of at most 1,000 indicators; without tags, and what was withdrawn is not there any more",
        "cannot happen: every object is made anew from the store, and what no pattern can say is left out",
        "https://HOST/taxii2/ as the server, its only API root, and the collection of the name of the export, which "
        "every published export has, in whatever format; Basic authentication with any user name and the token of "
        "a consumer as the password, or Bearer",
    ),
    Consumer(
        "Microsoft Sentinel, upload API",
        "it takes indicators in requests of a limited number of objects, so that a script has to split the bundle",
        "the object is refused and named in the answer; the others are taken",
        "a timer fetches https://HOST/exports/NAME with the header 'Authorization: Bearer TOKEN' of a consumer and "
        "uploads its objects; revoked ones delete what was uploaded before",
        options="networks=equal",
    ),
)

_INDICATOR_TYPES = {
    Kind.MALICIOUS: "malicious-activity",
    Kind.SUSPICIOUS: "anomalous-activity",
    Kind.BENIGN: "benign",
    Kind.INFO: "unknown",
}
Frame = tuple[object, str, str]
"""Assertions, and what stands before and after name and pattern of an observable that has them."""

_AFTER_PATTERN = f'","pattern_type":"stix","pattern_version":"{SPEC_VERSION}","valid_from":"'
_encode = msgspec.json.Encoder().encode
_needs_escape = re.compile(r"""["'\\\x00-\x1f]""").search


@dataclass(frozen=True, slots=True)
class Bundle:
    """The options, understood."""

    identity: str
    tells_revoked: bool
    network_operator: str
    tlp: TLP | None


def parse(options: Mapping[str, str]) -> Bundle:
    """Return the options, understood."""
    identity = one_line(options["identity"])
    if len(identity) > LONGEST_IDENTITY:
        raise DefinitionError(f"the option identity has at most {LONGEST_IDENTITY} characters")
    return Bundle(
        identity,
        yes_or_no(options, "revoked"),
        NETWORK_OPERATORS[choice(options, "networks", NETWORK_OPERATORS)],
        marking(options, "tlp"),
    )


def render(rows: Iterator[list[Row]], out: Output, options: Bundle) -> None:
    """Write the bundle."""
    withdrawn = list(out.withdrawals()) if options.tells_revoked else []
    objects = _Objects(out.instant, options, withdrawn)
    writer = _Writer(out.open())
    if options.identity:
        writer.add([objects.identity], 0)
    for batch in rows:
        texts = objects.indicators(_with_hives(listed_rows(batch, out), out))
        writer.add(texts, len(texts))
    writer.add(list(objects.revoked(withdrawn)), 0)
    writer.end()


def _with_hives(rows: list[Row], out: Output) -> list[Row]:
    if not rows or not rows[0].type <= REGISTRY_KEY <= rows[-1].type:
        return rows
    good = []
    for row in rows:
        if row.type == REGISTRY_KEY and not stix_objects.has_hive(row.value):
            out.refuse(row, NO_HIVE)
        else:
            good.append(row)
    return good


class _Writer:
    """Writes objects into a bundle, each on a line of its own."""

    def __init__(self, file: OutputFile) -> None:
        self._file, self._digest, self._count = file, sha256(), 0

    def add(self, objects: list[str], entries: int) -> None:
        """Add objects, so many of which are entries of the list."""
        if not objects:
            return
        if self._count:
            objects = ["", *objects]
        else:  # no list of objects is legal where there are none
            self._file.write('{"type":"bundle","objects":[\n', 0)
        text = ",\n".join(objects)
        self._file.write(text, entries)
        self._digest.update(text.encode())
        self._count += len(objects)

    def end(self) -> None:
        """End the bundle."""
        found = f'"id":"bundle--{stable_uuid(f"bundle:{self._digest.hexdigest()}")}"}}\n'
        self._file.write(("\n]," if self._count else '{"type":"bundle",') + found, 0)


class _Objects:
    """Makes the text of objects."""

    def __init__(self, instant: Instant, options: Bundle, withdrawn: list[Gone]) -> None:
        self._options, self._shown_of = options, ShownOf(instant)
        self._revoked_at = {(item.type, item.value): item.since for item in withdrawn}
        self._frames: dict[tuple[int, Instant, Instant], Frame] = {}
        creator = f"identity--{stable_uuid(f'identity:{options.identity}')}"
        self.identity = (
            f'{{"type":"identity","spec_version":"{SPEC_VERSION}","id":"{creator}","created":"{IDENTITY_SINCE}",'
            f'"modified":"{IDENTITY_SINCE}","name":{_text(options.identity)},"identity_class":"organization"}}'
        )
        by = f'"created_by_ref":"{creator}",' if options.identity else ""
        self._head = f'{{"type":"indicator","spec_version":"{SPEC_VERSION}",{by}"id":"'

    def indicators(self, rows: list[Row]) -> list[str]:
        """Return the indicator of each row."""
        if not rows:
            return []
        frames = self._frames_of(rows)
        values = [row.value for row in rows]
        type_ = rows[0].type
        path = stix_objects.path_of(type_) if type_ == rows[-1].type else None
        if path is None or self._revoked_at or _needs_escape("".join(values)):
            return [self._indicator(row, frame) for row, frame in zip(rows, frames, strict=True)]
        ids = stable_uuids(f"{type_}:", "\n".join(values).encode().split(b"\n"))
        head = f"{self._head}indicator--"
        return [
            f'{head}{id_}{before}{value}","pattern":"[{path} = \'{value}\']{after}'
            for value, id_, (_, before, after) in zip(values, ids, frames, strict=True)
        ]

    def _indicator(self, row: Row, frame: Frame) -> str:
        came_back_at = self._revoked_at.get((row.type, row.value))
        _, before, after = frame if came_back_at is None else self._frame(row, came_back_at)
        id_ = stix_objects.indicator_id(row.type, row.value, came_back_at)
        pattern = stix_objects.pattern(row.type, row.value, self._options.network_operator)
        return f'{self._head}{id_}{before}{_inner(row.value)}","pattern":"{_inner(pattern)}{after}'

    def _frames_of(self, rows: list[Row]) -> list[Frame]:
        """Return what stands before and after name and pattern of each; many rows share that."""
        known, found = self._frames, []
        for row in rows:
            key = id(row.tags), row.created_at, row.modified_at
            frame = known.get(key)
            if frame is None or frame[0] is not row.tags:
                if len(known) >= CACHED:
                    known.clear()
                frame = known[key] = self._frame(row, row.created_at)
            found.append(frame)
        return found

    def _frame(self, row: Row, created_at: Instant) -> Frame:
        shown = self._shown_of(row.tags)
        modified_at = max(row.modified_at, shown.changed_at, shown.renewed_at)
        created_at = min(created_at, modified_at)
        kind = "unknown" if shown.kind is None else _INDICATOR_TYPES[shown.kind]
        labels = f',"labels":{_text(list(shown.tags))}' if shown.tags else ""
        said = f"{LISTED_FOR}{', '.join(shown.tags)}" if shown.tags else LISTED_WITHOUT
        sure = "" if shown.confidence is None else f',"confidence":{shown.confidence}'
        return (
            row.tags,
            f'","created":"{timestamp(created_at)}","modified":"{timestamp(modified_at)}","indicator_types":["{kind}"],'
            f'"description":{_text(said)},"name":"',
            f"{_AFTER_PATTERN}{_window(shown, created_at)}{labels}{sure}{self._marking(shown.tlp)}}}",
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
                f'"indicator_types":["unknown"],"description":"{WITHDRAWN}","name":"{_inner(item.value)}","pattern":"{_inner(pattern)}'
                f'{_AFTER_PATTERN}{began}"{until}{self._marking(item.tlp)}}}'
            )

    def _marking(self, tlp: TLP | None) -> str:
        found = max((level for level in (tlp, self._options.tlp) if level is not None), default=None)
        return "" if found is None else f',"object_marking_refs":["{MARKINGS[found]}"]'


def _window(shown: Shown, created_at: Instant) -> str:
    began = timestamp(created_at if shown.valid_from is None else shown.valid_from)
    if shown.valid_until is None:
        return f'{began}"'
    # Rounded up: an end must be later than its beginning, to the millisecond.
    ended = timestamp(shown.valid_until + MILLISECOND - 1)
    return f'{began}","valid_until":"{ended}"' if began < ended else f'{began}"'


def _text(value: object) -> str:
    return _encode(value).decode()


def _inner(text: str) -> str:
    """Return *text* as it stands inside the quotes of JSON."""
    return _text(text)[1:-1]
