"""Two files for Postfix: ``NAME-names`` is an access(5) table of names and senders, ``NAME-addresses`` a cidr_table(5).

Each line is a key and the action.  In access tables of smtpd a name is all that is below it, too, as
``parent_domain_matches_subdomains`` has it by default.  Postfix looks addresses of senders up in lower case, so they
are written so, each once.  A sender that would be a comment or two words of a table is refused.

The fewest networks are written: of those with host bits Postfix would skip the rule.  Public suffixes are refused, and
whatever is not canonical.  The empty form is two empty files.

Source: access(5), cidr_table(5), postmap(1).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from core.errors import DefinitionError
from core.exports.formats import Consumer, Finding, Option, Output, OutputFile, Value, Values
from core.exports.formatting import names_and_addresses
from core.exports.formatting.checker import ask
from core.exports.formatting.choices import choice
from core.values import types
from core.values.names import is_hostname

NAME = "postfix"
MEANING = "tables of Postfix: names and senders, and addresses, in two files"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".table"
TYPES = names_and_addresses.TYPES | {types.EMAIL}
MEMORY_BYTES_PER_ENTRY = 192
"""A sender of forty characters or so takes more than a name."""

ALONE = ("OK", "DUNNO")
WITH_TEXT = ("REJECT", "DEFER", "DEFER_IF_REJECT", "DEFER_IF_PERMIT", "DISCARD", "HOLD", "WARN", "INFO")
NEEDING = {
    "BCC": r"[^ @]+@[^ @]+",
    "REDIRECT": r"[^ @]+@[^ @]+",
    "FILTER": "[^ :]+:[^ ]*",
    "PREPEND": "[!-9;-~]+: .+",
}
"""Actions with what stands behind them."""
OPTIONS = {
    "action": Option(
        "REJECT",
        f"what Postfix does, as access(5) has it: {', '.join(ALONE)}; {', '.join(WITH_TEXT)}, and a text if you like; "
        f"{', '.join(NEEDING)} and what they need; a code 4NN or 5NN and a text",
    )
}
CONSUMERS = (
    Consumer(
        "Postfix, access and cidr tables",
        "what the memory of postmap holds, and of each smtpd for the addresses",
        "the line is skipped, with a warning in the log",
        "smtpd_client_restrictions = check_client_access cidr:/etc/postfix/NAME-addresses.table, check_client_access "
        "hash:/etc/postfix/NAME-names.table; smtpd_sender_restrictions = check_sender_access "
        "hash:/etc/postfix/NAME-names.table; a timer fetches both files from https://HOST/exports/ with the header "
        "'Authorization: Bearer TOKEN' of a consumer, does postmap on the names, and postfix reload",
        checker="postmap -q",
    ),
)
NO_KEY = "a mail address that is no key of a table"
_SETTINGS = "compatibility_level = 3.6\ninet_protocols = ipv4\nmyhostname = localhost.localdomain\n"
# One line, and no braces, which are where the key goes.
_is_line = re.compile(r"[A-Za-z0-9][ -z|~]{0,199}(?<! )").fullmatch
_is_local = re.compile(r"(?!#)[a-z0-9!#$%&'*+/=?^_`{|}~.-]+").fullmatch


def parse(options: Mapping[str, str]) -> str:
    """Return the action.

    Raises:
        DefinitionError: It is none that Postfix knows, or more than a line.
    """
    text = options["action"]
    if not _is_line(text):
        raise DefinitionError(f"action is one line of at most 200 characters as in access(5), not {text!r}")
    first, _, rest = text.partition(" ")
    if re.fullmatch("[45][0-9][0-9]", first):
        is_whole = bool(rest.strip())
    else:
        word = choice({"action": first}, "action", (*ALONE, *WITH_TEXT, *NEEDING))
        is_whole = word in WITH_TEXT or not rest
        if word in NEEDING:
            is_whole = bool(re.fullmatch(NEEDING[word], rest))
    if not is_whole:
        raise DefinitionError(
            f"access(5) has no action {text!r}: what stands behind {first} is missing, or too much"
        )
    return text


def render_values(batches: Iterator[Values], out: Output, options: str) -> None:
    """Write the names, the senders and the addresses."""
    files = names_and_addresses.open_both(out)
    line = f"{{0}} {options}\n"
    rest = _without_senders(batches, out, files[0], options)
    names_and_addresses.write_both(rest, out, files, name=line, address=line)


def check(files: Sequence[Path], options: str) -> list[Finding]:
    """Return what ``postmap`` warns of when it reads the tables."""
    found: list[Finding] = []
    with names_and_addresses.beside([*files], "") as folder:
        (folder / "main.cf").write_text(_SETTINGS)
        for key, table in (("a.invalid", "texthash:names"), ("192.0.2.1", "cidr:addresses")):
            kind, _, name = table.partition(":")
            said = ask("postmap", ["-c", folder, "-q", key, f"{kind}:{folder / name}"], folder=folder)
            if said.why_not:
                return said.findings()
            found += said.lines("warning:", "fatal:", "error:")
    return found


def _without_senders(batches: Iterator[Values], out: Output, file: OutputFile, action: str) -> Iterator[Values]:
    """Yield the batches that hold no senders; write those that do."""
    written: set[str] = set()
    for batch in batches:
        if batch.type != types.EMAIL:
            yield batch
            continue
        senders = [sender for value in batch.values if (sender := _sender(value, out))]
        new = [sender for sender in dict.fromkeys(senders) if sender not in written]
        written.update(new)
        file.write("".join([f"{sender} {action}\n" for sender in new]), len(senders))


def _sender(value: str, out: Output) -> str:
    """Return the key of a sender; empty if it is refused."""
    sender = value.lower()
    local, _, domain = sender.rpartition("@")
    if value.isascii() and _is_local(local) and is_hostname(domain) and value.endswith(domain):
        return sender
    out.refuse(Value(types.EMAIL, value), NO_KEY)
    return ""
