"""The wizard: Model → Dataset → Optional Settings. A draft in the database survives reloads; the step is in the URL."""

import asyncio
from typing import Any

from nicegui import background_tasks, ui

from core.errors import StudioError
from core.studio import Studio
from storage.spec import Objective
from ui import routes
from ui.components.button import Button
from ui.components.empty_state import empty_state
from ui.components.objective_words import WORDS, learns_from, objective_of
from ui.components.spec_form import SpecForm, clone_of, take_over
from ui.components.text import Text, box, link
from ui.components.wizard_dataset import DatasetStep
from ui.components.wizard_model import ModelStep
from ui.components.wizard_presets import WizardPresets
from ui.components.wizard_settings import SettingsStep
from ui.components.wizard_step import WizardStep
from ui.layout import frame, page_head
from ui.signals import Signals
from ui.texts import say
from ui.threads import in_own_thread, in_thread

CRUMBS = (("Fine-Tuning Jobs", routes.jobs()), ("New job", None))
SAVE_AFTER_S = 0.3


def register(studio: Studio, _signals: Signals) -> None:
    @ui.page(routes.WIZARD)
    async def wizard_page(
        objective: str = "sft",
        step: str = "1",
        clone: str = "",
        dataset: str = "",
        model: str = "",
        start: str = "",
        preset: str = "",
    ) -> None:
        async with frame(studio, "Create Fine-Tuning Job", CRUMBS):
            if objective not in WORDS:
                page_head("Create Fine-Tuning Job", "")
                _unknown(objective)
                return
            page_head("Create Fine-Tuning Job", WORDS[Objective(objective)].subtitle)
            key = f"clone-{clone}" if clone else f"new-{objective}"
            try:
                content = await _content(studio, key, clone)
            except StudioError as error:
                Text("p", str(error), "ts-error").props("role=alert")
                content = None
            form = SpecForm(content)
            form.set("objective", objective)
            if problem := await _begin_with(studio, form, model, start):
                Text("p", problem, "ts-error").props("role=alert")
            wizard = Wizard(studio, form, key, clone)
            await wizard.build(dataset, int(step) if step in ("1", "2", "3") else 1, preset)
            if content is None or model:
                wizard.suggest()
            wizard.refresh()


async def _content(studio: Studio, key: str, clone: str) -> dict[str, Any] | None:
    """The draft; else, for a clone, what the other job was asked to do."""
    draft = await in_thread(studio.drafts.load, key)
    if draft is not None or not clone:
        return draft
    return clone_of((await in_thread(studio.runs.run_spec, clone)).asked)


async def _begin_with(studio: Studio, form: SpecForm, model: str, start: str) -> str:
    """The model whose page the user comes from; why that cannot be, as a sentence."""
    try:
        if start:
            take_over(form, await in_thread(studio.runs.before, start))
        elif model:
            form.set("start_from", "")
            form.set("model", (await in_thread(studio.models.get, model)).id)
    except StudioError as error:
        return str(error)
    return ""


