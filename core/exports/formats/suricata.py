"""Rules for Suricata, one or a few for each observable, with sids that stay; the empty form is an empty file.

========= =============================================================================================================
addresses one rule in both directions; Suricata tells it once for each direction of a flow
names     a rule each for DNS, TLS and HTTP, and for QUIC if ``protocols`` says so.  With a dot before (``dotprefix``) and
          nothing behind (``endswith``), the name and all below it match, and neither ``notbad.example`` nor
          ``bad.example.org`` does.  ``subdomains=no`` is the name alone.
URLs      host and port as the header ``Host`` has them, and the target, whole
JA3       a rule each for ``ja3.hash`` and ``ja3s.hash``: the value does not say which it is
========= =============================================================================================================

A target is compared with ``http.uri``, which is the same where a proxy is asked.  One that ``http.uri`` would have
decoded or shortened (``%``, ``+``, ``//``, ``/.``) is compared with ``http.uri.raw``, which a proxy's clients fill with the
whole URL.  Upper case in a header ``Host`` with a port stays upper case in ``http.host`` of Suricata 7.0.10, hence
``to_lowercase``; a dot at the end of the header is not seen past.  URLs of https are refused unless ``https=yes``: on
the wire they cannot be read, but where traffic is decrypted before it is looked at.

A number for each observable is kept in the store, and ``sid`` + 8 · (number - 1) is its first sid, the next ones those
of its other rules.  ``rev`` rises when the text of the rules changes.  Alerts carry the observable in their message, of
a URL the host.  The default of ``sid`` is beyond what others have been given, and leaves room for 143 million observables
below 2147483647, beyond which some databases of alerts cannot keep them.

Hashes of files are not here: see ``suricata-dataset``, which also takes large lists better, as does
``suricata-iprep``.

Source: the Suricata User Guide 7.0, "Suricata Rules".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import RefusedValue
from core.exports.formats import Consumer, Finding, Option, Output, Value, Values, yes_or_no
from core.exports.formatting import suricata_check
from core.exports.formatting.addresses import accepted
from core.exports.formatting.hash_check import accepted as accepted_hashes
from core.exports.formatting.names import listed_names
from core.exports.formatting.suricata_rules import OPTIONS as RULE_OPTIONS
from core.exports.formatting.suricata_rules import (
    PROTOCOLS,
    PROTOCOLS_OPTION,
    RuleOptions,
    content,
    parse_protocols,
    parse_rule_options,
    revision_of,
    rule_lines,
)
from core.exports.formatting.url_requests import Request, request
from core.values.types import CIDR, HOSTNAME, IPV4, IPV6, JA3, URL

NAME = "suricata"
MEANING = "rules for Suricata, with sids that stay"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".rules"
TYPES = frozenset({IPV4, IPV6, CIDR, HOSTNAME, URL, JA3})
LONGEST_CONTENT = 4_000
HTTPS = "of https, which cannot be read on the wire; https=yes is for traffic that is decrypted"
TOO_LONG = "longer than a content can be: 4,000 characters as a rule has them"
OPTIONS = RULE_OPTIONS | {
    "protocols": PROTOCOLS_OPTION,
    "subdomains": Option("yes", "whether a name stands for all below it: yes or no"),
    "https": Option("no", "rules for URLs of https, too, for traffic that is decrypted: yes or no"),
}
CONSUMERS = (
    Consumer(
        "Suricata, rule files",
        "some ten thousand observables: 10,000 names, which are 30,000 rules, take half a minute to load, and 100,000 "
        "rules for addresses 5 GB of memory; Suricata 7",
        "the rule is skipped with an error in the log; suricata -T, with which updates are mostly tried, refuses the "
        "whole file",
        "rule-files: [/var/lib/suricata/rules/yeti.rules] in suricata.yaml; a timer fetches https://HOST/exports/NAME "
        "with the header 'Authorization: Bearer TOKEN' of a consumer, asks suricata -T -S, and does suricatasc -c "
        "ruleset-reload-nonblocking; or suricata-update add-source yeti https://HOST/exports/NAME --http-header "
        "'Authorization: Bearer TOKEN'",
        checker="suricata -T",
    ),
)
_BUFFERS = {
    # keyword, transformations and modifiers; http.host refuses nocase, and is not always in lower case
    "dns": ("dns.query;", "nocase; "),
    "tls": ("tls.sni;", "nocase; "),
    "http": ("http.host; to_lowercase;", ""),
    "quic": ("quic.sni;", "nocase; "),
}
_is_as_sent = re.compile(r"(?!/[^?]*(?://|/\.))[^%+\\]*").fullmatch
"""Targets of which Suricata's ``http.uri`` is what was sent."""
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_is_usual_url = re.compile(
    rf"http://(?=[^/]{{4,253}}+/)((?:{_LABEL}\.)++[a-z]{{2,63}}+)((?!/[^?]*(?://|/\.))(?=.{{1,2000}}+\Z)/[!$&-*,-9<-\[\]-{{}}~]*)"
).fullmatch
"""URLs that need neither a second look nor an escape, as most are: host and target."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The options, understood."""

    rule: RuleOptions
    protocols: Sequence[str]
    has_subdomains: bool
    takes_https: bool


