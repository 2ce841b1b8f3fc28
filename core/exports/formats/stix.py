"""A STIX 2.1 bundle of indicators, one a line; the empty form is a bundle without objects.

An indicator has the observable as its pattern, and the same id in every export and for ever: a UUID of version 5, where
the standard would rather have random ones.  Labels are the tags of the assertions that are fresh.  Its type is the
worst kind, its confidence the highest, and ``valid_until`` the latest end of those that let it onto the list, since any
one of them suffices.  With ``--any-freshness`` that is the end which a source states, also where it is past; if nothing
was known before, the indicator begins a millisecond earlier.  Its marking is the strictest that any of them has, in TLP
2.0; ``tlp`` marks what would be marked less, or not at all.  The marking definitions are those that everybody knows,
and are not sent along.

``modified`` rises with what is known of the observable, with each assertion that begins or ends, and with each time
that a source says the same again and so moves the end.  It does not rise where somebody sets other lifetimes, or other
options of the export.

What was withdrawn stays in the bundle as ``revoked``, for as long as it is remembered.  That is for ever: if it comes
back to the list it is another indicator, with another id.

A network matches what lies in it (``ISSUBSET``); ``networks=equal`` is for consumers that know nothing but ``=``.
Registry keys have the whole name of their hive, and one without a hive is refused, as is whatever is not in the
canonical form of its type.  Paths, pipes, wallets, packages, JA3 and JARM cannot be said by a pattern.

The id of the bundle follows from its contents, which is why it stands at their end.

Source: STIX Version 2.1, OASIS Standard, sections 2.9, 3.2, 3.6, 4.6, 4.7, 8 and 9.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256

from core.errors import DefinitionError
from core.exports import stix_objects
from core.exports.formats import Consumer, Option, Output, OutputFile, yes_or_no
from core.exports.formatting.choices import TLPS, choice, marking
from core.exports.formatting.stix_indicators import Bundle, Indicators, expressible
from core.exports.stable_ids import stable_uuid
from core.exports.stix_objects import NETWORK_OPERATORS
from core.store.snapshot import Row
from core.values.characters import one_line

NAME = "stix"
MEANING = "a bundle of STIX 2.1 indicators"
MEDIA_TYPE = stix_objects.MEDIA_TYPE
SUFFIX = ".json"
TYPES = stix_objects.TYPES
COUNTED_ROWS = True
LONGEST_IDENTITY = 200

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
        "pages of at most 1,000 indicators, each as the bundle has it, of an export of another format as it would with "
        "default options; what was withdrawn is not there any more, nor is the creator",
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
    revoked_at = {(item.type, item.value): item.since for item in withdrawn}
    objects = Indicators(out.instant, options, revoked_at)
    writer = _Writer(out.open())
    if options.identity:
        writer.add([objects.identity], 0)
    for batch in rows:
        for found in expressible(batch, out):
            texts = objects.texts(found)
            writer.add(texts, len(texts))
    writer.add(list(objects.revoked(withdrawn)), 0)
    writer.end()


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
