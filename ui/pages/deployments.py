"""The deployments page: every name that answers, and how each stands."""

from nicegui import background_tasks, ui

from core.serving.deployments import Deployed
from core.studio import Studio
from ui import routes
from ui.components.button import Button
from ui.components.deployment_actions import do
from ui.components.deployment_card import deployment_card
from ui.components.empty_state import empty_state
from ui.components.target_dialog import deploy_dialog
from ui.components.text import box
from ui.layout import frame, page_head
from ui.signals import Signals
from ui.threads import in_thread

#: Figures change with every token; a page of cards follows at this pace.
LOOK_EVERY_S = 2.0


def register(studio: Studio, signals: Signals) -> None:
    @ui.page(routes.DEPLOYMENTS)
    async def deployments_page(deploy: str = "") -> None:
        found = await in_thread(studio.deployments.all)
        choices = await in_thread(studio.deployments.choices)
        async with frame(studio, "Deployments"):
            view = DeploymentsView(studio, choices, deploy[:200])
            view.show(found)
            signals.deployments.subscribe(view.on_change)


class DeploymentsView:
    def __init__(self, studio: Studio, choices: dict[str, str], chosen: str) -> None:
        self._studio = studio
        self._shown: list[Deployed] = []
        self._task = f"deployments page {ui.context.client.id}"
        self._dialog = deploy_dialog(choices, self._deploy, chosen=chosen)
        with box("ts-page-head"):
            page_head("Deployments", "Names that answer at this studio's OpenAI-compatible endpoint.")
            with box("ts-actions"):
                Button("Deploy", self._dialog.open, kind="primary", icon="plus").mark("deploy")
        self._cards = box("ts-datasets").mark("deployments")
        self._nothing = box("ts-stretch")
        ui.timer(LOOK_EVERY_S, self._look, immediate=False)
        if chosen in choices:
            self._dialog.open()

    def on_change(self) -> None:
        background_tasks.create_lazy(self._look(), name=self._task)

    def show(self, found: list[Deployed]) -> None:
        if found == self._shown and found:
            return
        self._shown = found
        self._cards.clear()
        with self._cards:
            for deployed in found:
                deployment_card(deployed)
        self._nothing.clear()
        if not found:
            text = "Give a finished job's output a name, and programs can ask it as they would ask OpenAI."
            with self._nothing, empty_state("Nothing is deployed yet", text, symbol="broadcast"):
                Button("Deploy", self._dialog.open, kind="primary")

    async def _look(self) -> None:
        found = await in_thread(self._studio.deployments.all)
        if not self._cards.is_deleted:
            self.show(found)

    async def _deploy(self, name: str, target: str) -> bool:
        done = await do(self._studio, lambda actor: self._studio.deployments.create(name, target, actor=actor))
        if done:
            ui.navigate.to(routes.deployment(name))
        return done
