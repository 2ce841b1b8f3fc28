"""A response policy zone: names, and addresses that names resolve to, with what a resolver is to answer.

It has an SOA and an NS record, which are its empty form too, and for each observable a CNAME whose target is the
action.  Owners are relative, so that the zone can have any name; ``zone`` says which, since a name and that of the
zone must not have more than 253 characters together.  A name stands for itself and, unless ``subdomains=no``, with a
wildcard for all below it.

A name below another on the list has no lines of its own then.  More than that it must not have any: a wildcard of DNS
does not reach past a name that exists.  With ``*.a.example`` and ``x.y.a.example`` in a zone, BIND lets ``y.a.example``
and all below it pass, but for ``x.y.a.example``.

A name whose last label begins with ``rpz-`` is refused, since there it would be an order of another kind; so are
public suffixes, host bits, and IPv4 addresses in IPv6 form.

The serial is the second at which a version is published, or one more than the one before, whichever is higher: it
rises with every version, also when the clock goes back.  After 4294967295 it would begin at 1, which is the higher one
to RFC 1982; the clock alone gets there in 2106.

The format knows no allow-list: a name on one is kept off by the export itself.  If it is below one that is listed, an
export with ``action=passthru`` in a zone that stands before this one lets it pass.

Sources: draft-ietf-dnsop-dns-rpz; RFC 1982; RFC 4592, section 2.2.2; the BIND 9 Administrator Reference Manual,
"response-policy".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory

from core.errors import DefinitionError
from core.exports.formats import (
    COUNTER_MARK,
    Consumer,
    Finding,
    NotChecked,
    Option,
    Output,
    Value,
    Values,
    yes_or_no,
)
from core.exports.formatting.checker import MOST_FINDINGS, ask
from core.exports.formatting.choices import choice, number
from core.exports.formatting.name_lines import lines_of, write_outermost
from core.exports.formatting.names import BYTES_PER_NAME, OutermostNames, listed_names
from core.exports.formatting.rpz_check import bad_lines
from core.exports.formatting.rpz_owners import LONGEST, address_owners
from core.values.types import CIDR, HOSTNAME, IPV4, IPV6

NAME = "rpz"
MEANING = "a response policy zone for BIND, PowerDNS Recursor and Unbound"
MEDIA_TYPE = "text/dns"
SUFFIX = ".zone"
TYPES = frozenset({HOSTNAME, IPV4, IPV6, CIDR})
MEMORY_BYTES_PER_ENTRY = BYTES_PER_NAME

ACTIONS = {
    "nxdomain": ".",
    "nodata": "*.",
    "drop": "rpz-drop.",
    "passthru": "rpz-passthru.",
    "tcp-only": "rpz-tcp-only.",
}
LARGEST_SERIAL = 2**32 - 1
LARGEST_TTL_S = 2**31 - 1
LONGEST_NAME = 253
LONGEST_ZONE = LONGEST_NAME - 1 - LONGEST
TOO_LONG = "together with the name of the zone longer than 253 characters"
IS_TRIGGER = "a name that is an order of another kind in a policy zone"
OPTIONS = {
    "action": Option("nxdomain", f"what is answered: {', '.join(ACTIONS)}"),
    "subdomains": Option("yes", "for each name a wildcard for all below it: yes or no"),
    "zone": Option("rpz", "the name that the zone has where it is loaded"),
    "ttl": Option("300", "how many seconds an answer may be kept"),
}
CONSUMERS = (
    Consumer(
        "BIND 9, response-policy",
        "64 policy zones; some 900 bytes of memory for a name with its wildcard",
        "a name that cannot be read: the zone is not loaded and the old one stays; an address with host bits or not in "
        "its one spelling: ignored, mostly with a line in the log",
        'response-policy { zone "rpz"; }; zone "rpz" { type primary; file "yeti.zone"; allow-query { none; }; }; a '
        "timer fetches https://HOST/exports/NAME with the header 'Authorization: Bearer TOKEN' of a consumer, asks "
        "named-checkzone, and does rndc reload rpz",
        checker="named-checkzone",
    ),
    Consumer(
        "PowerDNS Recursor, rpzFile",
        "what its memory holds, some 400 bytes for a name with its wildcard",
        "the process ends when it starts, and a running one keeps the policy that it has; an address with host bits is "
        "the whole network",
        'rpzFile("/etc/powerdns/yeti.zone", {policyName="yeti"}) in lua-config-file; a timer fetches '
        "https://HOST/exports/NAME with the header 'Authorization: Bearer TOKEN' of a consumer and does rec_control "
        "reload-lua-config",
        tested_with="pdns_recursor",
    ),
    Consumer(
        "Unbound, rpz",
        "what its memory holds, some 1,200 bytes for a name with its wildcard",
        "an owner outside of the zone: it does not start, and a running one ends when it is told to reload; an address "
        "that is none: no word, and no effect; an address with host bits is the whole network",
        'module-config: "respip validator iterator" and rpz: name: rpz, zonefile: /var/lib/unbound/yeti.zone; a timer '
        "fetches https://HOST/exports/NAME with the header 'Authorization: Bearer TOKEN' of a consumer and does "
        "unbound-control auth_zone_reload rpz",
        checker="unbound-checkconf",
    ),
)

MOST_UNBOUND_BYTES = 8_000_000
"""Of a zone for unbound-checkconf: it takes fifty times as much of memory."""
_UNBOUND = """server:
  directory: "{folder}"
  chroot: ""
  username: ""
  module-config: "respip iterator"
