"""Signatures that minisign verifies, and keys that it makes; hostile key files."""

import base64
import ctypes
import ctypes.util
import hashlib
import os
import shutil
import subprocess
import sys

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from core.errors import AlreadyExists, ConfigError, ExtraMissing
from core.exports.publishing import minisign_key
from core.exports.publishing.minisign_key import new_key, read_key
from core.exports.publishing.signing import comment, sign

SEED = bytes(range(32))
KEY_ID = bytes(range(100, 108))
needs_minisign = pytest.mark.skipif(
    shutil.which("minisign") is None, reason="minisign is not installed (Debian: apt-get install minisign)"
)


def public_of(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def body_of(seed=SEED, public=None, checksum=None):
    body = KEY_ID + seed + (public or public_of(seed))
    return body + (checksum if checksum is not None else hashlib.blake2b(b"Ed" + body, digest_size=32).digest())


def key_file(path, body=None, *, head=b"Ed\0\0B2" + bytes(48), comment=b"untrusted comment: x\n"):
    """Write the file of a secret key, as minisign has them."""
    path.write_bytes(comment + base64.b64encode(head + (body or body_of())) + b"\n")
    return path


def encrypted(path, password, work, memory_bytes, n, p):
    """Write an encrypted key by a scrypt whose costs are given."""
    salt = bytes(range(32))
    stream = hashlib.scrypt(password, salt=salt, n=n, r=8, p=p, maxmem=1 << 30, dklen=104)
    head = b"EdScB2" + salt + work.to_bytes(8, "little") + memory_bytes.to_bytes(8, "little")
    return key_file(path, bytes(a ^ b for a, b in zip(body_of(), stream, strict=True)), head=head)


def verified(contents, signature, public_text):
    """Check a signature by the letter of the format, and return its trusted comment."""
    public = base64.b64decode(public_text)
    untrusted, line, trusted, last, rest = signature.split(b"\n")
    blob, said = base64.b64decode(line), trusted.removeprefix(b"trusted comment: ")
    assert untrusted.startswith(b"untrusted comment: ")
    assert trusted.startswith(b"trusted comment: ")
    assert (b"", b"Ed", b"ED", public[2:10]) == (rest, public[:2], blob[:2], blob[2:10])
    key = Ed25519PublicKey.from_public_bytes(public[10:])
    key.verify(blob[10:], hashlib.blake2b(contents).digest())
    key.verify(base64.b64decode(last), blob[10:] + said)
    return said.decode()


def minisign(*arguments, typed="", status=0):
    """Run the program itself; what is typed are passwords."""
    done = subprocess.run(
        ["minisign", *map(str, arguments)], input=typed, capture_output=True, text=True, check=False, timeout=120
    )
    assert status == done.returncode, done.stdout + done.stderr
    return done.stdout


# --- signatures -----------------------------------------------------------------------------------------------


@given(st.binary(max_size=300), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_a_signature_is_that_of_the_bytes_and_of_the_comment(contents, said):
    """Any bytes, any line of ASCII; the same give the same signature."""
    key = minisign_key._key(KEY_ID, SEED)

    signature = sign(contents, key, said)

    assert said == verified(contents, signature, key.public_text)
    assert signature == sign(contents, key, said)
    with pytest.raises(InvalidSignature):
        verified(contents + b"\0", signature, key.public_text)
    with pytest.raises(InvalidSignature):
        verified(contents, signature.replace(b"trusted comment: ", b"trusted comment: x", 2), key.public_text)


def test_a_file_is_signed_as_its_bytes_are(tmp_path):
    """Also one that is read in several pieces."""
    key = minisign_key._key(KEY_ID, SEED)
    data = b"198.51.100.7\n" * 200_000
    (tmp_path / "x").write_bytes(data)

    assert sign(data, key, "x") == sign(tmp_path / "x", key, "x")


@pytest.mark.parametrize("said", ["a\nb", "a\rb", "\x1b[2J", "x" * 8_001, "é"])
def test_what_is_no_line_is_no_comment(said):
    """What would break the file's form, or take over a terminal, is refused."""
    with pytest.raises(ValueError, match=r"one line|ascii"):
        sign(b"", minisign_key._key(KEY_ID, SEED), said)


def test_the_comment_says_what_the_file_is():
    """Time, name, export and version; nothing in a name can pass for another field."""
    said = comment(1_790_000_000_999_999, "lists/c2 é.txt", export="мир\t100%", version=7)

    assert "timestamp:1790000000\tfile:lists/c2 %C3%A9.txt\texport:%D0%BC%D0%B8%D1%80%09100%25\tversion:7" == said
    assert "timestamp:1\tfile:SHA256SUMS" == comment(1_000_000, "SHA256SUMS")


# --- keys -----------------------------------------------------------------------------------------------------


def test_a_new_pair_is_for_its_owner_alone(tmp_path):
    """The secret file has mode 600 whatever the umask; what it holds is the key that was returned."""
    before = os.umask(0)
    try:
        key = new_key(tmp_path / "k")
    finally:
        os.umask(before)

    assert (0o600, 0o644) == tuple((tmp_path / name).stat().st_mode & 0o777 for name in ("k", "k.pub"))
    assert key.public_text == read_key(tmp_path / "k").public_text == (tmp_path / "k.pub").read_text().split()[-1]
    assert key.id_text in (tmp_path / "k.pub").read_text()
    assert key.public_text != new_key(tmp_path / "other").public_text


def test_an_id_is_shown_as_a_number():
    """Its least byte is the first; minisign writes no zeros before it."""
    assert "201" == minisign_key._key(b"\x01\x02" + bytes(6), SEED).id_text


@pytest.mark.parametrize("there", ["k", "k.pub"])
def test_a_key_is_never_written_over(tmp_path, there):
    """Neither half, and nothing is left of the other."""
    (tmp_path / there).write_text("mine")

    with pytest.raises(AlreadyExists, match=rf"{there} is there already"):
        new_key(tmp_path / "k")

    assert [there] == [path.name for path in tmp_path.iterdir()]
    assert "mine" == (tmp_path / there).read_text()


def test_a_key_with_zeros_for_its_checksum_is_read(tmp_path):
    """That is how ``minisign -G -W`` leaves it."""
    assert public_of(SEED) == read_key(key_file(tmp_path / "k", body_of(checksum=bytes(32)))).public


def test_an_encrypted_key_is_opened_by_its_password(tmp_path):
    """With the costs that its file states."""
    path = encrypted(tmp_path / "k", "pä ss".encode(), 32_768, 1 << 20, 1_024, 1)

    key = read_key(path, "pä ss")

    assert (KEY_ID, public_of(SEED)) == (key.id, key.public)


def test_a_wrong_password_is_said(tmp_path):
    """And what would be given instead is not."""
    path = encrypted(tmp_path / "k", b"right", 32_768, 1 << 20, 1_024, 1)

    with pytest.raises(ConfigError, match=r"signing_key_password does not open the signing key .*k$"):
        read_key(path, "wrong")
    with pytest.raises(ConfigError, match="is encrypted; name a file with its password in YETI_PUBLISH"):
        read_key(path)


@pytest.mark.parametrize(
    ("work", "memory_bytes"),
    [(0, 0), (32_768, 1 << 20), (32_768, 1 << 24), (524_288, 1 << 24), (1_048_576, 1 << 25), (1 << 20, 1 << 21)],
)
def test_costs_are_reckoned_as_libsodium_does(work, memory_bytes):
    """The library that minisign uses comes to the same bytes, for limits of either kind."""
    name = ctypes.util.find_library("sodium")
    if name is None:
        pytest.skip("libsodium is not installed (it comes with minisign)")
    sodium, out = ctypes.CDLL(name), ctypes.create_string_buffer(104)
    status = sodium.crypto_pwhash_scryptsalsa208sha256(
        out,
        ctypes.c_ulonglong(104),
        b"password",
        ctypes.c_ulonglong(8),
        bytes(32),
        ctypes.c_ulonglong(work),
        ctypes.c_size_t(memory_bytes),
    )
    n, p = minisign_key._scrypt_costs(work, memory_bytes)

    assert 0 == status
    assert out.raw == hashlib.scrypt(b"password", salt=bytes(32), n=n, r=8, p=p, maxmem=1 << 30, dklen=104)


def test_a_key_that_was_exchanged_is_read_anew(tmp_path):
    """A key is opened once, as long as its file is the same."""
    path = key_file(tmp_path / "k")
    first = read_key(path)
    key_file(tmp_path / "new", body_of(seed=bytes(32))).replace(path)

    assert first.public != read_key(path).public
    assert public_of(bytes(32)) == read_key(path).public
    os.utime(key_file(path), ns=(1, 1))  # the same file, with other contents
    assert first.public == read_key(path).public


HOSTILE = {
    "nothing": (b"", "does not begin like one"),
    "a comment alone": (b"untrusted comment: x\n", "another length"),
    "no comment": (base64.b64encode(b"Ed\0\0B2" + bytes(48) + body_of()) + b"\n", "does not begin like one"),
    "noise": (bytes(range(256)) * 4, "does not begin like one"),
    "endless": (b"untrusted comment: " + b"x" * 100_000 + b"\nAAAA\n", "does not begin like one"),
    "no base64": (b"untrusted comment: x\n" + b"!" * 212 + b"\n", "not base64"),
    "no ascii": (b"untrusted comment: x\n" + b"\xff" * 212 + b"\n", "not base64"),
    "two lines": (b"untrusted comment: x\nAAAA\nAAAA\n", "not base64"),
    "short": (b"untrusted comment: x\n" + base64.b64encode(body_of()) + b"\n", "another length"),
    "a public key": (b"untrusted comment: x\n" + base64.b64encode(b"Ed" + bytes(40)) + b"\n", "is a public key"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_key_is_refused_in_words(name, tmp_path):
    """Whatever the file holds, an error of ours says what is wrong with it and not what is in it."""
    data, reason = HOSTILE[name]
    (tmp_path / "k").write_bytes(data)

    with pytest.raises(ConfigError, match=reason) as caught:
        read_key(tmp_path / "k")

    assert str(tmp_path / "k") in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"RSA\0B2" + bytes(48), "of a kind that is not known"),
        (b"EdBKB2" + bytes(48), "of a kind that is not known"),
        (b"Ed\0\0SH" + bytes(48), "of a kind that is not known"),
        (b"EdScB2" + bytes(32) + b"\xff" * 16, "1 GiB of memory or a minute; refused"),
        (
            b"EdScB2" + bytes(32) + (1 << 27).to_bytes(8, "little") + (1 << 31).to_bytes(8, "little"),
            "1 GiB of memory",
        ),
        (b"EdScB2" + bytes(32) + (1 << 40).to_bytes(8, "little") + (1 << 20).to_bytes(8, "little"), "a minute"),
    ],
)
def test_a_key_that_would_keep_us_busy_is_refused(head, reason, tmp_path):
    """An unknown kind, and costs beyond those of minisign, before anything is reckoned."""
    with pytest.raises(ConfigError, match=reason):
        read_key(key_file(tmp_path / "k", head=head), "password")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (body_of(checksum=b"x" * 32), "its checksum is another"),
        (body_of(public=public_of(bytes(32))), "two halves do not belong together"),
        (body_of(public=public_of(bytes(32)), checksum=bytes(32)), "two halves do not belong together"),
    ],
)
def test_a_damaged_key_is_refused(body, reason, tmp_path):
    """A key whose public half is another's would make signatures that give the secret away, or that nobody verifies."""
    with pytest.raises(ConfigError, match=reason):
        read_key(key_file(tmp_path / "k", body))


