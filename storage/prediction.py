"""`estimate.json` and `measured.json` in a run folder: what was foretold, and what came."""

from pathlib import Path

from pydantic import ValidationError

from storage.files import read_json, write_atomic
from storage.methods import Record

ESTIMATE, MEASURED = "estimate.json", "measured.json"


class Setting(Record):
    """What runs must share to say something about each other's figures."""

    machine: str
    device: str
    method: str
    objective: str


class Prediction(Record):
    """`formula_*` are the formulas' own figures; the others were corrected by earlier runs (`runs` of them), and shown.

    `peak_memory_bytes` is what the trainer will report, `needed_bytes` what it has to have.
    """

    setting: Setting
    needed_bytes: int
    peak_memory_bytes: int
    formula_peak_memory_bytes: int
    tokens_per_second: float
    formula_tokens_per_second: float
    seconds: float
    disk_bytes: int
    runs: int = 0


class Measured(Record):
    """`seconds` is None where several attempts share them."""

    peak_memory_bytes: int
    tokens_per_second: float
    seconds: float | None
    disk_bytes: int


class Comparison(Record):
    """One finished run."""

    setting: Setting
    memory_factor: float | None
    speed_factor: float | None


def compare(prediction: Prediction, measured: Measured) -> Comparison:
    return Comparison(
        setting=prediction.setting,
        memory_factor=_ratio(measured.peak_memory_bytes, prediction.formula_peak_memory_bytes),
        speed_factor=_ratio(measured.tokens_per_second, prediction.formula_tokens_per_second),
    )


def write(folder: Path, what: Prediction | Measured) -> None:
    name = ESTIMATE if isinstance(what, Prediction) else MEASURED
    write_atomic(folder / name, what.model_dump_json(indent=1).encode())


def predicted(folder: Path) -> Prediction | None:
    """None for runs of versions that foretold nothing."""
    try:
        return Prediction.model_validate(read_json(folder / ESTIMATE))
    except ValidationError:
        return None


def measured(folder: Path) -> Measured | None:
    try:
        return Measured.model_validate(read_json(folder / MEASURED))
    except ValidationError:
        return None


def _ratio(came: float, foretold: float) -> float | None:
    return came / foretold if came > 0 and foretold > 0 else None
