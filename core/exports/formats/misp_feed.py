"""A feed of MISP: ``manifest.json``, ``hashes.csv`` and a file for each event; the empty form is an empty manifest.

The files are read from one folder, so that each export has one of its own: the folder of its ``manifest.json``.

An entry is in the event that type and value choose of ``events`` many: always the same one, whatever else comes or
goes, since an attribute that MISP knows from one event cannot be moved to another.  Choose a number before anybody
reads the feed; with another one everything is new, and what was there before stays in MISP for ever.  The UUIDs of
events and attributes are made from the export, type and value, and stay when the export is renamed.

An attribute is for detection (``to_ids``) where MISP has it so for its type, and somebody says that it is malicious or
suspicious.  Its tags are those of the assertions that are fresh, and one for the strictest marking; ``tlp`` marks what
would be marked less, or not at all.

MISP takes an event anew if its timestamp is later, and of that the attributes whose own timestamps are.  That of an
attribute is when the export first listed it as it is, or when an assertion began or ended, that of an event the latest
of its attributes, each rounded up to the second.  MISP deletes nothing that is missing: what has left the list is told
as ``deleted``, for as long as the ledger remembers it, and is not in ``hashes.csv``.  A rollback has the timestamps of
the version that it publishes again, and MISP takes nothing of it.

Refused is what is not in the canonical form of its type, what would stand for everybody (a public suffix, every address,
the hash of an empty file), and what MISP would take for something else; paths and file names are one type there, told
apart by whether there is a folder.

Sources: MISP core format, draft-dulaunoy-misp-core-format; the MISP Book, "Managing feeds".
"""

from collections.abc import Iterator, Mapping

from core.errors import DefinitionError
from core.exports.formats import Consumer, Option, Output
from core.exports.formatting import misp_types
from core.exports.formatting.choices import TLPS, marking, number
from core.exports.formatting.misp_events import MANIFEST, Events, Feed, name_beside
from core.exports.formatting.row_values import listed
from core.store.snapshot import Row
from core.values.characters import one_line

NAME = "misp-feed"
MEANING = "a feed of MISP: manifest, hashes and events, in a folder of its own"
MEDIA_TYPE = "application/json"
SUFFIX = ".json"
FILE_NAME = MANIFEST
TYPES = misp_types.TYPES
WHOLE_ROWS = True
HASHES, HASHES_TYPE = "hashes.csv", "text/csv; charset=utf-8"
MOST_EVENTS = 256
LONGEST_ORG = 255

OPTIONS = {
    "events": Option("16", f"over how many events the entries are spread, 1 to {MOST_EVENTS}; choose it once"),
    "org": Option("Yeti Exports", "the organisation that made the events"),
    "threat_level": Option("4", "of every event: 1 is high, 2 medium, 3 low, 4 undefined"),
    "tlp": Option("", f"the least marking, one of {', '.join(TLPS)}; empty adds none"),
}
CONSUMERS = (
    Consumer(
        "MISP, feed of the format MISP",
        "an event is read as a whole, and more than some ten thousand attributes in one are slow; the option events "
        "says over how many they are spread",
        "an attribute whose value it does not take is left out, with a line in its log",
        "Sync Actions > Feeds > Add: Source Format MISP Feed, URL https://HOST/exports/FOLDER, which is the file name "
        "without /manifest.json, Headers 'Authorization: Bearer TOKEN' of a consumer, and a job that pulls all feeds",
    ),
    Consumer(
        "PyMISP, and what is built on it",
        "what its memory holds: some 5 KB an attribute",
        "a value that is none is taken as it is: it does not look at values",
        "MISPEvent().load_file(…) of each UUID in https://HOST/exports/FOLDER/manifest.json, fetched with the header "
        "'Authorization: Bearer TOKEN' of a consumer",
        tested_with="pymisp",
    ),
)


def parse(options: Mapping[str, str]) -> Feed:
    """Return the options, understood."""
    org = one_line(options["org"])
    if not 1 <= len(org) <= LONGEST_ORG:
        raise DefinitionError(f"the option org has 1 to {LONGEST_ORG} characters")
    return Feed(
        number(options, "events", 1, MOST_EVENTS),
        org,
        number(options, "threat_level", 1, 4),
        marking(options, "tlp"),
    )


def render(rows: Iterator[list[Row]], out: Output, options: Feed) -> None:
    """Write the feed."""
    manifest, hashes = out.open(name_beside(out, FILE_NAME)), out.open(name_beside(out, HASHES), HASHES_TYPE)
    events = Events(out, options)
    events.delete(out.gone())
    for batch in rows:
        for found in listed(batch, out):
            hashes.write(events.add(found), 0)
    manifest.write(events.end(), 0)
