"""Step 2: the labelled examples, and what the model is measured on."""

from collections import Counter
from collections.abc import Sequence

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from core.datasets.preview import Pair
from core.datasets.trainable import HOLDS
from core.errors import StudioError
from core.studio import Studio
from storage.tables import Dataset
from ui import routes
from ui.components.example import example
from ui.components.objective_words import kind_of, learns_from, objective_of, words_of
from ui.components.quantity import counted
from ui.components.spec_form import SpecForm, evaluation_content
from ui.components.teaching_box import teaching_box
from ui.components.text import Text, box, heading, link
from ui.components.verdict import verdict_line
from ui.components.wizard_upload import WizardUpload
from ui.kinds import WORDS
from ui.texts import say
from ui.threads import in_thread

HOLD_OUT = "Hold out 10 % of the dataset automatically"
NO_EVALUATION = "Do not use a validation dataset"


class DatasetStep:
    def __init__(self, studio: Studio, form: SpecForm, datasets: Sequence[Dataset]) -> None:
        self._studio = studio
        self._form = form
        self._datasets = {dataset.id: dataset for dataset in datasets if learns_from(form, dataset)}
        with box("ts-field"):
            with box("ts-lead"):
                Text("label", "Select Dataset", "ts-h3").props["for"] = "dataset-select"
                Text("p", words_of(form).dataset_step, "ts-muted")
            self._select = ui.select(self._labels(), on_change=self._choose, with_input=True)
            self._select.props("outlined dense for=dataset-select popup-content-class=ts-menu")
            self._select.props["placeholder"] = say("Choose a dataset")
            self._select.classes("ts-input").mark("dataset")
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("dataset-problem")
            self._problem.visible = False
        Text("div", "OR", "ts-or")
        WizardUpload(studio, kind_of(form), self._received)
        self._preview = box("ts-stretch")
        with box("ts-field"):
            Text("label", "Evaluation", "ts-label").props["for"] = "evaluation-select"
            self._evaluation = ui.select({}, on_change=self._evaluate)
            self._evaluation.props("outlined dense for=evaluation-select popup-content-class=ts-menu")
            self._evaluation.classes("ts-input").mark("evaluation")
            Text("p", "Examples that are kept out of training, to see whether the model really learns.", "ts-help")
        teaching_box(objective_of(form))

    @property
    def summary(self) -> str:
        chosen = self._datasets.get(self._form.content["dataset"])
        if chosen is None:
            return "No dataset chosen yet"
        errors = " · " + say("{rows} with errors", rows=counted(chosen.errors, "rows")) if chosen.errors else ""
        return f"{chosen.name} · {counted(chosen.rows, WORDS[chosen.kind].unit)}{errors}"

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
        """The newest version first; where there are several, each says which it is."""
        families = Counter(found.family for found in self._datasets.values())
        return {found.id: _label(found, several=families[found.family] > 1) for found in self._datasets.values()}

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
        options = {"hold_out": say(HOLD_OUT), "none": say(NO_EVALUATION), **others}
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
            self._complain(say("The dataset {name} cannot be read: {error}", name=dataset.name, error=error))
            return
        self._preview.clear()
        with self._preview:
            _chosen(dataset, pairs)

    async def _received(self, dataset_id: str) -> None:
        """What was dropped here has become a dataset: choose it."""
        dataset = await in_thread(self._studio.datasets.get, dataset_id)
        if not learns_from(self._form, dataset):
            wanted = words_of(self._form).learns_from
            self._complain(
                say(
                    "{name} holds {held}; this job learns from {wanted}.",
                    name=dataset.name,
                    held=say(HOLDS[dataset.kind]),
                    wanted=say(wanted),
                )
            )
            return
        self._complain("")
        self._datasets = {dataset.id: dataset, **self._datasets}
        self._select.set_options(self._labels(), value=dataset.id)

    def _complain(self, sentence: str) -> None:
        self._problem.text, self._problem.visible = sentence, bool(sentence)


def _label(dataset: Dataset, *, several: bool) -> str:
    words = WORDS[dataset.kind]
    version = " · " + say("version {version}", version=dataset.version) if several else ""
    return f"{dataset.name}{version} · {say(words.examples)}: {counted(dataset.rows, words.unit)}"


def _chosen(dataset: Dataset, pairs: Sequence[Pair]) -> None:
    with box("ts-chosen"):
        verdict_line(dataset)
        link("Open the dataset", routes.dataset(dataset.id)).props("target=_blank")
    with box("ts-panel", "section", label="Preview"):
        heading(
            say("The first {first} of {rows}", first=len(pairs), rows=counted(dataset.rows, WORDS[dataset.kind].unit)),
            3,
        )
        for pair in pairs:
            example(pair, dataset.kind)
