"""Key pairs in the files of minisign: read a secret key, make a new pair.

The file is a line of comment and a line of base64::

    "Ed" | how it is encrypted, "Sc" or two zeros | "B2" | salt 32 | opslimit 8 | memlimit 8 | body 104
    body: id of the key 8 | seed 32 | public key 32 | BLAKE2b-256 of "Ed", id, seed and public key

Numbers begin with their least byte.  ``minisign -G -W`` leaves the checksum of a key that is not encrypted at zeros.
An encrypted body is combined (exclusive or) with what scrypt makes of the password.  The public key's file has "Ed",
id and public key.  Source: minisign's manual, and files that it made.

No message quotes anything of a key.
"""

import base64
import binascii
import hashlib
import os
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import AlreadyExists, ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PUBLIC = ".pub"
"""The public half of a new pair is the file of the secret key with this behind its name."""

_ALGORITHM, _SCRYPT, _PLAIN, _CHECKSUM = b"Ed", b"Sc", bytes(2), b"B2"
_HEAD_BYTES, _BODY_BYTES, _PUBLIC_BYTES = 54, 104, 42
_LONGEST_BYTES = 4096
_COMMENT = b"untrusted comment:"
_SCRYPT_R = 8
_MOST_WORK = 1 << 27
_MOST_MEMORY_BYTES = 1 << 30
"""What minisign itself asks for; with a quarter of the work.  More is a file that wants to keep us busy."""


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A key that signs; it shows nothing of itself but its id and its public half.

    Attributes:
        id: Eight bytes that say which key it is.
        public: The public key, 32 bytes.
    """

    id: bytes
    public: bytes
    _private: "Ed25519PrivateKey"

    @property
    def id_text(self) -> str:
        """The id as minisign shows it: a number, without zeros before it."""
        return f"{int.from_bytes(self.id, 'little'):X}"

    @property
    def public_text(self) -> str:
        """The public key as ``minisign -P`` takes it."""
        return base64.b64encode(_ALGORITHM + self.id + self.public).decode()

    def sign(self, data: bytes) -> bytes:
        """Return the signature of *data*, 64 bytes; the same for the same data."""
        return self._private.sign(data)


def read_key(path: Path, password: str = "") -> SigningKey:
    """Return the key in the file *path*; it is opened once as long as the file stays as it is.

    Args:
        path: A secret key as minisign or `new_key` makes it.
        password: What opens it, if it is encrypted.  That takes seconds and up to 1 GiB of memory.

    Raises:
        ConfigError: It cannot be read, is no such key, is damaged, or the password does not open it.
        ExtraMissing: The library that signs is not installed.
    """
    try:
        about = path.stat()
        return _read_key(path, password, (about.st_ino, about.st_mtime_ns, about.st_size))
    except OSError as error:
        raise ConfigError(f"the signing key {path} cannot be read: {error.strerror}") from None


def new_key(path: Path) -> SigningKey:
    """Make a key pair: the secret key, not encrypted, in *path*, for its owner alone; the public key beside it.

    Raises:
        AlreadyExists: One of the two files is there.
        OSError: They cannot be written.
        ExtraMissing: The library that signs is not installed.
    """
    key_id, seed = secrets.token_bytes(8), secrets.token_bytes(32)
    key = _key(key_id, seed)
    body = key_id + seed + key.public
    data = _ALGORITHM + _PLAIN + _CHECKSUM + bytes(48) + body + _checksum(body)
    public = path.with_name(path.name + PUBLIC)
    _write_new(path, f"secret key {key.id_text} of Yeti Exports, not encrypted", base64.b64encode(data), 0o600)
    try:
        _write_new(public, f"minisign public key {key.id_text}", key.public_text.encode(), 0o644)
    except BaseException:
        path.unlink()
        raise
    return key


@lru_cache(maxsize=4)
def _read_key(path: Path, password: str, _state: tuple[int, int, int]) -> SigningKey:
    with path.open("rb") as file:
        data = file.read(_LONGEST_BYTES + 1)
    head, body = _parts(data, path)
    if head[2:4] == _SCRYPT:
        body = _opened(head, body, password, path)
    key_id, seed, public, checksum = body[:8], body[8:40], body[40:72], body[72:]
    is_encrypted = head[2:4] == _SCRYPT
    if checksum != _checksum(body[:72]) and (is_encrypted or any(checksum)):
        if is_encrypted:
            raise ConfigError(f"publish.signing_key_password does not open the signing key {path}")
        raise ConfigError(f"the signing key {path} is damaged: its checksum is another")
    key = _key(key_id, seed)
    if key.public != public:
        raise ConfigError(f"the signing key {path} is damaged: its two halves do not belong together")
    return key


def _parts(data: bytes, path: Path) -> tuple[bytes, bytes]:
    """Return what stands before the body, and the body."""
    comment, _, rest = data.partition(b"\n")
    try:
        if len(data) > _LONGEST_BYTES or not comment.startswith(_COMMENT):
            raise ConfigError(f"{path} is not a secret key of minisign: it does not begin like one")
        decoded = base64.b64decode(rest.strip(), validate=True)
    except binascii.Error:
        raise ConfigError(f"{path} is not a secret key of minisign: its second line is not base64") from None
    if len(decoded) == _PUBLIC_BYTES:
        raise ConfigError(f"{path} is a public key; publish.signing_key is the file of the secret one")
    if len(decoded) != _HEAD_BYTES + _BODY_BYTES:
        raise ConfigError(f"{path} is not a secret key of minisign: it has another length")
    if (decoded[:2], decoded[4:6]) != (_ALGORITHM, _CHECKSUM) or decoded[2:4] not in (_SCRYPT, _PLAIN):
        raise ConfigError(f"{path} is a key of a kind that is not known here; minisign -G makes one that is")
    return decoded[:_HEAD_BYTES], decoded[_HEAD_BYTES:]


def _opened(head: bytes, body: bytes, password: str, path: Path) -> bytes:
    if not password:
        raise ConfigError(
            f"the signing key {path} is encrypted; name a file with its password in "
            "YETI_PUBLISH_SIGNING_KEY_PASSWORD_FILE, or take a key that is not (yetictl key new)"
        )
    work, memory_bytes = int.from_bytes(head[38:46], "little"), int.from_bytes(head[46:54], "little")
    n, p = _scrypt_costs(work, memory_bytes)
    needed_bytes = 128 * _SCRYPT_R * n
    if work > _MOST_WORK or needed_bytes > _MOST_MEMORY_BYTES:
        raise ConfigError(
            f"opening the signing key {path} would take more than 1 GiB of memory or a minute; refused"
        )
    try:
        stream = hashlib.scrypt(
            password.encode(),
            salt=head[6:38],
            n=n,
            r=_SCRYPT_R,
            p=p,
            maxmem=needed_bytes + 128 * _SCRYPT_R * (p + 2) + 1024,
            dklen=_BODY_BYTES,
        )
    except (MemoryError, ValueError):
        raise ConfigError(
            f"the signing key {path} cannot be opened: that takes {needed_bytes >> 20} MiB of memory"
        ) from None
    return bytes(a ^ b for a, b in zip(body, stream, strict=True))


def _scrypt_costs(work: int, memory_bytes: int) -> tuple[int, int]:
    """Return N and p of scrypt for the two limits in a key's file, as libsodium reckons them."""
    work = max(work, 32_768)
    is_short_of_work = work < memory_bytes // 32
    most = work // (_SCRYPT_R * 4) if is_short_of_work else memory_bytes // (_SCRYPT_R * 128)
    power = next(power for power in range(1, 64) if (1 << power) > most // 2)
    if is_short_of_work:
        return 1 << power, 1
    return 1 << power, max(1, min((work // 4) >> power, 0x3FFFFFFF) // _SCRYPT_R)


def _key(key_id: bytes, seed: bytes) -> SigningKey:
    from core.clients.persistient_storage.extras import needed

    ed25519 = needed(
        "cryptography.hazmat.primitives.asymmetric.ed25519", extra="sign", scheme="publish.signing_key"
    )
    private: Ed25519PrivateKey = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    return SigningKey(key_id, private.public_key().public_bytes_raw(), private)


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(_ALGORITHM + body, digest_size=32).digest()


def _write_new(path: Path, comment: str, line: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise AlreadyExists(f"{path} is there already; a key is never written over") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"untrusted comment: " + comment.encode() + b"\n" + line + b"\n")
        file.flush()
        os.fsync(file.fileno())
