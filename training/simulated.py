"""A simulated trainer: follows the run folder's protocol without a model, and misbehaves on request.

Chosen by TUNESMITH_SIMULATED_TRAINER, a JSON object with any of:
    steps, step_s        how many steps, how long each takes; a sealed checkpoint every 10 steps
    passes               of how many forward passes a step consists
    hang_at              stop making steps there, heart beating
    ignore_signals       SIGINT and SIGTERM are not heard, nor is a request
    children             start this many grandchildren in sessions of their own
    torn_line_at         write half an event there, and die
    fail_at, says        print this text to stderr there and exit 1, as a crash without a word would
    preparing_s          how long loading takes

On several devices each process does the same, and only the first one writes.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from storage import manifest
from storage.event_log import EventWriter
from storage.events import Checkpoint, Finished, Metric, Phase
from storage.files import bytes_of
from storage.retention import step_of
from storage.run_folder import Attempt, RunFolder, Stretch
from training import checkpoints
from training.lifeline import Lifeline, Stopped
from training.ranks import Rank
from training.workbench import Workbench

STEPS_PER_CHECKPOINT = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """What it is asked to do."""

    steps: int = 50
    step_s: float = 0.05
    passes: int = 1
    preparing_s: float = 0.0
    hang_at: int = -1
    ignore_signals: bool = False
    children: int = 0
    torn_line_at: int = -1
    fail_at: int = -1
    says: str = ""


def main(folder: Path) -> int:
    script = Script(**json.loads(os.environ["TUNESMITH_SIMULATED_TRAINER"]))
    attempt = Attempt(folder.resolve())
    rank = Rank.mine()
    lifeline = Lifeline(attempt, rank)
    lifeline.start()
    events = EventWriter(attempt.events) if rank.is_first else None
    bench = Workbench(run=RunFolder(attempt.path.parents[1]), events=events, lifeline=lifeline, rank=rank)
    if script.ignore_signals:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    for _ in range(script.children):
        subprocess.Popen(["sleep", "3600"], start_new_session=True)
    try:
        bench.emit(train(script, bench))
    except Stopped:
        bench.emit(Finished(outcome="paused" if lifeline.is_pause else "cancelled", step=bench.step))
    finally:
        bench.close()
    return 0


def train(script: Script, bench: Workbench) -> Finished:
    bench.emit(Phase(name="loading", detail="Simulated model"))
    pause(script.preparing_s, script, bench)
    newest = checkpoints.newest_valid(bench.run.checkpoints, lambda what: None)
    bench.step = step_of(newest) if newest else 0
    bench.emit(Phase(name="training", done=bench.step, total=script.steps, epochs=1))
    while bench.step < script.steps:
        one_step(script, bench)
    bench.emit(Phase(name="exporting"))
    if bench.rank.is_first:
        write_sealed(bench.run.output, bench.step)
    return Finished(outcome="completed", step=bench.step)


def one_step(script: Script, bench: Workbench) -> None:
    step = bench.step + 1
    if step == script.hang_at:
        pause(3600, script, bench)
    if step == script.torn_line_at:
        with bench.run.attempts()[-1].events.open("ab") as file:
            file.write(b'{"seq": 99, "type": "met')
        os.kill(os.getpid(), signal.SIGKILL)
    if step == script.fail_at:
        sys.stderr.write(script.says + "\n")
        sys.stderr.flush()
        os._exit(1)
    for done in range(script.passes):
        bench.lifeline.is_at(Stretch("pass", step, done, script.passes))
        time.sleep(script.step_s / script.passes)
    bench.lifeline.is_at(None)
    bench.step = step
    values: dict[str, float | None] = {"loss": 1 + 1 / step, "learning_rate": 1e-4}
    bench.emit(Metric(step=step, epoch=step / script.steps, values=values))
    stops = bench.lifeline.stop_requested and not script.ignore_signals
    if bench.rank.is_first and (step % STEPS_PER_CHECKPOINT == 0 or (stops and bench.lifeline.is_pause)):
        folder = bench.run.checkpoints / f"step-{step:08d}"
        write_sealed(folder, step)
        bench.emit(Checkpoint(step=step, name=folder.name, bytes=bytes_of(folder)))
    if stops:
        raise Stopped


def pause(seconds: float, script: Script, bench: Workbench) -> None:
    """Sleep, but hear a stop at once, as a trainer between two batches does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not script.ignore_signals:
            bench.check()
        time.sleep(0.05)


def write_sealed(final: Path, step: int) -> None:
    if manifest.is_sealed(final):
        return
    partial = final.with_name(final.name + manifest.PARTIAL)
    partial.mkdir(exist_ok=True)
    (partial / "state.json").write_text(json.dumps({"step": step}))
    manifest.seal(partial, final)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