@given(st.integers(0, 157), st.integers(1, 255))
def test_a_key_is_read_whole_or_refused(tmp_path_factory, position, change):
    """A byte that changed is found, unless it is of the salt or the costs, which a plain key does not use."""
    whole = bytearray(b"Ed\0\0B2" + bytes(48) + body_of())
    whole[position] ^= change
    path = tmp_path_factory.mktemp("key") / "k"
    key_file(path, bytes(whole[54:]), head=bytes(whole[:54]))

    if 6 <= position < 54:
        assert public_of(SEED) == read_key(path).public
    else:
        with pytest.raises(ConfigError):
            read_key(path)


def test_no_message_holds_anything_of_a_key(tmp_path):
    """Neither what is shown of a key, nor what is said of a bad one."""
    secret = base64.b64encode(body_of()).decode()
    path = key_file(tmp_path / "k", body_of(checksum=b"x" * 32))

    with pytest.raises(ConfigError) as caught:
        read_key(path)

    shown = f"{caught.value!r} {minisign_key._key(KEY_ID, SEED)!r} {caught.value.__cause__!r}"
    assert not [piece for piece in (SEED.hex(), str(SEED), secret[20:30]) if piece in shown]


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    """A key that is not there, and one that is a folder."""
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_key(tmp_path / "nothing")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_key(tmp_path)


