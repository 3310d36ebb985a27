"""Saved settings in the wizard: put in place, save these, delete."""

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

from core.errors import StudioError
from core.presets import Preset
from core.studio import Studio
from ui.components.button import Button
from ui.components.confirm import confirm
from ui.components.spec_form import SpecForm
from ui.components.text import Text, aria, box, heading
from ui.texts import say
from ui.threads import in_thread


class WizardPresets:
    """`chosen` is the name whose settings were just put in place; `on_apply` gets the name of the next."""

    def __init__(
        self,
        studio: Studio,
        form: SpecForm,
        presets: Sequence[Preset],
        chosen: str,
        on_apply: Callable[[str], Awaitable[None]],
    ) -> None:
        self._studio = studio
        self._form = form
        self._on_apply = on_apply
        names = [preset.name for preset in presets]
        #: Whose settings are in place; choosing it is no wish.
        self._current = chosen if chosen in names else None
        with box("ts-preset").mark("presets"):
            with box("ts-field") as self._field:
                Text("label", "Preset", "ts-label").props["for"] = "preset-select"
                self._select = ui.select(names, value=self._current, on_change=self._choose)
                self._select.props("outlined dense for=preset-select popup-content-class=ts-menu")
                self._select.props("aria-describedby=preset-help").classes("ts-input").mark("preset")
            with box("ts-actions"):
                Button("Save as preset", self._ask_name, icon="plus").mark("save-preset")
                self._delete = Button(icon="trash", label="Delete preset", on_click=self._ask_delete, kind="ghost")
                self._delete.mark("delete-preset")
        self._said = Text("p", "", "ts-help").props("id=preset-help role=status").mark("preset-said")
        self._dialogs = box("ts-hidden")
        self._show()
        if self._current:
            self._said.text = say(
                "The settings of “{preset}” are in place. Model, datasets and names are as they were.", preset=chosen
            )

    def _show(self) -> None:
        names = list(self._select.options)
        self._field.visible = bool(names)
        self._delete.visible = bool(self._select.value)
        self._said.text = (
            "Settings that you saved, for any model and dataset."
            if names
            else "Settings that you save can be put in place in the next wizard."
        )

    async def _choose(self) -> None:
        if self._select.value and self._select.value != self._current:
            await self._on_apply(str(self._select.value))

    def _ask_name(self) -> None:
        self._dialogs.clear()
        with self._dialogs:
            _name_dialog(str(self._select.value or ""), self._save).open()

    async def _save(self, name: str) -> str:
        """Why not, as a sentence; empty once it is saved."""
        try:
            actor = await in_thread(self._studio.people.actor)
            await in_thread(self._studio.presets.save, name, self._form.content, actor=actor)
        except StudioError as error:
            return str(error)
        self._current = name
        self._select.set_options(sorted({*self._select.options, name}), value=name)
        self._show()
        self._said.text = say("Saved as “{name}”.", name=name)
        return ""

    def _ask_delete(self) -> None:
        name = str(self._select.value)

        async def delete() -> None:
            actor = await in_thread(self._studio.people.actor)
            await in_thread(self._studio.presets.delete, name, actor=actor)
            self._current = None
            self._select.set_options([one for one in self._select.options if one != name], value=None)
            self._show()
            self._said.text = say("“{name}” is deleted. The settings below stay.", name=name)

        self._dialogs.clear()
        with self._dialogs:
            confirm(
                say("Delete the preset “{name}”?", name=name),
                "The settings below stay as they are, and so do jobs that were made with it.",
                yes="Delete preset",
                no="Keep it",
                on_yes=delete,
            ).open()


def _name_dialog(name: str, on_save: Callable[[str], Awaitable[str]]) -> ui.dialog:
    async def save() -> None:
        problem.text = await on_save((entry.value or "").strip())
        problem.visible = bool(problem.text)
        if not problem.text:
            dialog.close()

    with ui.dialog().props(aria("Save as preset")) as dialog, box("ts-dialog", "form") as form:
        form.on("submit.prevent", save, [])
        heading("Save as preset", 2)
        Text("p", "Method and settings are saved; model, datasets, chat template and names are not.", "ts-muted")
        with box("ts-field"):
            Text("label", "Name", "ts-label").props["for"] = "preset-name"
            entry = ui.input(value=name).props("outlined dense autofocus for=preset-name maxlength=60")
            entry.classes("ts-input").mark("preset-name")
            Text("p", "A preset of the same name is replaced.", "ts-help")
        problem = Text("p", "", "ts-error").props("role=alert").mark("preset-problem")
        problem.visible = False
        with box("ts-dialog-foot"):
            Button("Cancel", dialog.close)
            Button("Save", save, kind="primary").mark("preset-save")
    return dialog
