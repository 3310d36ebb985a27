"""`python -m training.examine`: counts tokens, or shows what of one row is learned. Request and answer: JSON lines.

Chat templates are programs of somebody else's: here they have limits on time and memory, and nothing to lose.
"""

import sys
from pathlib import Path

from storage.child_process import Json, Teller, answer
from storage.spec import DatasetRef, ModelRef
from training.failures import TrainingError
from training.limits import limit_memory


def work(request: Json, teller: Teller) -> Json:
    dataset, model = DatasetRef(**request["dataset"]), ModelRef(**request["model"])
    cache, context = Path(request["cache"]), int(request["context"])
    # Imported here: transformers takes two seconds, and four times as long where it finds torch.
    if "row" in request:
        from training.spans import spans_of

        return spans_of(dataset, model, cache, context, int(request["row"]))
    if "first_rows" in request:
        from training.spans import first_spans

        return first_spans(dataset, model, cache, context, int(request["first_rows"]))
    from training.examination import examine

    return examine(dataset, model, cache, context, teller)


if __name__ == "__main__":
    sys.modules["torch"] = None  # type: ignore[assignment]  # Python's way to say that there is none
    limit_memory()
    sys.exit(answer(work, refusals=(TrainingError,)))
