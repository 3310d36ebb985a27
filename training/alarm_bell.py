"""The Trainer's callback that rings the alarms of reinforcement."""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from storage.events import Warn
from training.alarms import Alarms
from training.workbench import Workbench

#: In the Trainer's log, what only a training step of reinforcement has.
MARK = "zero_spread"


class AlarmBell(TrainerCallback):
    def __init__(self, alarms: Alarms, bench: Workbench) -> None:
        self._alarms = alarms
        self._bench = bench

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """An earlier attempt has told what its steps were worth telling."""
        for entry in state.log_history:
            if MARK in entry:
                self._alarms.look(entry)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, float], **_: Any
    ) -> None:
        if MARK in logs:
            for alarm in self._alarms.look(logs):
                self._bench.emit(Warn(code=alarm.code, message=alarm.message))
