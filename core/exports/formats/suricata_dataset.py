"""Lists for Suricata that are looked up at once, however long they are, with the rules that load them.

The set is ``NAME.rules`` and, beside it, a list of each kind; all go to one folder.

======== ================================ =========================================================================
kind     a line of the list               looked up
======== ================================ =========================================================================
hostname base64 of the name               the name that is asked for, in lower case, in the protocols of ``protocols``
ip       an address                       source and destination of packets, one alert a minute for two addresses
ja3      base64 of the fingerprint        ``ja3.hash`` and ``ja3s.hash``
md5      the hash                         files that are transferred; so are sha1 and sha256
======== ================================ =========================================================================

A name is itself and nothing below it: datasets know no more than whether something is in them.  Networks have no place
in one (see ``suricata-iprep``).  A list may be empty; of hashes it has no rule then, since Suricata refuses one that
loads nothing.  Suricata 7.0.10 works one kind of hash out for a file, md5 before sha1 before sha256, whichever rules
there are, unless its configuration says ``force-hash: [md5, sha1, sha256]``.

The rules say how large a list becomes, which loads it ten times as fast: ``hashsize``, at most 65536, beyond which
Suricata 8 refuses it, and ``memcap``.  The names of datasets are those of their files, so that two exports need two file
names.  Sids are those of the format ``suricata``.

Sources: the Suricata User Guide 7.0, "Datasets", "File Keywords" and "Thresholding Keywords".
"""

import re
from binascii import b2a_base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from posixpath import basename, splitext

from core.errors import RenderError
from core.exports.formats import Consumer, Finding, Option, Output, OutputFile, Value, Values
from core.exports.formatting import suricata_check
from core.exports.formatting.addresses import accepted
from core.exports.formatting.choices import choices
from core.exports.formatting.hash_check import accepted as accepted_hashes
from core.exports.formatting.names import listed_names
from core.exports.formatting.suricata_rules import OPTIONS as RULE_OPTIONS
from core.exports.formatting.suricata_rules import (
    PROTOCOLS,
    PROTOCOLS_OPTION,
    RuleOptions,
    list_rules,
    parse_protocols,
    parse_rule_options,
)
from core.values.types import HOSTNAME, IPV4, IPV6, JA3, MD5, SHA1, SHA256

NAME = "suricata-dataset"
MEANING = "datasets and lists of file hashes for Suricata, with the rules that load them"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".rules"
TYPES = frozenset({HOSTNAME, IPV4, IPV6, JA3, MD5, SHA1, SHA256})
IP = "ip"
KINDS = (HOSTNAME, IP, JA3, MD5, SHA1, SHA256)
SMALLEST_HASHSIZE, LARGEST_HASHSIZE = 1_024, 65_536
SMALLEST_MEMCAP_MIB = 64
BYTES_PER_ENTRY = 256
"""What is allowed for; it takes some hundred."""
NO_LIST = "of a kind that the option lists leaves out"
OPTIONS = RULE_OPTIONS | {
    "lists": Option(",".join(KINDS), "which lists there are"),
    "protocols": PROTOCOLS_OPTION,
}
CONSUMERS = (
    Consumer(
        "Suricata, datasets",
        "what its memory holds, some 150 bytes an entry; a million names load in 7 s; a name stands for itself alone; a "
        "file is hashed if it is no longer than response-body-limit (100 kB as it is delivered) and "
        "stream.reassembly.depth (1 MB); Suricata 7",
        "the line is left out with a warning in the log, of hashes without a word; suricata -T, with which updates are "
        "mostly tried, refuses it all, but for hashes",
        "rule-files: [/var/lib/suricata/rules/yeti.rules] in suricata.yaml; a timer fetches all files of the set from "
        "https://HOST/exports/ with the header 'Authorization: Bearer TOKEN' of a consumer into that folder, asks "
        "suricata -T, and does suricatasc -c ruleset-reload-nonblocking; for more than one kind of hash, force-hash: [md5, "
        "sha1, sha256] below files of eve-log",
        checker="suricata -T",
    ),
)
_BUFFERS = {"dns": "dns.query", "tls": "tls.sni", "http": "http.host", "quic": "quic.sni"}
_ONCE = "threshold:type limit, track by_both, count 1, seconds 60;"
_is_root = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,47}").fullmatch
_LOADED = re.compile(r"(?:load |file(?:md5|sha1|sha256):)([A-Za-z0-9_.-]+)")


