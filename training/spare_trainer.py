"""The spare's trainer: `python -m training.spare_trainer`. Imports everything, computes nothing, and waits on stdin.

It says on stdout that it is ready, is told the attempt, says that it is that attempt's trainer now, and begins when it
is told so. Whenever its supervisor is gone before that, so is it.
"""

import importlib
import json
import logging
import os
import sys
from pathlib import Path

from storage.process import FOLDER_VARIABLE, TOKEN_VARIABLE, log_name
from storage.spare import assume
from training.environment import trainer_environment
from training.spare import GO, READY
from training.supervisor import trainer_module


def main() -> int:
    answers = os.dup(1)
    os.dup2(2, 1)  # an import may print
    if trainer_module() == "training.trainer":
        importlib.import_module("training.sft")
    os.write(answers, READY)
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        return 0
    attempt = become(json.loads(line))
    os.write(answers, READY)
    os.close(answers)
    if sys.stdin.buffer.readline() != GO:
        return 0
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return int(importlib.import_module(trainer_module()).main(attempt))


def become(order: dict[str, object]) -> Path:
    """The attempt's trainer in the eyes of all who look: its token, its environment, its log files."""
    attempt, told = Path(str(order["attempt"])), dict(order["environment"])
    assume({name: told[name] for name in (TOKEN_VARIABLE, FOLDER_VARIABLE)})
    spec = json.loads((attempt.parents[1] / "spec.json").read_bytes())
    os.environ.update(told)
    os.environ.update(trainer_environment(spec["compute"], ["cpu"]))
    for number, stream in ((1, "stdout"), (2, "stderr")):
        with (attempt / log_name(stream)).open("ab") as log:
            os.dup2(log.fileno(), number)
    return attempt


if __name__ == "__main__":
    sys.exit(main())
