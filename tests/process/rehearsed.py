"""`python rehearsed.py <attempt folder>…`: trains each in turn, in one process, so that the imports are paid once."""

import sys
from pathlib import Path

from training.trainer import main

if __name__ == "__main__":
    sys.exit(max(main(Path(folder)) for folder in sys.argv[1:]))
