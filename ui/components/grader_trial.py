"""Try it on 20 rows: made-up answers scored in a child process, their spread, and why the grader must not train."""

import asyncio

from nicegui import ui
from pydantic import ValidationError

from core.errors import StudioError
from core.grading.report import Trial, Tried
from core.grading.trials import GraderTrial
from core.studio import Studio
from storage.objectives import Rft
from ui.components.button import Button
from ui.components.spec_form import SpecForm
from ui.components.text import Text, aria, box, icon
from ui.texts import say
from ui.threads import in_own_thread, in_thread

LOOK_EVERY_S = 0.3
FIRST_PROMPTS = 5


class GraderTrialPanel:
    def __init__(self, studio: Studio, form: SpecForm) -> None:
        self._studio = studio
        self._form = form
        self._trial: GraderTrial | None = None
        with box("ts-trial-actions"):
            self._button = Button("Try it on 20 rows", self._try, icon="play").mark("try-grader")
            self._cancel = Button("Cancel", self._end, kind="ghost").mark("cancel-trial")
            self._phase = Text("span", "", "ts-muted").props("role=status")
        self._bar = ui.element("progress").classes("ts-progress").props(aria("Trying the grader"))
        self._problem = Text("p", "", "ts-error").props("role=alert").mark("trial-problem")
        self._result = box("ts-stretch").mark("trial")
        self._timer = ui.timer(LOOK_EVERY_S, self._look, active=False)
        self._rest(False)
        self._complain("")
        form.on_change(self._grow_old)
        ui.context.client.on_delete(self._end)

    async def _try(self) -> None:
        self._complain("")
        self._result.clear()
        try:
            rft = Rft.model_validate(self._form.get("rft"))
        except ValidationError:
            self._complain(next(iter(self._form.problems().values()), "The grader is not complete yet."))
            return
        dataset = str(self._form.get("dataset"))
        if not dataset:
            self._complain("Choose a dataset first: its rows are what the grader is tried on.")
            return
        try:
            actor = await in_thread(self._studio.people.actor)
            self._trial = await in_thread(self._studio.grader_trials.begin, rft, dataset, actor=actor)
            self._rest(True)
            self._show(await in_own_thread(self._trial.result))
        except StudioError as error:
            self._complain(str(error))
        finally:
            self._rest(False)

    def _end(self) -> None:
        if self._trial:
            self._trial.cancel()

    def _rest(self, is_running: bool) -> None:
        if self._result.is_deleted:  # the page was left meanwhile
            return
        self._cancel.visible = self._bar.visible = self._timer.active = is_running
        self._phase.text = "Starting…" if is_running else ""

    def _look(self) -> None:
        progress = self._trial.progress if self._trial else None
        if progress and progress.total:
            self._bar.props["max"], self._bar.props["value"] = progress.total, progress.done
            self._phase.text = say("Row {number:,} of {total:,}", number=progress.done + 1, total=progress.total)

    def _grow_old(self) -> None:
        """What was found belongs to the grader as it was."""
        if not self._result.is_deleted:
            self._result.classes("ts-outdated")

    def _complain(self, sentence: str) -> None:
        self._problem.text, self._problem.visible = sentence, bool(sentence)

    def _show(self, trial: Trial) -> None:
        if self._result.is_deleted:
            return
        self._result.classes(remove="ts-outdated")
        self._result.clear()
        with self._result:
            show_trial(trial)


def show_trial(trial: Trial) -> None:
    objection = trial.objection()
    with box("ts-verdict-box ts-refused" if objection else "ts-verdict-box").props("role=status"):
        icon("alert" if objection else "check")
        Text("p", objection or "The grader tells answers apart: training can learn from it.").mark("trial-verdict")
    for note in trial.notes():
        Text("p", note, "ts-note")
    if trial.values:
        least, most = trial.range
        with box("ts-figures", "dl"):
            for term, value in (
                (
                    "Answers",
                    say(
                        "{tried:,} of {count:,} prompt | {tried:,} of {count:,} prompts",
                        tried=len(trial.tried),
                        count=trial.rows,
                    ),
                ),
                ("Mean", f"{trial.mean:.3g}"),
                ("Spread", f"{trial.spread:.3g}"),
                ("Lowest to highest", say("{least:.3g} to {most:.3g}", least=least, most=most)),
            ):
                with box("ts-figure"):
                    Text("dt", term)
                    Text("dd", value)
    _table(trial)


def _table(trial: Trial) -> None:
    """The first prompts at once, the others behind a button: a page of a hundred answers is long."""
    groups: dict[int, list[Tried]] = {}
    for tried in trial.tried:
        groups.setdefault(tried.line, []).append(tried)
    with box("ts-scores", label="Scores of the answers").props("tabindex=0 role=region"), ui.element("table"):
        with ui.element("thead"), ui.element("tr"):
            for title in ("Prompt", "Answer", "Score", "Parts or error"):
                Text("th", title).props("scope=col")
        body = ui.element("tbody")
    with body:
        for group in list(groups.values())[:FIRST_PROMPTS]:
            _group(group)
    rest = list(groups.values())[FIRST_PROMPTS:]
    if not rest:
        return

    async def show_rest() -> None:
        more.delete()
        for group in rest:
            with body:
                _group(group)
            await asyncio.sleep(0)

    more = Button(
        say("Show the other prompt | Show the other {count:,} prompts", count=len(rest)), show_rest, kind="ghost"
    ).mark("more-prompts")


def _group(group: list[Tried]) -> None:
    for at, tried in enumerate(group):
        with ui.element("tr"):
            if at == 0:
                with ui.element("td").props(f"rowspan={len(group)}"):
                    Text("p", tried.prompt, "ts-scores-prompt")
                    Text("p", say("line {line:,}", line=tried.line), "ts-note")
            with ui.element("td"):
                Text("span", tried.kind, "ts-tag")
                Text("p", tried.answer or "(nothing)", "ts-scores-text" if tried.answer else "ts-scores-text ts-muted")
            Text("td", "–" if tried.value is None else f"{tried.value:.3g}", "ts-scores-value")
            with ui.element("td"):
                for name, value in tried.parts.items():
                    Text("span", f"{name} {value:.3g}", "ts-badge ts-badge-grey")
                if tried.error:
                    Text("p", tried.error, "ts-error")
