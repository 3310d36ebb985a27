"""`python -m training.trainer <attempt folder>`: a process that trains. Started by the supervisor only.

On several devices there is one for each, and the first one speaks for all.
"""

import contextlib
import logging
import os
import sys
import time
from pathlib import Path

from storage.event_log import EventWriter
from storage.events import Failed, Finished, Phase, Warn
from storage.run_folder import Attempt, RunFolder
from storage.spec import Objective
from storage.status import Cause
from training.environment import gpus_are_simulated
from training.failures import explain
from training.lifeline import Lifeline, Stopped
from training.ranks import Rank
from training.workbench import Workbench

#: A process that loses another learns of it before the supervisor does, and not why. For so long it leaves the word to
#: those who know.
LOST_PATIENCE_S = 3.0


def main(folder: Path) -> int:
    attempt = Attempt(folder.resolve())
    rank = Rank.mine()
    lifeline = Lifeline(attempt, rank)
    events = EventWriter(attempt.events) if rank.is_first else None
    bench = Workbench(run=RunFolder(attempt.path.parents[1]), events=events, lifeline=lifeline, rank=rank)
    lifeline.start(on_failure_elsewhere=lambda failed: end_with(failed, bench))
    # Told before anything heavy is imported: torch and friends take seconds.
    bench.emit(Phase(name="loading", detail="Starting Python and PyTorch"))
    try:
        bench.conclude(run(bench))
        return 0
    except Stopped:
        bench.conclude(Finished(outcome="paused" if lifeline.is_pause else "cancelled", step=bench.step))
        return 0
    except Exception as error:  # the process edge: every failure becomes a named cause
        logging.getLogger(__name__).exception("The run failed.")
        tell(error, bench)
        return 1
    finally:
        bench.close()


def tell(error: Exception, bench: Workbench) -> None:
    failed = explain(error)
    if failed.cause is Cause.LOST:
        time.sleep(LOST_PATIENCE_S)
    if bench.rank.is_first:
        bench.conclude(failed)
    else:
        bench.attempt.leave_word(bench.rank.number, failed)


def end_with(failed: Failed, bench: Workbench) -> None:
    """Another process has failed; this one may be deep in a call that waits for it, and cannot be interrupted."""
    with contextlib.suppress(OSError):
        if not bench.conclude(failed):
            return  # the main thread has had its own last word and is on its way out
        bench.close()
    os._exit(1)


def run(bench: Workbench) -> Finished:
    """Dispatch by objective; each is a module, imported only when it is asked for."""
    spec = bench.run.spec()
    if spec.compute.device != "cpu" and gpus_are_simulated():
        bench.emit(Warn(message="The GPUs are simulated: this run is placed on them but trains on the processor."))
        spec = spec.model_copy(update={"compute": spec.compute.model_copy(update={"device": "cpu"})})
    match spec.objective:
        case Objective.SFT:
            from training.sft import fine_tune

            return fine_tune(spec, bench)
        case Objective.DPO:
            from training import dpo

            return dpo.fine_tune(spec, bench)
        case Objective.RFT:
            from training import rft

            return rft.fine_tune(spec, bench)


def leave(code: int) -> None:
    """At once where there are others: taking a process group down while one is missing can wait for ever."""
    if Rank.mine().size > 1:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    leave(main(Path(sys.argv[1])))
