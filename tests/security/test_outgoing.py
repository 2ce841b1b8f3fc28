"""Fetching a file by a URL: from where, how much, how long, and what is said when it does not work."""

import datetime
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from web import Handler, Web, serving

from core.api.outgoing import Rules, fetch
from core.api.outgoing_proxy import Proxies
from core.errors import RefusedValue, TooLarge, UnreadableFile, YetiError

LOOPBACK = (ip_network("127.0.0.1/32"),)
RULES = Rules(allowed=LOOPBACK, most_bytes=1 << 20, deadline_s=10)


def here(host: str, port: int) -> list[str]:
    """Every name is this machine."""
    return ["127.0.0.1"]


@pytest.fixture
def web() -> Iterator[Web]:
    """A server on loopback, which is allowed."""
    with serving() as web:
        yield web


@pytest.fixture
def get(tmp_path: Path) -> Callable[..., bytes]:
    """Fetch a URL and return the content."""

    def got(url: str, rules: Rules = RULES, resolve: Callable[[str, int], list[str]] = here) -> bytes:
        fetch(url, tmp_path / "file", rules, resolve)
        return (tmp_path / "file").read_bytes()

    return got


def test_file_is_fetched(web: Web, tmp_path: Path) -> None:
    """Whole, with its name, and nothing is sent along but what a fetch needs."""
    web.answers["/lists/a%20b.txt"] = lambda ask: ask.send(200, b"198.51.100.1\r\n")

    name = fetch(web.url("/lists/a%20b.txt?day=1"), tmp_path / "file", RULES, here)

    assert ("a b.txt", b"198.51.100.1\r\n") == (name, (tmp_path / "file").read_bytes())
    ((path, headers),) = web.asked
    assert "/lists/a%20b.txt?day=1" == path
    assert {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"} == {*headers}
    assert f"feeds.example:{web.port}" == headers["Host"]


@pytest.mark.parametrize("chunked", [True, False])
def test_file_whose_length_is_not_said_is_fetched(web: Web, get: Callable[..., bytes], chunked: bool) -> None:
    """In chunks, or up to the end of the connection."""

    def answer(ask: Handler) -> None:
        if chunked:
            ask.send(200, b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", content_length="", transfer_encoding="chunked")
        else:
            ask.send(200, b"abcde", content_length="")

    web.answers["/"] = answer

    assert b"abcde" == get(web.url("/"))


def test_redirects_are_followed(web: Web, get: Callable[..., bytes]) -> None:
    """Five of them; the sixth is one too many."""
    for number in range(6):
        web.answers[f"/{number}"] = lambda ask, to=number + 1: ask.send(302, location=f"/{to}")
    web.answers["/6"] = lambda ask: ask.send(200, b"there")

    assert b"there" == get(web.url("/1"))
    with pytest.raises(RefusedValue, match="more than 5 times"):
        get(web.url("/0"))


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://10.0.0.1/",
        "http://127.0.0.2/",
        "http://localhost.internal/",
        "file:///etc/passwd",
        "http://user:pw@feeds.example/",
        "http://2852039166/",
        "//127.0.0.2/",
    ],
)
def test_every_redirect_is_checked(web: Web, get: Callable[..., bytes], target: str) -> None:
    """A server outside cannot lead where nobody may be sent to."""
    web.answers["/"] = lambda ask: ask.send(302, location=target)

    def resolve(host: str, port: int) -> list[str]:
        return {"feeds.example": ["127.0.0.1"], "localhost.internal": ["127.0.0.2"]}.get(host, [host])

    with pytest.raises(RefusedValue):
        get(web.url("/"), resolve=resolve)
    assert 1 == len(web.asked)


