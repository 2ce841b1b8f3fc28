"""What a value of unknown type is taken for."""

import pytest

from core.values.detect import detect


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("192.0.2.1", ("ipv4", "192.0.2.1")),
        ("192.0.2[.]1", ("ipv4", "192.0.2.1")),
        ("::ffff:192.0.2.1", ("ipv4", "192.0.2.1")),
        ("2001:DB8::1", ("ipv6", "2001:db8::1")),
        ("192.0.2.9/24", ("cidr", "192.0.2.0/24")),
        ("192.0.2.9/32", ("ipv4", "192.0.2.9")),
        ("2001:db8::9/128", ("ipv6", "2001:db8::9")),
        ("Evil.Example.COM", ("hostname", "evil.example.com")),
        ("evil(dot)example(dot)org", ("hostname", "evil.example.org")),
        ("shop.co.za", ("hostname", "shop.co.za")),
        ("abcdefghij234567.onion", ("hostname", "abcdefghij234567.onion")),
        ("c2.bazar", ("hostname", "c2.bazar")),
        ("bücher.example", ("hostname", "xn--bcher-kva.example")),
        ("hxxps://evil[.]example/A", ("url", "https://evil.example/A")),
        ("hxxp://evil.example/a", ("url", "http://evil.example/a")),
        ("hXXps://192.0.2.1/a", ("url", "https://192.0.2.1/a")),
        ("fxp://evil.example/a", ("url", "ftp://evil.example/a")),
        ("https://evil.example/[.]well-known/x", ("url", "https://evil.example/.well-known/x")),
        ("3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C", ("ssdeep", "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C")),
        ("evil.example/gate.php", ("url", "http://evil.example/gate.php")),
        ("someone[at]evil.example", ("email", "someone@evil.example")),
        ("d41d8cd98f00b204e9800998ecf8427e", ("md5", "d41d8cd98f00b204e9800998ecf8427e")),
        ("A" * 40, ("sha1", "a" * 40)),
        ("b" * 64, ("sha256", "b" * 64)),
        ("c" * 128, ("sha512", "c" * 128)),
        ("T1" + "AB" * 35, ("tlsh", "T1" + "AB" * 35)),
        ("e" * 62, ("jarm", "e" * 62)),
        ("invoice.exe", ("file", "invoice.exe")),
        ("notes.txt", ("file", "notes.txt")),
        (r"C:\Windows\x.dll", ("path", r"C:\Windows\x.dll")),
        (r"%APPDATA%\x\y", ("path", r"%APPDATA%\x\y")),
        ("/private/var/tmp/hooker", ("path", "/private/var/tmp/hooker")),
        (r"HKLM\Software\Run\x", ("registry_key", r"HKLM\Software\Run\x")),
        (r"\\.\pipe\evil", ("named_pipe", r"\\.\pipe\evil")),
        ("AS64496", ("asn", "AS64496")),
        ("00:00:5e:00:53:01", ("mac_address", "00:00:5e:00:53:01")),
        ("pkg:npm/left-pad@1.0", ("package", "pkg:npm/left-pad@1.0")),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", ("wallet", "btc:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")),
        ("Mozilla/5.0 (X11; evil)", ("user_agent", "Mozilla/5.0 (X11; evil)")),
    ],
)
def test_a_value_tells_its_type(text, found):
    """Addresses, names, URLs, hashes and the rest are known by their form, defanged or not."""
    assert found == detect(text)
    assert found == detect(found[1])


@pytest.mark.parametrize(
    "text",
    ["", "aardvark", "and/or", "e.g.", "v1.2.3", "3.14", "10/12/2017", "1.2.3.4.5", "300.1.1.1", "192.0.2.1:443",
     "192.0.2.0/33", "file name.exe", "C91.196.152.28", "/w00tw00t.at.ISC.SANS.DFind:)", "amazing.lab", "..com",
     "http://", "http://exa mple.com/", "76DAB334-7E17-475D-A5D6-0794EB5818A5", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
     ".htaccess", "12:34:56", "24:00:00", "80:12345678:443", "x" * 40_000],
)  # fmt: skip
def test_a_word_is_no_value(text):
    """Words, numbers, dates, prose and names without a real top level yield nothing."""
    assert detect(text) is None
