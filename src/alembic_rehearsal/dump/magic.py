"""What a file is, told from its first bytes: names lie."""

from __future__ import annotations

from alembic_rehearsal.errors import DumpError

HEAD = 1024

# Source: https://github.com/file/file/tree/master/magic/Magdir (compress, archive)
_STARTS = {
    b"\x1f\x8b\x08": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PGDMP": "custom",
    b"\xff\xfe": "utf-16",  # what PowerShell's > writes
    b"\xfe\xff": "utf-16",
}

_AGE = "it is encrypted with age"
_PGP = "it is encrypted with OpenPGP"
_OPENSSL = "it is encrypted by openssl enc"
_ENCRYPTED = {
    b"age-encryption.org/v1": _AGE,
    b"-----BEGIN AGE ENCRYPTED FILE": _AGE,
    b"-----BEGIN PGP MESSAGE": _PGP,
    b"Salted__": _OPENSSL,
    b"U2FsdGVkX1": _OPENSSL,
}
_DECRYPT = {
    _AGE: "age --decrypt -i key.txt FILE > dump",
    _PGP: "gpg --decrypt FILE > dump",
    _OPENSSL: "openssl enc -d -aes-256-cbc -pbkdf2 -in FILE -out dump",
}
_OTHERS = {
    b"version https://git-lfs.github.com/spec/": "it is a Git LFS pointer; run: git lfs pull",
    b"SQLite format 3\x00": "it is a SQLite database",
    b"-- MySQL dump": "it is a dump of MySQL",
    b"-- MariaDB dump": "it is a dump of MariaDB",
    b"/*M!": "it is a dump of MariaDB",
    b"<": "it is a web page or XML, perhaps an error page that was downloaded in the dump's place",
    b"{": "it is JSON, perhaps an error answer that was downloaded in the dump's place",
    b"pg_dump: ": "it begins with pg_dump's own messages (2>&1?)",
    b"%PDF": "it is a PDF",
}


def kind(head: bytes) -> str:
    """Return "gzip", "zstd", "lz4", "xz", "bzip2", "zip", "tar", "custom", "utf-16" or "plain".

    Raises:
        DumpError: it is none of them, or encrypted.
    """
    for start, name in _STARTS.items():
        if head.startswith(start):
            return name
    if head[257:262] == b"ustar":
        return "tar"
    _refuse_encrypted(head)
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, what in _OTHERS.items():
        if body.startswith(start):
            raise not_a_dump(what)
    if b"\0" in head:
        raise not_a_dump(f"it is a binary file that begins with the bytes {head[:8].hex(' ')}")
    return "plain"


def not_a_dump(what: str) -> DumpError:
    """Return the error for a file that pg_dump didn't write."""
    return DumpError(
        f"this is not a dump: {what}",
        fix="Give the output of pg_dump in any of its formats, compressed or not.",
    )


def _refuse_encrypted(head: bytes) -> None:
    how = next((how for start, how in _ENCRYPTED.items() if head.startswith(start)), None)
    if how is None and _is_pgp(head):
        how = _PGP
    if how is not None:
        raise DumpError(f"the dump can't be read: {how}", fix=f"Decrypt it first: {_DECRYPT[how]}")


def _is_pgp(head: bytes) -> bool:
    """Tell an OpenPGP message: a session key packet, for a public key (tag 1) or a passphrase (tag 3).

    Source: https://www.rfc-editor.org/rfc/rfc9580#section-4.2 and section 5.1, 5.3
    """
    if len(head) < 8:
        return False
    first = head[0]
    if first & 0xC0 == 0x80:
        tag, version_at = (first >> 2) & 0x0F, 1 + {0: 1, 1: 2, 2: 4}.get(first & 3, 0)
    elif first & 0xC0 == 0xC0:
        tag, version_at = first & 0x3F, 2 if head[1] < 192 else 3
    else:
        return False
    return (tag, head[version_at]) in {(1, 3), (1, 6), (3, 4), (3, 5), (3, 6)}
