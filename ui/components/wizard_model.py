"""Step 1: which model, and how its weights are changed."""

from collections.abc import Sequence

from core.models import ModelInfo, StarterState
from core.studio import Studio
from storage.spec import Hyperparameters
from ui.components.method_cards import method_cards
from ui.components.model_picker import ModelPicker
from ui.components.spec_field import spec_field
from ui.components.spec_form import SpecForm
from ui.components.starter_banner import StarterProgress
from ui.components.text import Text, box, heading
from ui.threads import in_thread

RATE = "hyperparameters.learning_rate"
DEFAULT_RATE = Hyperparameters().learning_rate


class ModelStep:
    def __init__(self, studio: Studio, form: SpecForm, models: Sequence[ModelInfo], starter: StarterState) -> None:
        self._studio = studio
        self._form = form
        self._models = models
        with box("ts-field"):
            Text("span", "Base model", "ts-label")
            self._picker = ModelPicker(models, form.content["model"], self._pick)
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("model-problem")
            self._problem.visible = False
            if starter.kind != "ready":
                StarterProgress(studio, starter, classes="ts-banner ts-banner-small", on_ready=self._look_again)
        self._cards = box("ts-stretch")
        self._draw_cards()
        with box("ts-panel", "section").props("aria-label='LoRA Parameters'"):
            heading("LoRA Parameters", 3)
            with box("ts-grid"):
                for name in ("rank", "alpha", "dropout"):
                    spec_field(form, f"method.{name}", scope="lora")

    @property
    def summary(self) -> str:
        chosen = self._chosen()
        return f"{chosen.name} · LoRA" if chosen else "No model chosen yet"

    def check(self) -> bool:
        problem = self._form.problem("model") or ""
        self._problem.text, self._problem.visible = problem, bool(problem)
        return not any(path == "model" or path.startswith("method") for path in self._form.problems())

    def _chosen(self) -> ModelInfo | None:
        return next((model for model in self._models if model.id == self._form.content["model"]), None)

    def suggest(self) -> None:
        """The learning rate this model learns well at, as long as nobody has typed another."""
        chosen = self._chosen()
        untouched = {DEFAULT_RATE} | {model.suggested_learning_rate for model in self._models}
        if chosen and self._form.get(RATE) in untouched:
            self._form.set(RATE, chosen.suggested_learning_rate or DEFAULT_RATE)

    def _pick(self, model: ModelInfo) -> None:
        self._form.set("model", model.id)
        self.suggest()
        self._picker.show(self._models, model.id)
        self._problem.visible = False
        self._draw_cards()

    def _draw_cards(self) -> None:
        self._cards.clear()
        with self._cards:
            rank = str(self._form.get("method.rank"))
            method_cards(self._chosen(), int(rank) if rank.isascii() and rank.isdecimal() else 8)

    async def _look_again(self) -> None:
        self._models = await in_thread(self._studio.models.all)
        self._picker.show(self._models, self._form.content["model"])
