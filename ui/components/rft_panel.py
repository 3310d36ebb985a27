"""What reinforcement is asked beyond the common settings: its grader, tried before training, and the sampling."""

from nicegui import background_tasks, ui

from core.errors import StudioError
from core.studio import Studio
from ui.components.button import Button
from ui.components.grader_editor import GraderEditor
from ui.components.grader_trial import GraderTrialPanel
from ui.components.spec_field import spec_checkbox, spec_field, spec_select
from ui.components.spec_form import SpecForm
from ui.components.text import Text, box, heading
from ui.texts import say
from ui.threads import in_thread

SAMPLING = (
    "rft.group_size",
    "rft.prompts_per_step",
    "rft.temperature",
    "rft.top_p",
    "rft.max_completion_tokens",
    "rft.kl_beta",
)
MOST_ANSWERS = 5
ANSWERS_HELP = (
    "The grader is tried on made-up answers: the row's reference, another row's, an empty one and so on. Where it "
    "wants a certain form, add an answer that it should like; {{ item.NAME }} is a column of the row."
)


class RftPanel:
    """`entries` are the inputs that can hold something that cannot be sent."""

    def __init__(self, studio: Studio, form: SpecForm) -> None:
        self._studio = studio
        self._form = form
        self._dataset = ""
        with box("ts-panel ts-grader", "section", label="Grader"):
            heading("Grader", 3)
            self._editor = GraderEditor(form)
            self._answers = box("ts-stretch ts-try-answers")
            GraderTrialPanel(studio, form)
        with box("ts-panel", "section", label="Reinforcement Parameters"):
            heading("Reinforcement Parameters", 3)
            with box("ts-grid"):
                self.entries: list[ui.input] = [spec_field(form, path) for path in SAMPLING]
                spec_select(form, "rft.loss")
                spec_checkbox(form, "rft.scale_rewards")
        self._show_answers()
        form.on_change(self._look_at_dataset)
        self._look_at_dataset()

    def check(self) -> bool:
        return self._editor.check()

    def _look_at_dataset(self) -> None:
        chosen = str(self._form.get("dataset"))
        if chosen != self._dataset:
            self._dataset = chosen
            background_tasks.create(self._offer(chosen), name="columns of a dataset")

    async def _offer(self, dataset: str) -> None:
        try:
            actor = await in_thread(self._studio.people.actor)
            columns = await in_thread(self._studio.grader_trials.columns, dataset, actor=actor) if dataset else {}
        except (StudioError, OSError):  # gone since; the dataset's step says so
            columns = {}
        if dataset == self._dataset:
            self._editor.offer(columns)

    def _show_answers(self) -> None:
        answers = list(self._form.get("rft.try_answers"))
        self._answers.clear()
        with self._answers:
            for at, answer in enumerate(answers):
                self._answer(at, answer)
            if len(answers) < MOST_ANSWERS:
                Button("Add an answer to try", self._add, icon="plus", kind="ghost").mark("add-answer")
            Text("p", ANSWERS_HELP, "ts-help")

    def _answer(self, at: int, answer: str) -> None:
        with box("ts-try-answer"):
            area = ui.textarea(value=answer, on_change=lambda event: self._change(at, event.value or ""))
            area.props("outlined dense autogrow").classes("ts-input").mark(f"answer-{at}")
            area.props["aria-label"] = say("Answer {number} to try", number=at + 1)
            Button(
                icon="trash",
                on_click=lambda: self._remove(at),
                kind="ghost",
                label=say("Remove answer {number}", number=at + 1),
            )

    def _change(self, at: int, text: str) -> None:
        answers = list(self._form.get("rft.try_answers"))
        self._form.set("rft.try_answers", [*answers[:at], text, *answers[at + 1 :]])

    def _add(self) -> None:
        self._form.set("rft.try_answers", [*self._form.get("rft.try_answers"), ""])
        self._show_answers()

    def _remove(self, at: int) -> None:
        answers = list(self._form.get("rft.try_answers"))
        self._form.set("rft.try_answers", answers[:at] + answers[at + 1 :])
        self._show_answers()
