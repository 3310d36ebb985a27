"""A closer look at a version: started by a button, with progress; its findings join those of the import."""

from nicegui import ui

from core.checks.deep_report import DeepReport
from core.datasets.closer import CloserLook
from core.errors import StudioError
from core.studio import Studio
from storage.tables import Dataset
from ui import routes
from ui.components.button import Button
from ui.components.text import Text, aria, box, heading
from ui.texts import say
from ui.threads import in_thread

LOOK_EVERY_S = 0.3
ABOUT = (
    "Near-duplicates, personal data and secrets take longer to find than an import. Choose an evaluation dataset to "
    "learn which examples are in both."
)


class CloserLookCard:
    """`known` is what an earlier look has found."""

    def __init__(self, studio: Studio, dataset: Dataset, known: DeepReport | None, others: dict[str, str]) -> None:
        self._studio = studio
        self._dataset = dataset
        self._folder = studio.datasets.folder(dataset.id)
        with box("ts-card ts-closer", "section", label="A closer look") as self._card:
            heading("A closer look", 2)
            Text("p", self._done(known) if known else ABOUT, "ts-muted").mark("closer-note")
            self._problem = Text("p", "", "ts-error").props("role=alert")
            self._problem.visible = False
            with box("ts-filters") as self._ask:
                self._evaluation = ui.select({"": say("No evaluation dataset"), **others}, value="").classes(
                    "ts-input ts-order"
                )
                self._evaluation.props("outlined dense options-dense popup-content-class=ts-menu")
                self._evaluation.props["aria-label"] = say("Evaluation dataset")
                Button("Look again" if known else "Look closer", self._begin, icon="search").mark("look-closer")
        if look := studio.closer_looks.running(self._folder):
            self._follow(look)

    @staticmethod
    def _done(known: DeepReport) -> str:
        found = sum(count.count for count in known.codes.values())
        listed = "{count:,} finding, listed below. | {count:,} findings, listed below."
        return f"{known.note} {say(listed, count=found) if found else say('Nothing was found.')}".strip()

    async def _begin(self) -> None:
        chosen = self._evaluation.value
        evaluation = self._studio.datasets.folder(chosen) if chosen else None
        try:
            look = await in_thread(self._studio.closer_looks.begin, self._folder, evaluation)
        except StudioError as error:
            self._problem.text, self._problem.visible = str(error), True
            return
        self._follow(look)

    def _follow(self, look: CloserLook) -> None:
        self._ask.visible = False
        with self._card, box("ts-stretch") as progress:
            bar = ui.element("progress").classes("ts-progress").props(aria("A closer look"))
            text = Text("p", "", "ts-muted").props("role=status")
            Button("Cancel", look.cancel, kind="ghost")

        async def check() -> None:
            text.text = look.progress.phase.capitalize()
            if look.progress.total:
                bar.props["max"], bar.props["value"] = look.progress.total, look.progress.done
            if look.is_running:
                return
            timer.cancel()
            try:
                await in_thread(look.result)
            except StudioError as error:
                self._problem.text, self._problem.visible = str(error), True
                progress.visible, self._ask.visible = False, True
                return
            ui.navigate.to(routes.dataset(self._dataset.id, tab="findings"))

        timer = ui.timer(LOOK_EVERY_S, check)
