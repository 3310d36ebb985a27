"""`python -m training <attempt folder>`: one attempt at a run, in a process of its own."""

import sys
from pathlib import Path

from training.supervisor import supervise

if __name__ == "__main__":
    sys.exit(supervise(Path(sys.argv[1])))
