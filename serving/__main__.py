"""`python -m serving <worker folder>`: one base model in memory, asked through a unix socket in that folder.

It ends with the process that started it: its standard input is a pipe that nobody writes into, and that closes with
the other end.
"""

import logging
import os
import sys
import threading
from pathlib import Path

import psutil

from serving.worker import serve

#: What vLLM has to say good-bye and give its GPU back, which is leased to somebody else as soon as we are gone.
END_S = 4.0
#: Pages answer before we do, and we before a trainer, which has 10.
NICENESS = 5


def end_children() -> None:
    children = psutil.Process().children()
    for child in children:
        child.terminate()
    psutil.wait_procs(children, END_S)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    os.nice(NICENESS)

    def end_with_parent() -> None:
        # Raw: a buffered reader's lock, held by this thread at exit, is a fatal error of the interpreter.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        end_children()
        os._exit(0)

    threading.Thread(target=end_with_parent, name="end with parent", daemon=True).start()
    sys.exit(serve(Path(sys.argv[1])))
