"""`python -P serving/vllm_child.py COMMAND…`: runs it, and leaves none of its processes behind.

vLLM computes in a process of its own (EngineCore), which a server that was killed cannot end. This one collects what
lost its parent. The end of its standard input is a killed worker's: everything ends at once. On SIGTERM vLLM is asked
first. It ends as vLLM did, by the same code or signal.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

import psutil

#: For vLLM's own good-bye: it takes away what it keeps in /dev/shm.
GRACE_S = 2.0
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None, use_errno=True)


def main(command: Sequence[str]) -> int:
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # From the main thread: the kernel's signal comes when the thread ends that started it.
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),
    )
    signal.signal(signal.SIGTERM, lambda *_: ask_to_end(child))
    threading.Thread(target=end_with_parent, name="end with parent", daemon=True).start()
    code = child.wait()
    kill_all()
    return code


def ask_to_end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    threading.Timer(GRACE_S, kill_all).start()


def end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    kill_all()
    os._exit(1)


def kill_all() -> None:
    """Until nobody is left: who is killed may have started somebody a moment before."""
    while left := [one for one in psutil.Process().children(recursive=True) if one.status() != psutil.STATUS_ZOMBIE]:
        for one in left:
            one.kill()
        psutil.wait_procs(left, timeout=1)


def end_like(code: int) -> int:
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(end_like(main(sys.argv[1:])))
