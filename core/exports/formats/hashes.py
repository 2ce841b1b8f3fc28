"""Hashes of files, one a line, in lower case; the empty form is an empty file.

What is not as long as its algorithm makes it, has a capital, or is the hash of an empty file is refused.

=================== =============================================================== ================================
``device``          line                                                            algorithms
=================== =============================================================== ================================
``generic``         ``HEX``                                                         all, in one file
``fortigate``       ``HEX description``                                             MD5, SHA-1, SHA-256; one a file
``cisco-file-list`` ``HEX,description``, 10,000 lines, for a file called ``….csv``   SHA-256
=================== =============================================================== ================================

``algorithm`` is one of them (the others are refused), *all* in one file, or *split*: ``NAME-md5.txt``,
``NAME-sha1.txt`` and so on, each there even if it is empty.  *auto* is what the device wants: FortiGate is slower with
hashes of several kinds in a list, so that it is given files of their own.

Sources: Fortinet, "Malware hash threat feed" and "External malware block list"; FortiMail, "Types and file formats of
threat feeds"; Cisco, "Source Files for File Lists".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from posixpath import splitext

from core.errors import DefinitionError
from core.exports.formats import Consumer, Option, Output, Value, Values
from core.exports.formatting.choices import choice
from core.exports.formatting.device_limits import ANY, FORTIGATE_HASHES, LimitedFile, LimitedFiles, Limits
from core.exports.formatting.hash_check import NAMES, accepted
from core.values.types import MD5, SHA1, SHA256

NAME = "hashes"
MEANING = "hashes of files, one a line"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".txt"
TYPES = frozenset(NAMES)


@dataclass(frozen=True, slots=True)
class Device:
    """What a device reads.

    Attributes:
        algorithms: Those that it knows.
        takes_several: Whether they may share a list.
        separator: What stands between hash and description; empty is no description.
        most_in_list: So many a list that is uploaded may hold; 0 is no such limit.
        limits: How much it takes of lists that it fetches.
    """

    algorithms: tuple[str, ...] = tuple(NAMES)
    takes_several: bool = True
    separator: str = ""
    most_in_list: int = 0
    limits: Limits = ANY


DEVICES = {
    "generic": Device(),
    "fortigate": Device((MD5, SHA1, SHA256), takes_several=False, separator=" ", limits=FORTIGATE_HASHES),
    "cisco-file-list": Device((SHA256,), separator=",", most_in_list=10_000),
}
OPTIONS = {
    "device": Option("generic", f"what reads it: {', '.join(DEVICES)}"),
    "algorithm": Option("auto", f"which hashes, and in how many files: auto, all, split, {', '.join(NAMES)}"),
    "description": Option(
        "", "for fortigate and cisco-file-list: what stands beside each; empty is the export's name"
    ),
}
_is_description = re.compile(r"[A-Za-z0-9._-]{0,256}").fullmatch
_others = re.compile(r"[^A-Za-z0-9._-]")

CONSUMERS = (
    Consumer(
        "Readers of lines",
        "MD5, SHA-1, SHA-256 and SHA-512, told apart by their length; no comments.",
        "That depends on the reader; there is none in it.",
        "curl -fsS -H 'Authorization: Bearer TOKEN' https://HOST/exports/NAME -o LIST",
    ),
    Consumer(
        "Fortinet FortiGate, malware hash threat feed",
        "131,072 entries or 10 MB before FortiOS 7.4.4; since then files of 32, 64 or 128 MB by model, and Fortinet states "
        "no number of entries; MD5, SHA-1 and SHA-256, slower if they share a list.",
        "A line that is none is left out.",
        "config system external-resource: set type malware, set resource https://HOST/exports/NAME-sha256.txt, set "
        "username ANY, set password TOKEN, set refresh-rate 5 (minutes); the same with sha1 and md5; then set "
        "external-blocklist-enable-all enable in the antivirus profile.",
        options="device=fortigate",
    ),
    Consumer(
        "Cisco FMC and Threat Defense, file list",
        "10,000 SHA-256 in a list, an upload that would make it more is refused; descriptions of 256 characters.",
        "A hash that is none is not uploaded; the others are.",
        "No feed: give the export a file name that ends on .csv and the limit budget-entries=10000, fetch "
        "https://HOST/exports/NAME with a consumer's token, and upload it under Objects > File List > Add by List of SHAs; "
        "delete the file that was uploaded before.",
        options="device=cisco-file-list",
    ),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The options, understood.

    Attributes:
        device: What the device takes.
        algorithms: Which hashes are written.
        is_split: Whether each has a file of its own.
        description: What stands beside each; empty is the name of the export.
    """

    device: Device
    algorithms: tuple[str, ...]
    is_split: bool
    description: str


def parse(options: Mapping[str, str]) -> Plan:
    """Return the options, understood.

    Raises:
        DefinitionError: One of them has no such value, or the device does not take it.
    """
    name = choice(options, "device", DEVICES)
    device, word = DEVICES[name], choice(options, "algorithm", ("auto", "all", "split", *NAMES))
    if word in NAMES and word not in device.algorithms:
        raise DefinitionError(f"{name} takes no {NAMES[word]}; known: {', '.join(device.algorithms)}")
    if word == "all" and not device.takes_several:
        raise DefinitionError(f"{name} takes one algorithm a list: algorithm=split, or one of them")
    description = options["description"].strip()
    if not _is_description(description) or (description and not device.separator):
        raise DefinitionError(
            "description is for fortigate and cisco-file-list, of letters, digits, '.', '_' and '-', 256 at most, not "
            f"{description!r}"
        )
    is_split = word == "split" or (word == "auto" and not device.takes_several)
    return Plan(device, (word,) if word in NAMES else device.algorithms, is_split, description)


def render_values(batches: Iterator[Values], out: Output, options: Plan) -> None:
    """Write the lines."""
    limited, end = LimitedFiles(out, options.device.limits), _end(out, options)
    files = _files(limited, out.file_name, options)
    lines = 0
    for values in batches:
        if values.type not in files:
            _refuse(values, out, options)
        elif texts := accepted(values, out):
            files[values.type].write(end.join(texts) + end, len(texts))
            lines += len(texts)
    limited.finish()
    most = options.device.most_in_list
    if most and lines > most:
        out.note(
            f"{lines:,} lines, and the device takes no more than {most:,}: the limit budget-entries={most} cuts them"
        )


def _files(limited: LimitedFiles, name: str, options: Plan) -> dict[str, LimitedFile]:
    if not options.is_split:
        return dict.fromkeys(options.algorithms, limited.open())
    root, suffix = splitext(name)
    return {type_: limited.open(f"{root}-{type_}{suffix}") for type_ in options.algorithms}


def _end(out: Output, options: Plan) -> str:
    """Return what follows each hash."""
    separator = options.device.separator
    if not separator:
        return "\n"
    return f"{separator}{options.description or _others.sub('_', out.export)[:256] or 'yeti'}\n"


def _refuse(values: Values, out: Output, options: Plan) -> None:
    name = NAMES[values.type]
    is_known = values.type in options.device.algorithms
    reason = f"{name}, which {'the option algorithm leaves out' if is_known else 'the device does not take'}"
    for text in values.values:
        out.refuse(Value(values.type, text), reason)
