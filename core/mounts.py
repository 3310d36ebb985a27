"""What kind of file system a folder lies on: SQLite's log and our lock need one that this machine has for itself."""

import os
import re
from pathlib import Path

#: Reached over a network, or shared with another system that caches on its own.
NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "davfs", "drvfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
     "nfs4", "ocfs2", "orangefs", "smb2", "smb3", "smbfs",
     "fuse.ceph-fuse", "fuse.curlftpfs", "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs",
     "fuse.sshfs"}
)  # fmt: skip
#: Set to 1 by who takes the risk.
ALLOW_VARIABLE = "TUNESMITH_ALLOW_NETWORK_FOLDER"
TABLE = Path("/proc/self/mountinfo")


def network_filesystem(folder: Path, table: Path = TABLE) -> str:
    """Its name (“nfs4”) where the folder lies on one; empty where it does not, or where nobody can tell."""
    try:
        lines = table.read_text().splitlines()
    except OSError:
        return ""
    folder = folder.resolve()
    mounts = [mount for line in lines if (mount := _mount(line)) and folder.is_relative_to(mount[0])]
    # The innermost counts; of two on the same folder the later, which hides the other.
    kind = max(enumerate(mounts), key=lambda each: (len(each[1][0].parts), each[0]), default=(0, (Path(), "")))[1][1]
    return kind if kind in NETWORK else ""


def is_allowed() -> bool:
    return os.environ.get(ALLOW_VARIABLE) == "1"


def _mount(line: str) -> tuple[Path, str] | None:
    """Where it is mounted, and its kind: the fifth field, and the first after the lone dash."""
    before, dash, after = line.partition(" - ")
    fields = before.split()
    if not dash or len(fields) < 5 or not after.split():
        return None
    unescaped = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
    return Path(unescaped), after.split()[0]