rpz:
  name: {zone}
  zonefile: "{folder}/zone"
"""
_is_zone = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Policy:
    """The options, understood."""

    target: str
    has_wildcards: bool
    zone: str
    ttl_s: int

    @property
    def pattern(self) -> str:
        """The records of a name, which stands where it has ``{0}``."""
        record = f"{{0}} CNAME {self.target}\n"
        return record + (f"*.{record}" if self.has_wildcards else "")

    @property
    def longest_name(self) -> int:
        """How many characters a name may have."""
        return LONGEST_NAME - len(f".{self.zone}") - (len("*.") if self.has_wildcards else 0)

    @property
    def head(self) -> str:
        """What a zone begins with."""
        times = f"3600 600 604800 {self.ttl_s}"
        return f"$TTL {self.ttl_s}\n@ IN SOA localhost. hostmaster.localhost. {COUNTER_MARK} {times}\n@ IN NS localhost.\n"


def parse(options: Mapping[str, str]) -> Policy:
    """Return the options, understood."""
    zone = options["zone"].strip().lower().removesuffix(".")
    if not _is_zone(zone) or len(zone) > LONGEST_ZONE:
        raise DefinitionError(
            f"the option zone is a domain name of at most {LONGEST_ZONE} characters, not {options['zone']!r}"
        )
    return Policy(
        ACTIONS[choice(options, "action", ACTIONS)],
        yes_or_no(options, "subdomains"),
        zone,
        number(options, "ttl", 0, LARGEST_TTL_S),
    )


def render_values(batches: Iterator[Values], out: Output, options: Policy) -> None:
    """Write the zone."""
    file = out.open()
    file.write(options.head, 0)
    outermost, text_of = OutermostNames(), lines_of(options.pattern)
    for batch in batches:
        if batch.type != HOSTNAME:
            owners = address_owners(batch, out)
            file.write("".join([f"{owner} CNAME {options.target}\n" for owner in owners]), len(owners))
            continue
        names = _fitting(listed_names(batch, out), out, options)
        if options.has_wildcards:
            outermost.add(names)
        else:
            file.write(text_of(names), len(names))
    write_outermost(outermost, file, out, options.pattern)


def _fitting(names: list[str], out: Output, options: Policy) -> list[str]:
    """Return the names that can be owners in the zone; refuse the others."""
    longest, text = options.longest_name, "\n".join([*names, ""])
    if ".rpz-" not in text and re.fullmatch(rf"(?:.{{1,{longest}}}+\n)*+", text):
        return names
    fitting = []
    for name in names:
        if len(name) > longest:
            out.refuse(Value(HOSTNAME, name), TOO_LONG)
        elif name.rpartition(".")[2].startswith("rpz-"):
            out.refuse(Value(HOSTNAME, name), IS_TRIGGER)
        else:
            fitting.append(name)
    return fitting


def next_counter(last: int | None, instant: int) -> int:
    """Return the serial of the next version: that of the clock where it is higher, by RFC 1982, else one more."""
    seconds = instant // 1_000_000
    if last is None:
        return min(max(seconds, 1), LARGEST_SERIAL)
    if last < seconds <= min(LARGEST_SERIAL, last + 2**31 - 1):
        return seconds
    return last + 1 if last < LARGEST_SERIAL else 1


def check(files: Sequence[Path], options: Policy) -> list[Finding]:
    """Return what a strict look at each line, ``named-checkzone`` and ``unbound-checkconf`` find wrong."""
    found: list[Finding] = [*bad_lines(files[0], options.head, options.target, options.zone, MOST_FINDINGS)]
    with TemporaryDirectory(dir=files[0].parent) as name:
        folder = Path(name)
        with files[0].open("rb") as finished, (folder / "zone").open("wb") as copied:
            # The serial is not known before a version is published; its mark stands at the head of the zone.
            head = finished.read(len(options.head.encode()))
            copied.write(head.replace(COUNTER_MARK.encode(), b"1"))
            copyfileobj(finished, copied)
        # Names outside of the zone are not looked up: that would leave this machine.
        words = ["-i", "none", "-k", "ignore", options.zone, "zone"]
        said = ask("named-checkzone", words, folder=folder)
        # Such a line is a warning to BIND, and the end to Unbound.
        found += said.findings() or said.lines("ignoring out-of-zone data")
        found += _asked_of_unbound(folder, options.zone)
    return found


def _asked_of_unbound(folder: Path, zone: str) -> list[Finding]:
    if (folder / "zone").stat().st_size > MOST_UNBOUND_BYTES:
        what = f"a file of more than {MOST_UNBOUND_BYTES:,} bytes"
        return [NotChecked(f"unbound-checkconf would take too much memory for {what}")]
    (folder / "unbound.conf").write_text(_UNBOUND.format(folder=folder.absolute(), zone=zone), "utf-8")
    return ask("unbound-checkconf", ["unbound.conf"], folder=folder).findings("error:")
