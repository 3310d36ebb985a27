"""A file that only grows, a line at a time. Standard library only."""

import errno
import os
from pathlib import Path


class LineWriter:
    """Appends lines, each with one `write`, so a reader never sees two halves mixed. Not for several threads."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    @property
    def size(self) -> int:
        """Bytes."""
        return os.fstat(self._descriptor).st_size

    def append(self, line: bytes) -> None:
        """All of it or nothing: half a line, left by a full disk, would spoil the next one."""
        before, whole = self.size, line + b"\n"
        try:
            if os.write(self._descriptor, whole) < len(whole):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.ftruncate(self._descriptor, before)
            raise

    def close(self) -> None:
        os.fsync(self._descriptor)
        os.close(self._descriptor)