class Wizard:
    def __init__(self, studio: Studio, form: SpecForm, key: str, clone: str) -> None:
        self._studio = studio
        self._form = form
        self._key = key
        self._clone = clone
        #: Created, or about to be drawn anew: what is on the page is no draft any more.
        self._is_over = False
        self._number = 1
        self._task = f"draft {ui.context.client.id}"

    async def build(self, dataset: str, number: int, preset: str) -> None:
        """`dataset` is the one whose page the user comes from, `number` the step that is open, `preset` the name of
        the settings that were just put in place."""
        models = await in_thread(self._studio.models.all)
        starter = await in_thread(self._studio.models.starter.state)
        tuned = await in_thread(self._studio.custom_models.all)
        machine = await in_thread(self._studio.hardware)
        actor = await in_thread(self._studio.people.actor)
        datasets = await in_thread(self._studio.datasets.all, actor=actor)
        presets = await in_thread(self._studio.presets.all, objective_of(self._form))
        fitting = [known.id for known in datasets if learns_from(self._form, known)]
        self._preselect([model.id for model in models], fitting, dataset)
        with box("ts-steps"):
            about_model = "Choose a base model or a LoRA adapter to start fine-tuning."
            first = WizardStep(1, "Model", about_model, self.open)
            with first.body:
                self._model = ModelStep(self._studio, self._form, models, starter, machine, tuned)
                self._foot(1)
            second = WizardStep(2, "Dataset", "", self.open)
            with second.body:
                self._dataset = DatasetStep(self._studio, self._form, datasets)
                self._foot(2)
            third = WizardStep(3, "Optional Settings", "Every default works. Change what you want to.", self.open)
            with third.body:
                self._settings = SettingsStep(
                    self._studio,
                    self._form,
                    lambda: WizardPresets(self._studio, self._form, presets, preset, self._apply),
                )
                self._problem = Text("p", "", "ts-error").props("role=alert").mark("create-problem")
                self._problem.visible = False
                self._foot(3)
        self._steps = (first, second, third)
        self.show(number)  # before anything is waited for: who is quick may already click
        await self._model.start()
        await self._dataset.start()
        self._form.on_change(self._save_soon)

    def open(self, number: int) -> None:
        self.show(number)
        self._steps[number - 1].focus()
        objective = str(self._form.content["objective"])
        ui.navigate.history.replace(routes.wizard(objective=objective, step=number, clone=self._clone))

    def suggest(self) -> None:
        """Begin with what suits the preselected model."""
        self._model.suggest()

    def refresh(self) -> None:
        """What the steps say of themselves, with the one open that is open by now."""
        self.show(self._number)

    def show(self, number: int) -> None:
        self._number = number
        summaries = (self._model.summary, self._dataset.summary, self._settings.summary)
        problems = self._form.problems()
        complete = ("model" not in problems, "dataset" not in problems, False)
        parts = zip(self._steps, summaries, complete, strict=True)
        for at, (step, summary, is_complete) in enumerate(parts, start=1):
            step.show(is_open=at == number, is_done=at < number and is_complete, summary=summary)
        if number == 3:
            self._settings.look_ahead()

    def _preselect(self, models: list[str], datasets: list[str], dataset: str) -> None:
        """One model, one dataset: there is nothing to choose."""
        if dataset in datasets:
            self._form.set("dataset", dataset)
        if self._form.content["model"] not in models:
            self._form.set("model", models[0] if len(models) == 1 else "")
        if not self._form.content["dataset"] and len(datasets) == 1:
            self._form.set("dataset", datasets[0])

    def _foot(self, number: int) -> None:
        with box("ts-step-foot"):
            if number > 1:
                Button("Back", lambda: self.open(number - 1))
            if number < 3:
                Button("Next", lambda: self._next(number), kind="primary")
            else:
                Button("Create", self._create, kind="primary").mark("create")

    def _next(self, number: int) -> None:
        part = self._model if number == 1 else self._dataset
        if part.check():
            self.open(number + 1)

    async def _create(self) -> None:
        self._complain("")
        spec = self._form.spec()
        wrong = (not self._model.check(), not self._dataset.check(), not self._settings.check())
        if self._is_over or spec is None or any(wrong):
            if any(wrong):
                self.open(wrong.index(True) + 1)
            return
        try:
            actor = await in_thread(self._studio.people.actor)
            job = await in_own_thread(self._studio.runs.submit, spec, actor=actor)  # tries the grader
        except StudioError as error:
            self._complain(str(error))
            return
        self._is_over = True
        await in_thread(self._studio.drafts.drop, self._key)
        ui.navigate.to(routes.job(job.id, job.objective))

    async def _apply(self, preset: str) -> None:
        """Put saved settings in the draft's place, and draw the page from that: every field shows what it holds."""
        try:
            content = await in_thread(self._studio.presets.applied, preset, self._form.content)
        except StudioError as error:
            self._complain(str(error))
            return
        self._is_over = True
        await in_thread(self._studio.drafts.save, self._key, content)
        objective = str(self._form.content["objective"])
        ui.navigate.to(routes.wizard(objective=objective, step=3, clone=self._clone, preset=preset))

    def _complain(self, sentence: str) -> None:
        self._problem.text, self._problem.visible = sentence, bool(sentence)

    def _save_soon(self) -> None:
        background_tasks.create_lazy(self._save(), name=self._task)

    async def _save(self) -> None:
        await asyncio.sleep(SAVE_AFTER_S)
        if not self._is_over:
            await in_thread(self._studio.drafts.save, self._key, self._form.content)


def _unknown(objective: str) -> None:
    kinds = "sft (supervised), rft (reinforcement) and dpo (preference)"
    with empty_state(
        "There is no such kind of fine-tuning",
        say("“{kind}” is none of {kinds}.", kind=objective[:40], kinds=kinds),
    ):
        link("Start a supervised job", routes.wizard(), "ts-button ts-primary ts-button-link")
