"""The page of a custom model: where it comes from, how well it did, its card, and what can be made of it."""

from nicegui import ui

from core.errors import StudioError
from core.models.custom import CustomModel, Lineage
from core.studio import Studio
from storage.spec import Objective
from ui import routes
from ui.components.button import Button
from ui.components.clock import full_date
from ui.components.confirm import confirm
from ui.components.copy_button import copyable
from ui.components.empty_state import empty_state
from ui.components.facts import fact
from ui.components.job_details import made_by
from ui.components.method_words import METHOD_WORDS
from ui.components.quantity import duration, size_of
from ui.components.text import Text, aria, box, heading, link
from ui.layout import frame, page_head
from ui.signals import Signals
from ui.texts import say
from ui.threads import in_thread

GONE = "The base model is not in the library any more in this revision, so this model cannot be used now."


def register(studio: Studio, _signals: Signals) -> None:
    @ui.page(f"{routes.CUSTOM_MODEL}/{{model_id}}")
    async def custom_model_page(model_id: str) -> None:
        try:
            found = await in_thread(studio.custom_models.lineage, model_id, studio.home.models)
        except StudioError as error:
            async with frame(studio, "Custom model", _crumbs("Not found")):
                page_head("There is no such model")
                with empty_state("Not found", str(error), symbol="search"):
                    link("Custom Models", routes.models("custom"), "ts-button ts-secondary ts-button-link")
            return
        deployed = await in_thread(studio.deployments.of_target, model_id)
        async with frame(studio, found.model.name, _crumbs(found.model.name)):
            CustomModelPage(studio, found, [one.row.name for one in deployed])


def _measured(name: str, value: float) -> str:
    if name.endswith("_bytes"):
        return size_of(int(value))
    return duration(value) if name == "seconds" else f"{value:,.4f}".rstrip("0").rstrip(".")


def _crumbs(name: str) -> tuple[tuple[str, str | None], ...]:
    return (("Models", routes.models()), ("Custom Models", routes.models("custom")), (name, None))


class CustomModelPage:
    def __init__(self, studio: Studio, found: Lineage, deployed_as: list[str]) -> None:
        self._studio = studio
        self._deployed_as = deployed_as
        self._found = found
        self._model = found.model
        self._head()
        if not found.base_is_here:
            Text("p", GONE, "ts-banner").props("role=alert")
        with box("ts-model-page"):
            with box("ts-column-narrow"):
                self._lineage()
                self._metrics()
            with box("ts-column-wide"):
                self._card()

    def _head(self) -> None:
        model, words = self._model, METHOD_WORDS[self._model.method]
        with box("ts-page-head"):
            with box("ts-page-head-text"):
                with box("ts-title-line"):
                    heading(model.name, 1)
                    Text("span", words.name, f"ts-badge ts-badge-{words.tone}")
                copyable(model.id, "model id")
                self._tags = box("ts-dataset-badges").mark("tags")
                self._show_tags(model)
            with box("ts-actions"):
                if model.objective is None:
                    Button("Delete", self._delete_dialog().open, icon="trash").mark("delete")
                Button("Edit tags", self._tags_dialog().open).mark("edit-tags")
                start = routes.wizard(objective=(model.objective or Objective.SFT).value, start=model.id)
                link("Start a job from this", start, "ts-button ts-secondary ts-button-link").mark("start-from")
                link("Deploy", routes.deployments(model.id), "ts-button ts-primary ts-button-link").mark("deploy")

    def _lineage(self) -> None:
        model, found = self._model, self._found
        with box("ts-card", "section", label="Where it comes from"):
            heading("Where it comes from", 2)
            with box("ts-facts", "dl"):
                fact("Base Model", model.base_name, copy=model.base_id, href=routes.models(q=model.base_id))
                fact("Base Revision", found.base_revision[:16] or "not told", copy=found.base_revision)
                if model.objective is not None:
                    rows = say(
                        "{count:,} row, sha256 {hash} | {count:,} rows, sha256 {hash}",
                        count=found.dataset_rows,
                        hash=found.dataset_sha256[:12],
                    )
                    fact("Dataset", model.dataset_name, note=rows, href=routes.dataset(model.dataset_id))
                    fact("Job", model.title, copy=model.id, href=routes.job(model.id, model.objective))
                if began := found.began:
                    fact("Went on from", began.name, copy=began.address, href=made_by(began))
                for job in found.goes_on_in:
                    fact("Goes on in", job.title, copy=job.id, href=routes.job(job.id, job.objective))
                for name in self._deployed_as:
                    fact("Deployed as", name, copy=name, href=routes.deployment(name))
                fact("Created On", full_date(model.created_at))
                fact("Created By", model.created_by)
                fact("Size", size_of(model.bytes))
                fact("Folder", found.folder.name, copy=str(found.folder), path=str(found.folder))

    def _metrics(self) -> None:
        facts = dict(self._found.facts)
        if self._model.eval_loss is not None and not any(name.startswith("eval_loss") for name in facts):
            facts["eval_loss"] = self._model.eval_loss
        with box("ts-card", "section", label="Results"):
            heading("Results", 2)
            if not facts:
                Text("p", "Nothing was measured of it here.", "ts-muted")
                return
            with box("ts-facts", "dl"):
                for name, value in facts.items():
                    fact(name.removesuffix("_bytes").replace("_", " ").capitalize(), _measured(name, value))

    def _card(self) -> None:
        with box("ts-card", "section", label="Model card"):
            heading("Model card", 2)
            if self._found.card:
                Text("pre", self._found.card, "ts-code-text").mark("card")
            else:
                Text("p", "It came without a card.", "ts-muted")

    def _show_tags(self, model: CustomModel) -> None:
        self._tags.clear()
        with self._tags:
            for tag in model.tags:
                link(tag, routes.models("custom", q=tag), "ts-badge ts-badge-grey").mark(f"tag-{tag}")

    def _tags_dialog(self) -> ui.dialog:
        async def save() -> None:
            tags = [tag for tag in (entry.value or "").split(",") if tag.strip()]
            try:
                actor = await in_thread(self._studio.people.actor)
                changed = await in_thread(self._studio.custom_models.set_tags, self._model.id, tags, actor=actor)
            except StudioError as error:
                problem.text = str(error)
                return
            self._show_tags(changed)
            dialog.close()

        with ui.dialog() as dialog, box("ts-dialog"):
            dialog.props(aria("Edit tags"))
            heading("Edit tags", 2)
            with box("ts-field"):
                Text("label", "Tags, separated by commas", "ts-label").props["for"] = "model-tags"
                entry = ui.input(value=", ".join(self._model.tags)).props("outlined dense for=model-tags")
                entry.classes("ts-input").mark("model-tags")
            problem = Text("p", "", "ts-error").props("role=alert")
            with box("ts-dialog-foot"):
                Button("Cancel", dialog.close)
                Button("Save", save, kind="primary").mark("save-tags")
        return dialog

    def _delete_dialog(self) -> ui.dialog:
        return confirm(
            say("Delete {name}?", name=self._model.name),
            "It goes to the trash for a week. Jobs that went on from it keep what they have.",
            yes="Delete",
            no="Keep it",
            on_yes=self._delete,
        )

    async def _delete(self) -> None:
        try:
            actor = await in_thread(self._studio.people.actor)
            await in_thread(self._studio.adapters.remove, self._model.id, actor=actor)
        except StudioError as error:
            ui.notify(say(str(error)), type="negative")
            return
        ui.navigate.to(routes.models("custom"))
