"""What a file is by its first bytes. A name proves nothing."""

import zipfile
from pathlib import Path

from core.formats.problems import FileProblem

_JSONL = "Save the examples as JSONL, JSON, CSV or Parquet."
_CSV = "Save the sheet as CSV and add that."
#: (offset, bytes, what it is, what to do)
_KNOWN: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture", _JSONL),
    (0, b"\xff\xd8\xff", "a JPEG picture", _JSONL),
    (0, b"GIF8", "a GIF picture", _JSONL),
    (8, b"WEBP", "a WebP picture", _JSONL),
    (4, b"ftyp", "a video or a picture in an MP4 container", _JSONL),
    (0, b"ID3", "an MP3 sound", _JSONL),
    (8, b"WAVE", "a WAV sound", _JSONL),
    (0, b"OggS", "an Ogg sound", _JSONL),
    (0, b"%PDF-", "a PDF document", "Copy its text into examples and save them as JSONL."),
    (0, b"{\\rtf", "an RTF document", _JSONL),
    (0, b"SQLite format 3\x00", "an SQLite database", "Export the table as CSV or JSON and add that."),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document (xls, doc)", _CSV),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it and add the file inside."),
    (0, b"Rar!\x1a\x07", "a RAR archive", "Unpack it and add the file inside."),
    (0, b"\xfd7zXZ\x00", "a file packed by xz", "Unpack it, or pack it as .gz or .zst."),
    (0, b"BZh", "a file packed by bzip2", "Unpack it, or pack it as .gz or .zst."),
    (257, b"ustar", "a tar archive", "Unpack it and add the file inside."),
    (0, b"ARROW1\x00\x00", "an Arrow (Feather) file", "Save it as Parquet."),
    (0, b"\xff\xff\xff\xff", "an Arrow stream", "Save it as Parquet."),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Save the table as Parquet."),
    (0, b"\x93NUMPY", "a NumPy array", _JSONL),
    (0, b"GGUF", "a GGUF model", "Models are added on the models page."),
    (8, b'{"__metadata__"', "a safetensors model", "Models are added on the models page."),
    (0, b"Obj\x01", "an Avro file", "Save it as Parquet."),
    (0, b"ORC", "an ORC file", "Save it as Parquet."),
    (0, b"\x7fELF", "a program", _JSONL),
    (0, b"MZ\x90", "a program", _JSONL),
)
#: Pickles of protocol 2 to 5 begin so. One is never opened: it can run anything.
_PICKLE = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
_PARQUET = b"PAR1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def is_parquet(head: bytes) -> bool:
    return head.startswith(_PARQUET)


def refuse_other_kinds(head: bytes, path: Path) -> None:
    """Raises FileProblem `not_a_dataset`, naming what the file is."""
    if not head.strip():
        raise FileProblem("empty_file", f"{path.name} is empty. Choose a file with examples.")
    if head.startswith(_ZIP):
        raise _problem(path, *_inside_zip(path))
    if head.startswith(_PICKLE):
        raise _problem(path, "a Python pickle", "It can run any program when opened, so it is not. Save it as JSONL.")
    for offset, magic, what, advice in _KNOWN:
        if head[offset : offset + len(magic)] == magic:
            raise _problem(path, what, advice)
    start = head[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        raise _problem(path, "a web page", "It may be an error page saved instead of the file; download it again.")
    if start.startswith(b"<?xml"):
        raise _problem(path, "an XML file", _JSONL)
    if start.startswith(b"version https://git-lfs"):
        raise _problem(path, "a Git LFS pointer", "Fetch the file itself with git lfs pull.")


def _inside_zip(path: Path) -> tuple[str, str]:
    """Office documents and torch models are zip archives too: by the names inside, which are only listed."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:2000]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        names = []
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook (xlsx)", _CSV
    if any(name.startswith("word/") for name in names):
        return "a Word document (docx)", _JSONL
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch model", "Models are added on the models page."
    if any(name.startswith("conversations") and name.endswith(".json") for name in names):
        return "a zip archive of conversations", "Use “Import from Conversations” for it."
    return "a zip archive", "Unpack it and add the file inside."


def _problem(path: Path, what: str, advice: str) -> FileProblem:
    return FileProblem("not_a_dataset", f"{path.name} is {what}, not a file of examples. {advice}")