def parse(options: Mapping[str, str]) -> Rules:
    """Return the options, understood."""
    return Rules(
        parse_rule_options(options),
        parse_protocols(options),
        yes_or_no(options, "subdomains"),
        yes_or_no(options, "https"),
    )


def render_values(batches: Iterator[Values], out: Output, options: Rules) -> None:
    """Write the rules."""
    file = out.open()
    makers = {HOSTNAME: _of_names, URL: _of_urls, JA3: _of_ja3}
    for batch in batches:
        texts, rules = makers.get(batch.type, _of_addresses)(batch, out, options)
        file.write(*rule_lines(options.rule, out, texts, rules))


def check(files: Sequence[Path], options: Rules) -> list[Finding]:
    """Return what Suricata finds wrong."""
    return suricata_check.findings(files[0])


_Made = tuple[list[tuple[Value, str]], dict[int, list[str]]]
"""Observables with the text that has a revision, and the bodies of their rules; see `rule_lines`."""


def _of_addresses(batch: Values, out: Output, options: Rules) -> _Made:
    template = options.rule.body("ip any any <> {0} any", "address {0}", "")
    return _filled(batch.type, accepted(batch, out).texts, {0: template}, [template])


def _of_names(batch: Values, out: Output, options: Rules) -> _Made:
    templates = [_name_template(protocol, options) for protocol in PROTOCOLS]
    wanted = {slot: templates[slot] for slot, word in enumerate(PROTOCOLS) if word in options.protocols}
    return _filled(batch.type, listed_names(batch, out), wanted, templates)


def _name_template(protocol: str, options: Rules) -> str:
    keyword, modifiers = _BUFFERS[protocol]
    match = f'{keyword} content:"{{0}}"; {modifiers}startswith; endswith;'
    if options.has_subdomains:
        match = f'{keyword} dotprefix; content:".{{0}}"; {modifiers}endswith;'
    return options.rule.body(f"{protocol} any any -> any any", f"name {{0}} in {protocol.upper()}", match)


def _of_ja3(batch: Values, out: Output, options: Rules) -> _Made:
    templates = [
        options.rule.body(
            "tls any any -> any any", f"{word} {{0}}", f'{buffer}; content:"{{0}}"; startswith; endswith;'
        )
        for word, buffer in (("JA3", "ja3.hash"), ("JA3S", "ja3s.hash"))
    ]
    return _filled(batch.type, accepted_hashes(batch, out), dict(enumerate(templates)), templates)


def _of_urls(batch: Values, out: Output, options: Rules) -> _Made:
    templates = {word: _url_template(word, options) for word in ("http.uri", "http.uri.raw")}
    revision = revision_of([*templates.values()])
    first, second, third, fourth = templates["http.uri"].split("\0")
    texts, bodies = [], []
    for value in batch.values:
        if usual := _is_usual_url(value):
            host, target = usual.groups()
            body = f"{first}{host}{second}{host}{third}{target}{fourth}"
        else:
            try:
                body = _url_body(request(value), templates, options)
            except RefusedValue as error:
                out.refuse(Value(batch.type, value), str(error))
                continue
        texts.append((Value(batch.type, value), revision))
        bodies.append(body)
    return texts, {0: bodies}


def _url_template(buffer: str, options: Rules) -> str:
    """Return the body of a rule in which a zero byte stands for host, place and target in turn."""
    match = (
        f'http.host.raw; content:"\0"; nocase; startswith; endswith; {buffer}; content:"\0"; startswith; endswith;'
    )
    return options.rule.body("http any any -> any any", "URL on \0", match)


def _url_body(found: Request, templates: Mapping[str, str], options: Rules) -> str:
    if found.scheme == "https" and not options.takes_https:
        raise RefusedValue(HTTPS)
    target = content(found.target)
    if len(target) > LONGEST_CONTENT:
        raise RefusedValue(TOO_LONG)
    template = templates["http.uri" if _is_as_sent(found.target) else "http.uri.raw"]
    first, second, third, fourth = template.split("\0")
    return f"{first}{found.host.strip('[]')}{second}{content(found.place)}{third}{target}{fourth}"


def _filled(type_: str, values: Sequence[str], templates: Mapping[int, str], every: Sequence[str]) -> _Made:
    """Return the rules that *templates* make of canonical values.

    The revision goes by *every* template that there is for the type, whether or not it is asked for.
    """
    revision = revision_of(every)
    rules = {slot: _fill(template, values) for slot, template in templates.items()}
    return [(Value(type_, value), revision) for value in values], rules


def _fill(template: str, values: Sequence[str]) -> list[str]:
    before, middle, after = template.split("{0}")
    return [f"{before}{value}{middle}{value}{after}" for value in values]