def test_without_the_library_it_says_what_to_type(tmp_path, monkeypatch):
    """Signing is an extra."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)

    with pytest.raises(ExtraMissing, match=r"publish.signing_key needs .* pip install '\.\[sign\]'"):
        read_key(key_file(tmp_path / "k"))
    with pytest.raises(ExtraMissing):
        new_key(tmp_path / "new")
    assert ["k"] == [path.name for path in tmp_path.iterdir()]


# --- the program itself ---------------------------------------------------------------------------------------


@needs_minisign
@pytest.mark.parametrize("data", [b"", b"198.51.100.7\n", os.urandom(3_000_000)], ids=["empty", "line", "large"])
def test_minisign_verifies_what_we_sign(data, tmp_path):
    """With the file of the public key, and with the key itself; it shows the trusted comment."""
    key = new_key(tmp_path / "k")
    file = tmp_path / "list.txt"
    file.write_bytes(data)
    said = comment(1_790_000_000_000_000, "list.txt", export="мир 100%", version=3)
    (tmp_path / "list.txt.minisig").write_bytes(sign(file, key, said))

    assert f"Trusted comment: {said}\n" in minisign("-V", "-m", file, "-p", tmp_path / "k.pub")
    minisign("-V", "-H", "-m", file, "-P", key.public_text)


@needs_minisign
def test_minisign_refuses_what_was_altered(tmp_path):
    """The file, the comment, or the key."""
    key, other = new_key(tmp_path / "k"), new_key(tmp_path / "other")
    file, signature = tmp_path / "list.txt", tmp_path / "list.txt.minisig"
    file.write_bytes(b"198.51.100.7\n")
    good = sign(file, key, "version:3")
    signature.write_bytes(good)
    minisign("-V", "-m", file, "-P", key.public_text)

    minisign("-V", "-m", file, "-P", other.public_text, status=1)
    signature.write_bytes(good.replace(b"version:3", b"version:4"))
    minisign("-V", "-m", file, "-P", key.public_text, status=1)
    signature.write_bytes(good)
    file.write_bytes(b"198.51.100.8\n")
    minisign("-V", "-m", file, "-P", key.public_text, status=1)


@needs_minisign
def test_we_sign_with_a_key_that_minisign_made(tmp_path):
    """Without a password; both programs show the same public key and id."""
    minisign("-G", "-W", "-s", tmp_path / "k", "-p", tmp_path / "k.pub")
    file = tmp_path / "list.txt"
    file.write_bytes(b"198.51.100.7\n")

    key = read_key(tmp_path / "k")
    (tmp_path / "list.txt.minisig").write_bytes(sign(file, key, "x"))

    assert [key.id_text, key.public_text] == (tmp_path / "k.pub").read_text().split()[-2:]
    minisign("-V", "-m", file, "-p", tmp_path / "k.pub")


@needs_minisign
def test_minisign_signs_with_a_key_that_we_made(tmp_path):
    """A pair of ours is one of minisign's, and its public half can be had again."""
    key = new_key(tmp_path / "k")
    file = tmp_path / "list.txt"
    file.write_bytes(b"198.51.100.7\n")

    minisign("-S", "-s", tmp_path / "k", "-m", file)
    minisign("-R", "-s", tmp_path / "k", "-p", tmp_path / "again.pub")

    minisign("-V", "-m", file, "-p", tmp_path / "k.pub")
    assert key.public_text == (tmp_path / "again.pub").read_text().split()[-1]


@needs_minisign
def test_a_password_that_minisign_gave_opens_the_key(tmp_path):
    """Its own costs: a second or more, and 1 GiB of memory."""
    key = new_key(tmp_path / "k")
    minisign("-C", "-s", tmp_path / "k", typed="pass word\npass word\n")

    with pytest.raises(ConfigError, match="is encrypted"):
        read_key(tmp_path / "k")
    assert key.public_text == read_key(tmp_path / "k", "pass word").public_text
