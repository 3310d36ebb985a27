"""Step 2: the labelled examples, and what the model is measured on."""

from collections.abc import Sequence

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from core.datasets.preview import Pair
from core.errors import StudioError
from core.studio import Studio
from storage.spec import Objective
from storage.tables import Dataset
from ui.components.objective_words import learns_from, words_of
from ui.components.spec_form import SpecForm, evaluation_content
from ui.components.teaching_box import teaching_box
from ui.components.text import Text, box, heading
from ui.components.upload_zone import UploadZone
from ui.threads import in_thread

HOLD_OUT = "Hold out 10 % of the dataset automatically"
NO_EVALUATION = "Do not use a validation dataset"


class DatasetStep:
    def __init__(self, studio: Studio, form: SpecForm, datasets: Sequence[Dataset]) -> None:
        self._studio = studio
        self._form = form
        self._words = words_of(form)
        self._datasets = {dataset.id: dataset for dataset in datasets if learns_from(form, dataset)}
        with box("ts-field"):
            Text("label", "Select dataset", "ts-label").props["for"] = "dataset-select"
            self._select = ui.select(self._labels(), on_change=self._choose, with_input=True)
            self._select.props(
                "outlined dense placeholder='Choose a dataset' for=dataset-select popup-content-class=ts-menu"
            )
            self._select.classes("ts-input").mark("dataset")
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("dataset-problem")
            self._problem.visible = False
        Text("div", "OR", "ts-or")
        self._zone = UploadZone(studio.uploads, self._receive, title=self._words.upload)
        self._preview = box("ts-stretch")
        with box("ts-field"):
            Text("label", "Evaluation", "ts-label").props["for"] = "evaluation-select"
            self._evaluation = ui.select({}, on_change=self._evaluate)
            self._evaluation.props("outlined dense for=evaluation-select popup-content-class=ts-menu")
            self._evaluation.classes("ts-input").mark("evaluation")
            Text("p", "Examples that are kept out of training, to see whether the model really learns.", "ts-help")
        teaching_box(Objective(form.content["objective"]))

    @property
    def summary(self) -> str:
        chosen = self._datasets.get(self._form.content["dataset"])
        return f"{chosen.name} · {chosen.rows} {self._words.unit}" if chosen else "No dataset chosen yet"

    async def start(self) -> None:
        """Show what the form holds. A dataset that is gone since the draft was written is forgotten."""
        if self._form.content["dataset"] not in self._datasets:
            self._form.set("dataset", "")
        self._offer_evaluations()
        self._select.value = self._form.content["dataset"] or None
        await self._show_pairs()

    def check(self) -> bool:
        self._complain(self._form.problem("dataset") or "")
        return not self._problem.visible

    def _labels(self) -> dict[str, str]:
        holds, unit = self._words.holds, self._words.unit
        return {found.id: f"{found.name} · {holds}: {found.rows} {unit}" for found in self._datasets.values()}

    async def _choose(self, event: ValueChangeEventArguments[str | None]) -> None:
        if (event.value or "") == self._form.content["dataset"]:
            return
        self._form.set("dataset", event.value or "")
        self._complain("")
        self._offer_evaluations()
        await self._show_pairs()

    def _evaluate(self, event: ValueChangeEventArguments[str]) -> None:
        if event.value != self._evaluation_choice():
            self._form.set("evaluation", evaluation_content(event.value))

    def _evaluation_choice(self) -> str:
        content = self._form.content["evaluation"]
        return str(content["dataset"] if content["kind"] == "dataset" else content["kind"])

    def _offer_evaluations(self) -> None:
        """The training dataset itself is not offered: measuring on what was learned proves nothing."""
        others = {key: label for key, label in self._labels().items() if key != self._form.content["dataset"]}
        options = {"hold_out": HOLD_OUT, "none": NO_EVALUATION, **others}
        chosen = self._evaluation_choice()
        if chosen not in options:
            chosen = "hold_out"
            self._form.set("evaluation", evaluation_content(chosen))
        self._evaluation.set_options(options, value=chosen)

    async def _show_pairs(self) -> None:
        self._preview.clear()
        dataset = self._datasets.get(self._form.content["dataset"])
        if dataset is None:
            return
        try:
            pairs = await in_thread(self._studio.datasets.preview, dataset.id)
        except (StudioError, OSError) as error:
            self._complain(f"The dataset {dataset.name} cannot be read: {error}")
            return
        self._preview.clear()
        with self._preview:
            _pairs(f"The first {len(pairs)} of {dataset.rows} {self._words.unit}", pairs)

    async def _receive(self, upload_id: str) -> None:
        self._complain("")
        try:
            dataset = await self._add(upload_id)
        except StudioError as error:
            self._complain(str(error))
            return
        finally:
            self._zone.reset()
        if not learns_from(self._form, dataset):
            self._complain(f"“{dataset.name}” holds no {self._words.holds.lower()}. It is kept for other jobs.")
            return
        self._datasets[dataset.id] = dataset
        self._select.set_options(self._labels(), value=dataset.id)

    async def _add(self, upload_id: str) -> Dataset:
        upload = await in_thread(self._studio.uploads.finished, upload_id)
        actor = await in_thread(self._studio.people.actor)
        try:
            return await in_thread(self._studio.datasets.add, upload.path, name=None, actor=actor)
        finally:
            await in_thread(self._studio.uploads.discard, upload)

    def _complain(self, sentence: str) -> None:
        self._problem.text, self._problem.visible = sentence, bool(sentence)


def _pairs(title: str, pairs: Sequence[Pair]) -> None:
    with box("ts-panel", "section").props("aria-label=Preview"):
        heading(title, 3)
        for pair in pairs:
            with box("ts-pair"):
                _side("INPUT", pair.prompt, "ts-side")
                Text("span", "→", "ts-arrow").props("aria-hidden=true")
                if pair.rejected:
                    with box("ts-stretch"):
                        _side("PREFERRED", pair.answer, "ts-side ts-side-out")
                        _side("REJECTED", pair.rejected, "ts-side")
                else:
                    _side("OUTPUT", pair.answer, "ts-side ts-side-out")


def _side(title: str, text: str, classes: str) -> None:
    with box(classes):
        Text("span", title, "ts-tag")
        Text("p", text)
