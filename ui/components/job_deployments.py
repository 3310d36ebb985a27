"""The job page's Deployments: what answers with this job's output or a checkpoint of it, and the button for more."""

from nicegui import ui

from core.checkpoints import Saved
from core.serving.deployments import Deployed, proposed_name
from core.studio import Studio
from storage.status import Status
from storage.tables import Job
from ui import routes
from ui.components.button import Button
from ui.components.deployment_actions import do
from ui.components.status_pill import StatusPill
from ui.components.target_dialog import deploy_dialog
from ui.components.text import Text, box, heading, link
from ui.texts import say


class JobDeployments:
    """The card; `DeployButton` stands in the page's head."""

    def __init__(self) -> None:
        self._shown: list[Deployed] = []
        with box("ts-card", "section", label="Deployments").mark("job-deployments"):
            heading("Deployments", 2)
            self._nothing = Text("p", "No current deployments.", "ts-muted")
            self._list = box("ts-stretch")

    def show(self, found: list[Deployed]) -> None:
        self._nothing.visible = not found
        self._list.clear()
        with self._list:
            for deployed in found:
                with box("ts-deployed"):
                    link(deployed.row.name, routes.deployment(deployed.row.name))
                    StatusPill(deployed.standing.state)
                    Text("p", f"{deployed.target}. {deployed.standing.reason}", "ts-note")


class DeployButton:
    """There is something to deploy once a checkpoint or the output is whole."""

    def __init__(self, studio: Studio, job: Job) -> None:
        self._studio = studio
        self._job = job
        self._choices: dict[str, str] = {}
        self._dialogs = box("ts-hidden")
        self.button = Button("Deploy", self._open, kind="primary", icon="broadcast").mark("deploy")
        self.button.visible = False

    def show(self, job: Job, checkpoints: tuple[Saved, ...]) -> None:
        whole = {job.id: say("{name} (final output)", name=job.output_name)} if job.status is Status.COMPLETED else {}
        self._choices = whole | {
            f"{job.id}@{saved.step}": say("{name}, step {step}", name=job.output_name, step=saved.step)
            + (f" ({', '.join(saved.badges)})" if saved.badges else "")
            for saved in checkpoints
        }
        self.button.visible = bool(self._choices)

    def open_for(self, step: int) -> None:
        """The dialog with this checkpoint chosen."""
        self._open(f"{self._job.id}@{step}")

    def _open(self, target: str = "") -> None:
        self._dialogs.clear()
        chosen = target if target in self._choices else ""
        with self._dialogs:
            name = proposed_name(self._job.output_name)
            deploy_dialog(self._choices, self._deploy, chosen=chosen, name=name).open()

    async def _deploy(self, name: str, target: str) -> bool:
        done = await do(self._studio, lambda actor: self._studio.deployments.create(name, target, actor=actor))
        if done:
            ui.navigate.to(routes.deployment(name))
        return done