def test_name_is_resolved_once(get: Callable[..., bytes]) -> None:
    """A name server that answers otherwise the second time leads nowhere: what was checked is connected to."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    with serving("127.0.0.1") as good, serving("127.0.0.2") as inner:
        good.answers["/"] = lambda ask: ask.send(200, b"good")
        inner.answers["/"] = lambda ask: ask.send(200, b"inner")

        assert b"good" == get(good.url("/"), resolve=lambda host, port: next(answers))
        with pytest.raises(RefusedValue):
            get(inner.url("/"), resolve=lambda host, port: next(answers))
        assert [] == inner.asked


def test_nothing_is_reached_that_is_not_allowed(get: Callable[..., bytes]) -> None:
    """By default not this machine, by its name, its address, or one that somebody's name server gives."""
    with serving() as web:
        plain = replace(RULES, allowed=())
        for host in ("localhost", "127.0.0.1", "[::ffff:127.0.0.1]"):
            with pytest.raises(RefusedValue, match="has no address that may be fetched from"):
                fetch(web.url("/", host), Path("/dev/null"), plain)
        with pytest.raises(RefusedValue):
            get(web.url("/"), plain)

        assert [] == web.asked


def test_failures_read_alike(web: Web, get: Callable[..., bytes]) -> None:
    """A port that nobody listens on, one that hangs up, and one that speaks something else cannot be told apart."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        unused = free.getsockname()[1]
    web.answers["/hangs-up"] = lambda ask: ask.wfile.write(b"")
    web.answers["/not-http"] = lambda ask: ask.wfile.write(b"SSH-2.0-OpenSSH\r\n")
    web.answers["/short"] = lambda ask: ask.send(200, b"abc", content_length="10")
    said = set()
    for url in (
        f"http://feeds.example:{unused}/",
        *map(web.url, ("/hangs-up", "/not-http", "/short")),
        web.url("/", scheme="https"),
    ):
        with pytest.raises(UnreadableFile) as caught:
            get(url)
        said.add(str(caught.value))

    assert {"feeds.example did not send the file, or not all of it in time"} == said


def test_file_that_is_too_large_is_not_read(web: Web, get: Callable[..., bytes], tmp_path: Path) -> None:
    """By what is said of its length, before a byte; otherwise at the bound."""
    web.answers["/said"] = lambda ask: ask.send(200, b"", content_length=str(5 << 30))

    def endless(ask: Handler) -> None:
        ask.send(200, content_length="")
        while True:
            ask.wfile.write(b"198.51.100.1\n" * 1_000)

    web.answers["/endless"] = endless

    for path in ("/said", "/endless"):
        with pytest.raises(TooLarge, match=r"more than 1 MiB \(api.max_upload_mib\)"):
            get(web.url(path))
    assert (tmp_path / "file").stat().st_size <= RULES.most_bytes


def test_compressed_answers_are_refused(web: Web, get: Callable[..., bytes]) -> None:
    """None was asked for; a megabyte of it may be a gigabyte."""
    bomb = gzip.compress(b"0" * (10 << 20))
    web.answers["/"] = lambda ask: ask.send(200, bomb, content_encoding="gzip")

    with pytest.raises(UnreadableFile, match="sends the file compressed"):
        get(web.url("/"))


@pytest.mark.parametrize("part", ["header", "body", "silence"])
def test_server_that_takes_its_time_is_left(web: Web, get: Callable[..., bytes], part: str) -> None:
    """However little it sends however often, in the header or behind it."""
    done = threading.Event()

    def answer(ask: Handler) -> None:
        if part == "body":
            ask.send(200, content_length="")
        while not done.wait(0.05):
            if part != "silence":
                ask.wfile.write(b"HTTP/1.1 200 OK and so on "[:1])

    web.answers["/"] = answer
    began = time.monotonic()
    with pytest.raises(UnreadableFile, match="in time"):
        get(web.url("/"), replace(RULES, deadline_s=0.5))
    took_s = time.monotonic() - began
    done.set()

    assert took_s < 3


@pytest.mark.parametrize("status", [204, 206, 304, 401, 404, 500])
def test_only_a_whole_file_counts(web: Web, get: Callable[..., bytes], status: int) -> None:
    """Any other status is said."""
    web.answers["/"] = lambda ask: ask.send(status, content_length="0")

    with pytest.raises(UnreadableFile, match=f"status {status}"):
        get(web.url("/"))


@pytest.mark.parametrize("header", ["a" * 70_000, "x\r\n" + "b: c\r\n" * 200])
def test_headers_are_bounded(web: Web, get: Callable[..., bytes], header: str) -> None:
    """One that is too long, and too many of them, are an answer that is none."""
    web.answers["/"] = lambda ask: ask.send(200, b"x", x_long=header)

    with pytest.raises(UnreadableFile):
        get(web.url("/"))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a file with a key and a certificate of ``feeds.example``, and one with what vouches for it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "feeds.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("feeds.example")]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "server.pem").write_bytes(private + made)
    (folder / "trusted.pem").write_bytes(made)
    return folder / "server.pem", folder / "trusted.pem"


def test_certificate_is_that_of_the_name(get: Callable[..., bytes], certificates: tuple[Path, Path]) -> None:
    """Though an address is connected to; one for another name, and one that nobody vouches for, are refused."""
    trusting = replace(RULES, certificates=str(certificates[1]))
    with serving(certificate=certificates[0]) as web:
        web.answers["/"] = lambda ask: ask.send(200, b"safe")
        web.answers["/down"] = lambda ask: ask.send(302, location="http://feeds.example/")

        assert b"safe" == get(web.url("/", scheme="https"), trusting)
        for url, rules in (
            (web.url("/", "other.example", "https"), trusting),
            (web.url("/", scheme="https"), RULES),
        ):
            with pytest.raises(UnreadableFile, match="has no certificate that is trusted here"):
                get(url, rules)
        with pytest.raises(RefusedValue, match="from https to http"):
            get(web.url("/down", scheme="https"), trusting)


def test_proxy_is_asked_where_there_is_one(web: Web, get: Callable[..., bytes]) -> None:
    """It resolves names; addresses are judged here all the same, and what it is not for goes past it."""
    web.answers["http://feeds.example/a"] = lambda ask: ask.send(200, b"by proxy")
    web.answers["/b"] = lambda ask: ask.send(200, b"past it")
    proxies = Proxies({"http": f"http://me:s%40crt@127.0.0.1:{web.port}", "no": "past.example"})
    rules = replace(RULES, proxies=proxies)

    def nothing(host: str, port: int) -> list[str]:
        raise OSError

    assert b"by proxy" == get("http://feeds.example/a", rules, nothing)
    assert "Basic bWU6c0BjcnQ=" == web.asked[0][1]["Proxy-Authorization"]
    with pytest.raises(RefusedValue):
        get("http://169.254.169.254/a", rules)
    assert b"past it" == get(web.url("/b", "www.past.example"), rules)
    assert "Proxy-Authorization" not in web.asked[-1][1]


@pytest.mark.parametrize(
    "host",
    ["metadata.google.internal", "METADATA.google.internal.", "instance-data", "localhost", "x.localhost"],
)
def test_proxy_is_not_asked_for_what_hands_out_credentials(web: Web, get: Callable[..., bytes], host: str) -> None:
    """A proxy inside a cloud would resolve it, and send what it finds there."""
    rules = replace(RULES, proxies=Proxies({"http": f"http://127.0.0.1:{web.port}"}))

    def nothing(host: str, port: int) -> list[str]:
        raise OSError

    with pytest.raises(RefusedValue):
        get(f"http://{host}/computeMetadata/v1/", rules, nothing)
    with pytest.raises(RefusedValue):
        get("http://innocent.example/", rules, lambda host, port: ["169.254.169.254"])
    assert [] == web.asked


def test_proxy_gives_a_way_to_what_is_secure(get: Callable[..., bytes]) -> None:
    """It is asked for the name; what goes through is not for it to read."""
    asked = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with closing(connection):
                asked.append(connection.recv(1_000))
                connection.sendall(b"HTTP/1.1 403 no\r\n\r\n")

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        proxies = Proxies({"https": f"127.0.0.1:{listener.getsockname()[1]}"})
        with pytest.raises(YetiError, match="did not send the file"):
            get("https://feeds.example/secret-path", replace(RULES, proxies=proxies))
        thread.join(10)

    assert asked[0].startswith(b"CONNECT feeds.example:443 HTTP/1.")
    assert b"secret-path" not in asked[0]
