"""What a job will take, told before it starts and compared with what came; what came corrects the next estimate."""

import json
import logging
import os
import platform
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from core.datasets.tokens import TokenCounts
from core.estimate.calibration import Calibration, calibrate
from core.estimate.ladder import Rung, ladder
from core.estimate.outlook import Outlook, look_ahead
from core.estimate.traffic import Counted
from core.hardware import Hardware
from core.history import History
from core.home import Home
from storage import prediction
from storage.files import bytes_of, write_atomic
from storage.prediction import Comparison, Measured, Prediction, Setting
from storage.run_folder import RunFolder
from storage.spec import RunSpec

#: Under the data folder: one line a finished run, newest last. Only a shortcut: the run folders hold the same.
LEDGER = "calibration.jsonl"
MOST_KEPT = 300

log = logging.getLogger(__name__)


class Predictions:
    """All methods may block: not for the event loop."""

    def __init__(self, home: Home, tokens: TokenCounts) -> None:
        self._home = home
        self._tokens = tokens
        self._lock = threading.Lock()

    def of(self, run: RunSpec, machine: Hardware) -> tuple[Outlook, tuple[Rung, ...]]:
        """The outlook, and what would make the run fit where it does not."""
        counted, calibration = self._counted(run), self._calibration(run, machine)
        outlook = look_ahead(run, machine, counted, calibration)
        return outlook, ladder(run, outlook, machine, counted, calibration)

    def free_disk_bytes(self) -> int:
        return shutil.disk_usage(self._home.path).free

    def keep(self, folder: RunFolder, run: RunSpec, outlook: Outlook, machine: Hardware) -> None:
        """Beside the spec, before the first attempt."""
        peak = outlook.memory.peak_bytes(run.compute)
        foretold = Prediction(
            setting=setting_of(run, machine),
            needed_bytes=outlook.memory_bytes,
            peak_memory_bytes=int(peak * outlook.calibration.memory),
            formula_peak_memory_bytes=peak,
            tokens_per_second=outlook.tokens_per_second,
            formula_tokens_per_second=outlook.starting_tokens_per_second,
            seconds=outlook.seconds,
            disk_bytes=outlook.disk_bytes,
            runs=outlook.calibration.runs,
        )
        prediction.write(folder.path, foretold)

    def compare(self, folder: RunFolder, history: History) -> None:
        """After the end of a run that finished its work: what came goes beside what was foretold."""
        came = measured_of(folder, history)
        foretold = prediction.predicted(folder.path)
        if came is None or prediction.measured(folder.path):  # told before, by a server that ended in between
            return
        try:
            prediction.write(folder.path, came)
            if foretold:
                self._enter(prediction.compare(foretold, came))
        except OSError as error:
            log.warning("What the run %s took was not kept: %s", folder.job_id, error)

    def told(self, job_id: str) -> tuple[Prediction | None, Measured | None]:
        """What was foretold of a job, and what came; None for what there is not, or not yet."""
        folder = self._home.runs / job_id
        return prediction.predicted(folder), prediction.measured(folder)

    def _counted(self, run: RunSpec) -> Counted | None:
        """Where somebody has looked at the dataset in this model's tokens."""
        known = self._tokens.of(run.dataset, run.model, run.hyperparameters.max_context_length).known()
        return Counted(tokens=known.tokens, learned=known.learned, longest=known.max) if known else None

    def _calibration(self, run: RunSpec, machine: Hardware) -> Calibration:
        return calibrate(setting_of(run, machine), self.comparisons())

    def comparisons(self) -> list[Comparison]:
        """Of the newest runs, oldest first."""
        with self._lock:
            ledger = self._home.path / LEDGER
            if not ledger.exists():
                found = list(_from_folders(self._home.runs))[-MOST_KEPT:]
                self._write(found)
                return found
            return list(_entries(ledger))

    def _enter(self, comparison: Comparison) -> None:
        with self._lock:
            ledger = self._home.path / LEDGER
            known = [*_entries(ledger), comparison] if ledger.exists() else list(_from_folders(self._home.runs))
            self._write(known[-MOST_KEPT:])

    def _write(self, comparisons: list[Comparison]) -> None:
        lines = "".join(each.model_dump_json() + "\n" for each in comparisons)
        write_atomic(self._home.path / LEDGER, lines.encode())


def setting_of(run: RunSpec, machine: Hardware) -> Setting:
    gpu = machine.gpus[0].name if run.compute.device == "cuda" and machine.gpus else ""
    compute = run.compute
    marks = {
        "checkpointed": compute.gradient_checkpointing,
        "turbo": compute.fused or compute.liger or compute.compiled or compute.attention != "sdpa",
    }
    return Setting(
        machine=f"{_processor()}, {machine.cores} cores",
        device=(gpu or run.compute.device) + (f" × {run.compute.devices}" if run.compute.devices > 1 else ""),
        method=", ".join([run.method.kind, *(mark for mark, is_so in marks.items() if is_so)]),
        objective=run.objective,
    )


def measured_of(folder: RunFolder, history: History) -> Measured | None:
    """Out of the trainer's last event; None where it did not end by itself."""
    if history.finished is None or history.finished.outcome != "completed" or not history.finished.facts:
        return None
    facts = history.finished.facts
    return Measured(
        peak_memory_bytes=int(facts.get("peak_memory_bytes", 0)),
        tokens_per_second=facts.get("tokens_per_second", 0.0),
        seconds=facts.get("seconds") if len(folder.attempts()) == 1 else None,
        disk_bytes=bytes_of(folder.path),
    )


def _processor() -> str:
    """Its model name; machines of the same kind share their experience, a data folder that moves does not mislead."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _from_folders(runs: Path) -> Iterator[Comparison]:
    """What the ledger would hold, by the time at which it was measured."""
    found = [path for path in runs.glob(f"*/{prediction.MEASURED}") if path.is_file()]
    for path in sorted(found, key=os.path.getmtime)[-MOST_KEPT:]:
        foretold, came = prediction.predicted(path.parent), prediction.measured(path.parent)
        if foretold and came:
            yield prediction.compare(foretold, came)


def _entries(ledger: Path) -> Iterator[Comparison]:
    for line in ledger.read_bytes().splitlines():
        try:
            yield Comparison.model_validate(json.loads(line))
        except (ValueError, ValidationError):
            continue  # a line of another version: one run less to learn from
