"""Step 1: which model, and how its weights are changed."""

from collections.abc import Sequence

from nicegui import background_tasks, ui
from pydantic import TypeAdapter, ValidationError

from core import combinations, learning_rates
from core.errors import BadInput, NotFound
from core.hardware import Hardware
from core.method_figures import Figures, figures
from core.models.custom import CustomModel
from core.models.library import ModelInfo
from core.models.starter import StarterState
from core.studio import Studio
from core.warm_start import Before, way_on
from storage.methods import Method, Qlora
from storage.spec import JobSpec, ModelRef, Objective
from ui.components.method_cards import MethodCards
from ui.components.method_panel import MethodPanel, name_of
from ui.components.model_picker import ModelPicker
from ui.components.model_provider import ModelProvider
from ui.components.objective_words import words_of
from ui.components.spec_form import METHODS, SpecForm, take_over
from ui.components.starter_banner import StarterProgress
from ui.components.text import Text, box, heading
from ui.texts import say
from ui.threads import in_thread

RATE = "hyperparameters.learning_rate"
METHOD: TypeAdapter[Method] = TypeAdapter(Method)


class ModelStep:
    def __init__(
        self,
        studio: Studio,
        form: SpecForm,
        models: Sequence[ModelInfo],
        starter: StarterState,
        machine: Hardware,
        tuned: Sequence[CustomModel],
    ) -> None:
        self._studio = studio
        self._form = form
        self._models = models
        self._machine = machine
        self._ref: ModelRef | None = None
        self._before: Before | None = None
        self._gone = ""
        self._task = f"model {ui.context.client.id}"
        with box("ts-lead"):
            heading("Configure Model", 3)
            Text("p", "Select base model and fine-tuning method", "ts-muted")
        with box("ts-field"):
            Text("span", "Base model", "ts-label")
            self._picker = ModelPicker(models, tuned, self._shown, self._pick, self._pick_tuned)
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("model-problem")
            self._problem.visible = False
            if starter.kind != "ready":
                StarterProgress(studio, starter, classes="ts-banner ts-banner-small", on_ready=self._look_again)
        ModelProvider(studio, self._take_news)
        self._place = box("ts-stretch")
        self._draw_cards()
        self._panel = MethodPanel(form)
        self._objection = Text("p", "", "ts-error").props("role=alert").mark("method-objection")
        self._follow()
        form.on_change(self._follow)

    @property
    def summary(self) -> str:
        return name_of(self._form, self._chosen())

    def check(self) -> bool:
        problem = self._form.problem("model") or ""
        self._problem.text, self._problem.visible = problem, bool(problem)
        wrong = any(path == "model" or path.startswith("method") for path in self._form.problems())
        return not wrong and not self._objection.text

    async def start(self) -> None:
        """Read the sizes of the chosen model, for the figures."""
        chosen, job = self._form.content["model"], self._form.content["start_from"]
        before, gone = None, ""
        try:
            before = await in_thread(self._studio.runs.before, job) if job else None
        except BadInput as error:  # deleted since
            gone = str(error)
        try:
            ref = await in_thread(self._studio.models.get, chosen) if chosen else None
        except NotFound:  # it is still being made
            ref = None
        if chosen == self._form.content["model"]:
            self._ref, self._before, self._gone = ref, before, gone
            if before is not None and before.step:
                self._picker.show(self._models, before.id, before)
            self._follow()

    def suggest(self) -> None:
        """The learning rate that suits model, method and objective, as long as nobody has typed another."""
        chosen = self._chosen()
        if chosen and self._form.get(RATE) in learning_rates.SUGGESTED | {chosen.suggested_learning_rate}:
            objective, kind = Objective(self._form.get("objective")), self._form.get("method.kind")
            known = chosen.suggested_learning_rate
            self._form.set(RATE, learning_rates.suggested(objective, kind, chosen.parameters, known))

    def _chosen(self) -> ModelInfo | None:
        return next((model for model in self._models if model.id == self._form.content["model"]), None)

    def _choose(self, kind: str) -> None:
        self._form.choose_method(kind)
        self.suggest()

    def _draw_cards(self) -> None:
        self._place.clear()
        with self._place:
            learns_from = words_of(self._form).learns_from
            chosen = self._form.get("method.kind")
            self._cards = MethodCards(chosen, self._choose, obstacles(self._machine), learns_from)

    @property
    def _shown(self) -> str:
        return str(self._form.content["start_from"] or self._form.content["model"])

    async def _pick_tuned(self, tuned: CustomModel) -> None:
        """Go on from its output; at first with the same method and parameters."""
        before = await in_thread(self._studio.runs.before, tuned.id)
        take_over(self._form, before)
        self._draw_cards()
        self.suggest()
        self._picker.show(self._models, tuned.id)
        self._problem.visible = False
        await self.start()

    def _pick(self, model: ModelInfo) -> None:
        self._form.set("start_from", "")
        self._form.set("model", model.id)
        self.suggest()
        self._picker.show(self._models, model.id)
        self._problem.visible = False
        background_tasks.create_lazy(self.start(), name=self._task)

    def _follow(self) -> None:
        """The figures, and what does not go together, for what the form holds now."""
        self._cards.show(self._figures())
        self._objection.text = " ".join(map(say, self._objections()))
        self._objection.visible = bool(self._objection.text)

    def _figures(self) -> dict[str, Figures]:
        if self._ref is None:
            return {}
        asked = self._form.get("method")
        methods = [METHOD.validate_python({"kind": kind}) for kind in METHODS if kind != asked["kind"]]
        try:
            methods.append(METHOD.validate_python(asked))
        except ValidationError:  # half typed
            methods.append(METHOD.validate_python({"kind": asked["kind"]}))
        return figures(methods, self._ref, self._machine)

    def _objections(self) -> list[str]:
        spec = self._form.spec() or _with_a_dataset(self._form)
        if self._gone or spec is None:
            return [self._gone] if self._gone else []
        found = combinations.objections(spec, self._ref, quantises=self._machine.quantises)
        said = [sentence for field, sentence in found if field.startswith("method")]
        if self._before is not None:
            try:
                way_on(self._before.method, spec.method)
            except BadInput as error:
                said.append(str(error))
        return said

    async def _take_news(self) -> str:
        """A model has come: begin with that. Two at once: the user chooses."""
        before = {model.id for model in self._models}
        await self._look_again()
        news = [model for model in self._models if model.id not in before]
        if len(news) == 1:
            self._pick(news[0])
            return say("{name} is in the library now, and is the base model of this job.", name=news[0].name)
        return "The models have arrived: choose one of them above." if news else ""

    async def _look_again(self) -> None:
        self._models = await in_thread(self._studio.models.all)
        self._picker.show(self._models, self._shown, self._before)
        await self.start()


def obstacles(machine: Hardware) -> dict[str, str]:
    """Method → why nobody can choose it on this machine, whatever the model."""
    spec = JobSpec(model="any", dataset="any", method=Qlora())
    found = [sentence for _, sentence in combinations.objections(spec, None, quantises=machine.quantises)]
    return {"qlora": " ".join(found)} if found else {}


def _with_a_dataset(form: SpecForm) -> JobSpec | None:
    """What is asked so far: the dataset is chosen in the next step."""
    try:
        return JobSpec.model_validate({**form.content, "dataset": form.content["dataset"] or "any"})
    except ValidationError:
        return None
