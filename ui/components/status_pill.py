"""A job's state as a coloured word."""

from storage.status import Status
from ui.components.text import Text
from ui.design import PILLS


class StatusPill(Text):
    def __init__(self, status: Status) -> None:
        super().__init__("span", "", "ts-pill")
        self.show(status)

    def show(self, status: Status) -> None:
        pill = PILLS[status]
        self.text = pill.label
        self.classes(replace=f"ts-pill ts-pill-{pill.kind}")