@dataclass(frozen=True, slots=True)
class Lists:
    """The options, understood."""

    rule: RuleOptions
    kinds: Sequence[str]
    protocols: Sequence[str]


def parse(options: Mapping[str, str]) -> Lists:
    """Return the options, understood."""
    return Lists(parse_rule_options(options), choices(options, "lists", KINDS), parse_protocols(options))


def render_values(batches: Iterator[Values], out: Output, options: Lists) -> None:
    """Write the lists, and the rules that load them."""
    root = splitext(out.file_name)[0]
    if not _is_root(basename(root)):
        raise RenderError(
            f"the file name {out.file_name} cannot stand in a rule: 48 letters, digits and _.- at most, please"
        )
    rules = out.open()
    files = {kind: out.open(f"{root}-{kind}.lst") for kind in options.kinds}
    counts = dict.fromkeys(options.kinds, 0)
    for batch in batches:
        kind = IP if batch.type in (IPV4, IPV6) else batch.type
        if kind in counts:
            counts[kind] += _write(kind, batch, files[kind], out)
        else:
            for value in batch.values:
                out.refuse(Value(batch.type, value), NO_LIST)
    for kind, count in counts.items():
        if count or kind not in (MD5, SHA1, SHA256):
            bodies = _rules(kind, f"{basename(root)}-{kind}", count, options)
            rules.write(list_rules(options.rule, out, kind, bodies), 0)


def check(files: Sequence[Path], options: Lists) -> list[Finding]:
    """Return what Suricata finds wrong."""
    rules, *lists = files
    named = {name.rpartition("-")[2]: name for name in _LOADED.findall(rules.read_text("utf-8"))}
    paths = dict(zip(options.kinds, lists, strict=True))
    return suricata_check.findings(
        rules, {named[f"{kind}.lst"]: path for kind, path in paths.items() if f"{kind}.lst" in named}
    )


def _write(kind: str, batch: Values, file: OutputFile, out: Output) -> int:
    if kind == HOSTNAME:
        values = listed_names(batch, out)
    elif kind == IP:
        values = accepted(batch, out).texts
    else:
        values = accepted_hashes(batch, out)
    lines = _base64_lines(values) if kind in (HOSTNAME, JA3) else "".join([f"{value}\n" for value in values])
    file.write(lines, len(values))
    return len(values)


def _base64_lines(values: Sequence[str]) -> str:
    """Return a line of base64 for each value; `b2a_base64` ends each with a line feed that is no part of the value."""
    return b"".join(map(b2a_base64, map(str.encode, values))).decode()


def _rules(kind: str, name: str, count: int, options: Lists) -> dict[int, str]:
    """Return which of the rules of a list -> body."""
    body = options.rule.body
    if kind in (MD5, SHA1, SHA256):
        return {0: body("ip any any -> any any", f"file by {kind.upper()}", f"file{kind}:{name}.lst;")}
    size = 1 << max(count - 1, 0).bit_length()
    hashsize = min(max(size, SMALLEST_HASHSIZE), LARGEST_HASHSIZE)
    memcap = max(size * BYTES_PER_ENTRY >> 20, SMALLEST_MEMCAP_MIB)
    type_ = "ip" if kind == IP else "string"
    look_up = f"dataset:isset,{name},type {type_},load {name}.lst,hashsize {hashsize},memcap {memcap}mb;"
    if kind == IP:
        return {
            slot: body("ip any any -> any any", f"address, {word}", f"ip.{short}; {look_up} {_ONCE}")
            for slot, (short, word) in enumerate((("src", "source"), ("dst", "destination")))
        }
    if kind == JA3:
        return {
            slot: body("tls any any -> any any", word, f"{buffer}; {look_up}")
            for slot, (word, buffer) in enumerate((("JA3", "ja3.hash"), ("JA3S", "ja3s.hash")))
        }
    return {
        PROTOCOLS.index(word): body(
            f"{word} any any -> any any",
            f"name in {word.upper()}",
            f"{_BUFFERS[word]}; to_lowercase; {look_up}",
        )
        for word in options.protocols
    }
