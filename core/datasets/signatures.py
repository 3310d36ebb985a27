"""What a file is, by its first bytes: a picture is refused before it is stored. Names and suffixes prove nothing."""

#: How many of the first bytes are looked at.
LOOKED_AT = 512

#: Files that people take for a dataset, by how they begin.
_FOREIGN = (
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a sound, a film or a picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive or an Office document"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"SQLite format 3", "an SQLite database"),
    (b"GGUF", "a model (GGUF)"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)
_CONTAINERS = (b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # Parquet, gzip, zstd
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # the byte order marks of UTF-16 and UTF-32


def foreign(head: bytes) -> str:
    """What it is where it cannot be a dataset ("a PNG picture"); empty where it may be one."""
    if head.startswith(_CONTAINERS) or head.startswith(_WIDE):
        return ""
    for magic, name in _FOREIGN:
        if head.startswith(magic) and not (magic == b"MZ" and b"\0" not in head):
            return name
    return "" if _may_be_text(head) else "no text"


def _may_be_text(head: bytes) -> bool:
    """UTF-16 without a mark has a zero in every second byte; other text has none, and few control characters."""
    zeros = head.count(0)
    if zeros:
        return 0.3 < zeros / len(head) < 0.6
    return sum(byte < 9 or 13 < byte < 32 for byte in head) <= len(head) // 20
