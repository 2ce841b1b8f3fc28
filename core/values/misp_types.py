"""What the attribute types of MISP are to us.

Three sorts: observables, things that are no observables and are passed over without a word (they describe an
event, or they are data on people), and the rest of the world, which is refused so that nothing vanishes unseen.
"""

from collections.abc import Iterable

from core.values import types

IP = "ip"
"""The kind of an address or a network of either family."""
NAME = "name"
"""The kind of a file name, or of a path where it has directories."""

STIX_PATTERN = "stix2-pattern"
"""Its value is a pattern of STIX 2, read as such."""

_OTHER_HASHES = (
    "authentihash sha224 sha384 sha512/224 sha512/256 sha3-224 sha3-256 sha3-384 sha3-512 pehash impfuzzy cdhash"
    " vhash telfhash"
)
_MAIL_ADDRESSES = "email email-src email-dst email-reply-to whois-registrant-email dns-soa-email"
_OTHER_THINGS = (
    "uri pattern-in-file pattern-in-traffic pattern-in-memory windows-scheduled-task windows-service-name"
    " windows-service-displayname chrome-extension-id hassh-md5 hasshserver-md5 favicon-mmh3 ssh-fingerprint"
    " email-subject email-message-id email-x-mailer jabber-id twitter-id telegram-id github-username"
    " github-repository github-organisation phone-number iban bic bank-account-nr cookie"
)
_NO_OBSERVABLES = (
    "text comment link other datetime date-of-birth port size-in-bytes counter integer float boolean hex"
    " cpe weakness vulnerability malware-type threat-actor campaign-name campaign-id attachment email-body"
    " email-header email-mime-boundary email-thread-index email-src-display-name email-dst-display-name"
    " http-method process-state dkim dkim-signature git-commit-id community-id pgp-public-key pgp-private-"
    " key anonymised gene cortex identity-card-number target-user target-email target-machine target-org"
    " target-location target-external whois-registrant-phone whois-registrant-name whois-registrant-org"
    " whois-registrar whois-creation-date prtn cc-number aba-rtn bin xml eppn first-name middle-name last-"
    " name full-name place-of-birth gender passport-number passport-country passport-expiration redress-"
    " number nationality visa-number issue-date-of-the-visa primary-residence country-of-residence"
    " special-service-request frequent-flyer-number travel-details payment-details place-port-of-original-"
    " embarkation place-port-of-clearance place-port-of-onward-foreign-destination passenger-name-record-"
    " locator-number azure-application-id sql-query"
)

_HASHES = {
    "md5": types.MD5,
    "sha1": types.SHA1,
    "sha256": types.SHA256,
    "sha512": types.SHA512,
    "ssdeep": types.SSDEEP,
    "imphash": types.IMPHASH,
    "tlsh": types.TLSH,
    # No consumer of ours tells these apart by form, so they have no type of their own.
    **dict.fromkeys(_OTHER_HASHES.split(), types.GENERIC),
}

_PLAIN = {
    **_HASHES,
    **dict.fromkeys(("ip-src", "ip-dst"), IP),
    **dict.fromkeys(("domain", "hostname", "onion-address"), types.HOSTNAME),
    "url": types.URL,
    **dict.fromkeys(_MAIL_ADDRESSES.split(), types.EMAIL),
    **dict.fromkeys(("filename", "email-attachment"), NAME),
    "pdb": types.PATH,
    "regkey": types.REGISTRY_KEY,
    "mutex": types.MUTEX,
    "named pipe": types.NAMED_PIPE,
    "user-agent": types.USER_AGENT,
    "AS": types.ASN,
    **dict.fromkeys(("mac-address", "mac-eui-64"), types.MAC_ADDRESS),
    "ja3-fingerprint-md5": types.JA3,
    "jarm-fingerprint": types.JARM,
    **dict.fromkeys(
        ("x509-fingerprint-md5", "x509-fingerprint-sha1", "x509-fingerprint-sha256"), types.CERTIFICATE
    ),
    "mobile-application-id": types.PACKAGE,
    **dict.fromkeys(("btc", "xmr", "dash"), types.WALLET),
    **dict.fromkeys(("yara", "sigma", "snort", "suricata", "zeek", "bro", "kusto-query"), types.RULE),
    **dict.fromkeys(_OTHER_THINGS.split(), types.GENERIC),
}

PARTS: dict[str, tuple[str | None, ...]] = {
    **{name: (kind,) for name, kind in _PLAIN.items()},
    **{f"filename|{name}": (NAME, kind) for name, kind in _HASHES.items()},
    "malware-sample": (NAME, types.MD5),
    "domain|ip": (types.HOSTNAME, IP),
    "ip-src|port": (IP, None),
    "ip-dst|port": (IP, None),
    "hostname|port": (types.HOSTNAME, None),
    # One thing, not two: what stands behind the bar is a value of that key.
    "regkey|value": (types.REGISTRY_KEY,),
}
"""Attribute type -> the kind of each part of its value; ``None`` is a part that is no observable."""

LANGUAGES = {
    "yara": "yara",
    "sigma": "sigma",
    "snort": "snort",
    "suricata": "suricata",
    "zeek": "zeek",
    "bro": "zeek",
    "kusto-query": "kusto",
}
"""Attribute type -> the language of the rule."""

CURRENCIES = frozenset(("btc", "xmr", "dash"))

IGNORED = frozenset(_NO_OBSERVABLES.split())
"""Attribute types that hold no observable: prose, numbers, references, victims, data on people."""

_TYPES: dict[str | None, tuple[str, ...]] = {
    None: (),
    IP: (types.IPV4, types.IPV6, types.CIDR),
    NAME: (types.FILE, types.PATH),
}


def types_of(attributes: Iterable[str]) -> frozenset[str] | None:
    """Return the types of observables that a list for these attribute types is about; ``None`` is all of them.

    No attribute type, or ``ALL``, is all.  A composite one (``domain|ip``) counts only where no other is named: a
    list for ``email-src`` and ``domain|ip`` is one of mail addresses, and a plain domain is none of its business.
    """
    named = [name.strip() for name in attributes if name.strip()]
    if not named or "ALL" in named:
        return None
    plain = [name for name in named if "|" not in name] or named
    kinds = {kind for name in plain for kind in PARTS.get(name, ())}
    return frozenset(type_ for kind in kinds for type_ in _TYPES.get(kind) or ((kind,) if kind else ()))
