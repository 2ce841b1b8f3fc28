"""Values that break careless formats, and harmless ones of every type; documentation ranges where there are some."""

from core.values import types

GOOD: dict[str, tuple[str, ...]] = {
    types.IPV4: ("192.0.2.1", "192.0.2.77", "198.51.100.7", "203.0.113.255"),
    types.IPV6: ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::", "2001:db8:ffff::2"),
    types.CIDR: ("192.0.2.128/25", "198.51.100.0/30", "2001:db8:5::/48", "2001:db8:6::/64"),
    types.HOSTNAME: (
        "bad.example",
        "www.evil.example",
        "a-b.c2.example",
        "xn--bcher-kva.example",
        "_dmarc.mail.example",
    ),
    types.URL: (
        "http://bad.example/",
        "https://www.evil.example/a/b.php?x=1&y=%20z",
        "http://198.51.100.7:8080/gate",
        "http://a.example/Path/With/Case",
    ),
    types.EMAIL: ("phisher@bad.example", "a.b+c@mail.evil.example"),
    types.MD5: ("d41d8cd98f00b204e9800998ecf84271", "00000000000000000000000000000abc"),
    types.SHA1: ("da39a3ee5e6b4b0d3255bfef95601890afd80701", "0123456789abcdef0123456789abcdef01234567"),
    types.SHA256: ("01" * 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b801"),
    types.SHA512: ("02" * 64, "ab" * 64),
    types.SSDEEP: (
        "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C",
        "24:Ol9rFBzwjx5ZKvBF+bi8RuM4Pp6rG5Yg+q8wIXhMC:qrFBzKx5s8sM4grq8wIXht",
    ),
    types.IMPHASH: ("f34d5f2d4577ed6d9ceec516c1f5a744",),
    types.TLSH: ("T1" + "0A" * 35,),
    types.JA3: ("e7d705a3286e19ea42f587b344ee6865",),
    types.JARM: ("07d14d16d21d21d07c42d41d00041d24a458a375eef0c576d23a7bab9a9fb1",),
    types.FILE: ("invoice.exe", "rechnung 2026.pdf.scr"),
    types.PATH: ("C:\\Windows\\Temp\\a.exe", "/var/lib/.x/run"),
    types.REGISTRY_KEY: ("HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\Evil",),
    types.MUTEX: ("Global\\{8761ABBD-7F85-42EE-B272-A76179687C63}",),
    types.NAMED_PIPE: ("\\\\.\\pipe\\msagent_61",),
    types.USER_AGENT: ("Mozilla/5.0 (Windows NT 6.1; evil)",),
    types.ASN: ("AS64496",),
    types.MAC_ADDRESS: ("00:00:5e:00:53:01",),
    types.CERTIFICATE: ("03" * 20,),
    types.WALLET: ("btc:1BoatSLRHtKNngkdXEeobR76b53LETtpyT",),
    types.PACKAGE: ("pkg:npm/evil-package@1.0.0",),
    types.RULE: ('rule a { strings: $a = "evil" condition: $a }',),
    types.GENERIC: ("whatever it was", "täglich"),
}
"""For every type a few values that every format which takes the type must be able to write."""

LONG_LABEL = "a" * 300
LONG_NAME = ".".join(["a" * 63] * 4)

TEXTS: tuple[str, ...] = (
    # separators and quotes
    'a"b.example', "a'b.example", "a`b.example", "a,b.example", "a;b.example", "a|b.example", "a\tb.example",
    "a b.example", " a.example", "a.example ", "a:b.example", "a\\b.example", "a\\", '"', "'", '""', "a{b}.example",
    "a/b.example", "a&b<c>.example", "${IFS}.example", "$(reboot).example", "%s%n.example", "a%00b.example",
    # line breaks and control characters
    "a.example\nb.example", "a.example\r\nb.example", "a.example\rb.example", "\na.example", "a.example\n",
    "a.example\u2028b.example", "a.example\x85b.example", "a\x00b.example", "a\x1b[31m.example", "a\x7f.example",
    # beginnings that mean something: formulas, comments, directives, negation, regular expressions
    "=HYPERLINK(1).example", "+1.example", "-1.example", "@SUM(1).example", "#a.example", "a#b.example", "!a.example",
    ";a.example", "//a.example", "$ORIGIN com.", "@", "(a.example", "~a.example", "^a.example", "include /etc/passwd",
    # wildcards and breadth
    "*", "#", ".", "*.example", "a.*.example", "*.com", "com", "", "a..example", ".a.example", "a.example.",
    "0.0.0.0/0", "::/0", "0.0.0.0", "::", "localhost",  # noqa: S104
    # addresses that are not what they look like
    "::ffff:192.0.2.9", "::ffff:c000:209", "010.0.0.1", "192.0.2.256", "192.0.2", "3232235521", "0x7f000001",
    "192.0.2.1/24", "192.0.2.1/32", "2001:db8::1/64", "fe80::1%eth0", "[2001:db8::9]", "192.0.2.0-192.0.2.9",
    "192.0.2.0/33", "192.0.2.0/255.255.255.0", "2001:DB8::A", "2001:0db8::a",
    # names that are too long, or not in A-labels
    f"{LONG_LABEL}.example", f"{LONG_NAME}.example", "bücher.example", "пример.example", "BAD.example", "xn--.example",
    "a_b.example", "-a.example", "a-.example", "1.2.3.4.example", "a.example:80",
    # URLs
    "http://a.example/a b", "http://a.example/\n", "http://user:secret@a.example/", "http://a.example/#fragment",
    "http://[2001:db8::9]/x", "http://a.example:0/", "ftp://a.example/x", "javascript:alert(1)", "a.example/path",
    "http://a.example/" + "a" * 3_000, "http://a.example/ü", "HTTP://A.EXAMPLE/", "http://a.example/*", "http://*/",
    "http://a.example/?q=a,b;c|d\"e'f", "http://a.example", "https://a.example",
    # hashes
    "0" * 31, "0" * 32, "0" * 33, "g" * 32, "ABCDEF0123456789ABCDEF0123456789", "0" * 40, "0" * 64, "0" * 128,
)  # fmt: skip
"""Given to a format as values of each type that it takes; nothing of ours would keep most of them, but a format
must not rely on that."""

RELATED: tuple[tuple[str, str], ...] = (
    (types.HOSTNAME, "family.example"),
    (types.HOSTNAME, "child.family.example"),
    (types.HOSTNAME, "grand.child.family.example"),
    (types.HOSTNAME, "notfamily.example"),
    (types.CIDR, "198.51.100.0/24"),
    (types.CIDR, "198.51.100.64/26"),
    (types.IPV4, "198.51.100.65"),
    (types.IPV4, "198.51.101.1"),
    (types.CIDR, "2001:db8:7::/48"),
    (types.CIDR, "2001:db8:7:1::/64"),
    (types.IPV6, "2001:db8:7:1::5"),
    (types.URL, "http://twice.example/x"),
    (types.URL, "https://twice.example/x"),
    (types.URL, "http://twice.example:80/x"),
)
"""Parents and children, networks within each other, and values that may become one when a format drops a part."""
