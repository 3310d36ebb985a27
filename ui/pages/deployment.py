"""One deployment: how it stands, how it is asked, what it does, and a box to try it."""

from collections.abc import Callable

from nicegui import background_tasks, ui

from core.errors import NotFound
from core.serving.deployments import Deployed
from core.studio import Studio
from storage.spec import Objective
from storage.tables import Deployment, TargetKind
from ui import routes
from ui.components.button import Button
from ui.components.clock import full_date
from ui.components.confirm import confirm
from ui.components.deployment_actions import do
from ui.components.deployment_figures import DeploymentFigures
from ui.components.empty_state import empty_state
from ui.components.facts import fact
from ui.components.menu_item import menu_item
from ui.components.snippets import snippets
from ui.components.status_pill import StatusPill
from ui.components.target_dialog import switch_dialog
from ui.components.text import Text, box, heading, link
from ui.components.try_box import TryBox
from ui.layout import frame
from ui.signals import Signals
from ui.texts import say
from ui.threads import in_thread

HOME = ("Deployments", routes.deployments())
LOOK_EVERY_S = 1.0
KINDS = {
    TargetKind.MODEL: "Base model",
    TargetKind.JOB: "Job output",
    TargetKind.CHECKPOINT: "Checkpoint",
    TargetKind.ADAPTER: "Adapter that was brought",
}


def register(studio: Studio, signals: Signals) -> None:
    @ui.page(f"{routes.DEPLOYMENTS}/{{name}}")
    async def deployment_page(name: str) -> None:
        try:
            row = await in_thread(studio.deployments.get, name)
        except NotFound as error:
            await _not_found(studio, str(error))
            return
        deployed = await in_thread(studio.deployments.shown, row)
        choices = await in_thread(studio.deployments.choices)
        objective = await in_thread(_objective, studio, deployed)
        base_url = str(ui.context.client.request.base_url).rstrip("/")
        async with frame(studio, name, (HOME, (name, None))):
            view = DeploymentView(studio, deployed, choices, objective, f"{base_url}/v1")
            signals.deployments.subscribe(view.on_change)


class DeploymentView:
    def __init__(
        self, studio: Studio, deployed: Deployed, choices: dict[str, str], objective: Objective | None, url: str
    ) -> None:
        self._studio = studio
        self._name = deployed.row.name
        self._objective = objective
        self._shown_target = ""
        self._task = f"deployment page {ui.context.client.id}"
        with box("ts-page-head"):
            with box("ts-page-head-text"):
                with box("ts-title-line"):
                    heading(self._name, 1)
                    self._pill = StatusPill(deployed.standing.state)
                self._reason = Text("p", "", "ts-muted").props("role=status").mark("reason")
            with box("ts-actions"):
                self._actions(choices)
        self._switch = Text("p", "", "ts-notice").props("role=status").mark("switching")
        self._figures = DeploymentFigures()
        with box("ts-columns"):
            with box("ts-column-wide"):
                TryBox(studio, self._name)
                snippets(url, self._name)
            with box("ts-column-narrow"), box("ts-card", "section", label="Details"):
                heading("Details", 2)
                self._facts = box("ts-facts", "dl")
        self.show(deployed)
        ui.timer(LOOK_EVERY_S, self._look, immediate=False)

    def on_change(self) -> None:
        background_tasks.create_lazy(self._look(), name=self._task)

    def show(self, deployed: Deployed) -> None:
        self._pill.show(deployed.standing.state)
        self._reason.text = deployed.standing.reason
        self._switch.text = deployed.switch
        self._switch.visible = bool(deployed.switch)
        self._figures.show(deployed)
        self._start.visible = not deployed.row.wanted or deployed.standing.state == "degraded"
        self._stop.visible = deployed.row.wanted
        told = f"{deployed.target} {deployed.standing.engine} {deployed.row.message}"
        if told != self._shown_target:
            self._shown_target = told
            self._show_facts(deployed)

    def _show_facts(self, deployed: Deployed) -> None:
        row = deployed.row
        is_model = row.kind is TargetKind.MODEL
        self._facts.clear()
        with self._facts:
            href = "" if is_model or self._objective is None else routes.job(row.target_id, self._objective)
            fact("Target", deployed.target, copy=row.target_id, href=href)
            fact("Kind", KINDS[row.kind])
            if deployed.standing.engine:
                fact("Engine", deployed.standing.engine)
            fact("Last change", row.message)
            fact("Created on", full_date(row.created_at))
            fact("Created by", row.created_by_name, note=row.created_by_email)

    def _actions(self, choices: dict[str, str]) -> None:
        deployments = self._studio.deployments
        switching = switch_dialog(self._name, choices, self._do_switch)
        deleting = confirm(
            say("Delete “{name}”?", name=self._name),
            "Requests for this name are refused from then on. The model, job or checkpoint behind it stays.",
            yes="Delete deployment",
            no="Keep it",
            on_yes=self._delete,
        )
        self._start = Button("Start", lambda: self._do(deployments.start), icon="play").mark("start")
        Button("Switch target", switching.open, icon="retry").mark("switch")
        with Button("Actions", icon="chevron-down").classes("ts-icon-right"), ui.menu().classes("ts-menu"):
            self._stop = menu_item("Stop", "stop", lambda: self._do(deployments.stop)).mark("stop")
            menu_item("Delete", "trash", deleting.open).mark("delete")

    async def _do(self, doing: Callable[..., Deployment]) -> None:
        if await do(self._studio, lambda actor: doing(self._name, actor=actor)):
            await self._look()

    async def _do_switch(self, name: str, target: str) -> bool:
        return await do(self._studio, lambda actor: self._studio.deployments.switch(name, target, actor=actor))

    async def _delete(self) -> None:
        if await do(self._studio, lambda actor: self._studio.deployments.delete(self._name, actor=actor)):
            ui.navigate.to(routes.deployments())

    async def _look(self) -> None:
        try:
            row = await in_thread(self._studio.deployments.get, self._name)
        except NotFound:  # deleted while the page was open
            if not self._reason.is_deleted:
                self._reason.text = "This deployment was deleted."
            return
        deployed = await in_thread(self._studio.deployments.shown, row)
        if not self._reason.is_deleted:
            self.show(deployed)


def _objective(studio: Studio, deployed: Deployed) -> Objective | None:
    """Of the job behind it, which its page's address needs; None where there is none."""
    try:
        return studio.runs.get(deployed.row.target_id).objective
    except NotFound:
        return None


async def _not_found(studio: Studio, sentence: str) -> None:
    ui.context.client.status_code = 404
    async with frame(studio, "No such deployment", (HOME, ("No such deployment", None))):
        with empty_state("There is no such deployment", sentence, symbol="search", level=1):
            link("Back to the deployments", routes.deployments(), "ts-button ts-primary ts-button-link")
