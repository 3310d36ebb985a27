"""`python -m training.trainer <attempt folder>`: the process that trains. Started by the supervisor only."""

import logging
import sys
from pathlib import Path

from storage.event_log import EventWriter
from storage.events import Finished, Phase
from storage.run_folder import Attempt, RunFolder
from storage.spec import Objective
from training.failures import Unsupported, explain
from training.lifeline import Lifeline, Stopped
from training.workbench import Workbench


def main(folder: Path) -> int:
    attempt = Attempt(folder.resolve())
    lifeline = Lifeline(attempt)
    lifeline.start()
    events = EventWriter(attempt.events)
    # Told before anything heavy is imported: torch and friends take seconds.
    events.append(Phase(name="loading", detail="Starting Python and PyTorch"))
    bench = Workbench(run=RunFolder(attempt.path.parents[1]), events=events, lifeline=lifeline)
    try:
        bench.emit(run(bench))
        return 0
    except Stopped:
        bench.emit(Finished(outcome="paused" if lifeline.is_pause else "cancelled", step=bench.step))
        return 0
    except Exception as error:  # the process edge: every failure becomes a named cause
        logging.getLogger(__name__).exception("The run failed.")
        bench.emit(explain(error))
        return 1
    finally:
        events.close()


def run(bench: Workbench) -> Finished:
    """Dispatch by objective; each is a module, imported only when it is asked for."""
    spec = bench.run.spec()
    match spec.objective:
        case Objective.SFT:
            from training.sft import fine_tune

            return fine_tune(spec, bench)
        case other:
            raise Unsupported(f"The objective {other.value} is coming; this version trains with sft.")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.exit(main(Path(sys.argv[1])))
