"""Which rows are kept out of training, so that the evaluation loss means something."""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from storage.events import Warn
from storage.files import read_json
from storage.spec import DatasetRef, HoldOut, NoEvaluation, OtherDataset, RunSpec
from training.data import Example
from training.failures import BadDataset
from training.workbench import Workbench

LARGEST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Split:
    train: list[Example]
    held_out: list[Example]

    @property
    def shown(self) -> list[Example]:
        """The rows whose answers are shown before and after."""
        return (self.held_out or self.train)[:3]


def split_rows(
    spec: RunSpec, examples: list[Example], load: Callable[[DatasetRef], list[Example]], bench: Workbench
) -> Split:
    match spec.evaluation:
        case NoEvaluation():
            return Split(examples, [])
        case OtherDataset() if spec.evaluation_dataset is None:
            raise BadDataset("The spec names an evaluation dataset but not its file.")
        case OtherDataset():
            held_out = load(spec.evaluation_dataset)
        case HoldOut() if spec.split:
            held_out = frozen(Path(spec.split), examples)
        case HoldOut(share=share):
            held_out = choose(examples, share, spec.hyperparameters.seed)
    if not held_out:
        bench.emit(Warn(message="All rows of the dataset are the same, so none is held out for evaluation."))
        return Split(examples, [])
    train = without(examples, held_out)
    if not train:
        raise BadDataset("Every row of the dataset is also in the evaluation dataset. Choose another one.")
    copies = len(examples) - len(train) - (len(held_out) if isinstance(spec.evaluation, HoldOut) else 0)
    if copies:
        bench.emit(Warn(message=f"{copies} training rows were left out, as the same text is held out for evaluation."))
    return Split(train, held_out)


def frozen(path: Path, examples: list[Example]) -> list[Example]:
    """The rows that a file names by their ids: page, command line and every later job mean the same ones."""
    ids = (read_json(path) or {}).get("evaluation")
    if not isinstance(ids, list):
        raise BadDataset(f"The file {path} that says which rows are held out is missing or damaged. Split again.")
    named = set(ids)
    held_out = [example for example in examples if example.row_id.hex() in named]
    if named and not held_out:
        raise BadDataset(f"None of the {len(named):,} rows that {path.name} holds out can be trained on. Split again.")
    return held_out


def choose(examples: list[Example], share: float, seed: int) -> list[Example]:
    """A seeded choice among different texts: at least one, at most half; none where all are the same."""
    different = list({key(example): example for example in reversed(examples)}.values())[::-1]
    count = min(max(1, round(len(examples) * share)), int(len(different) * LARGEST_SHARE))
    chosen = random.Random(seed).sample(range(len(different)), count)
    return [different[index] for index in sorted(chosen)]


def without(examples: list[Example], held_out: list[Example]) -> list[Example]:
    """A copy of a held-out row among the training rows would make the evaluation a test of memory."""
    kept_out = set(map(key, held_out))
    return [example for example in examples if key(example) not in kept_out]


def key(example: Example) -> bytes:
    return hashlib.blake2b(example.input_ids.tobytes(), digest_size=16).digest()
