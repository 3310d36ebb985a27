"""A state as a coloured word: a job's or a deployment's."""

from core.serving.standing import State
from storage.status import Status
from ui.components.text import Text
from ui.design import PILLS, STANDING_PILLS


class StatusPill(Text):
    def __init__(self, status: Status | State) -> None:
        super().__init__("span", "", "ts-pill")
        self.show(status)

    def show(self, status: Status | State) -> None:
        pill = STANDING_PILLS[status] if isinstance(status, State) else PILLS[status]
        self.text = pill.label
        self.classes(replace=f"ts-pill ts-pill-{pill.kind}")
