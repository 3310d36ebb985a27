"""Who are you? Asked once at the first visit, changed any time by the profile chip. Shown as "Created by"."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from core.errors import StudioError
from core.studio import Studio
from storage.tables import Profile
from ui.components.button import Button
from ui.components.text import Text, aria, box, heading
from ui.threads import in_thread


def profile_dialog(studio: Studio, profile: Profile) -> ui.dialog:
    """Open by itself until the profile was confirmed once."""
    with ui.dialog(value=not profile.confirmed) as dialog, box("ts-dialog", "form") as form:
        dialog.props(aria("Your profile"))
        heading("Your profile" if profile.confirmed else "Welcome to Tunesmith", 2)
        Text("p", "Your jobs are shown with this name and email. It stays on this machine.", "ts-muted")
        save = profile_fields(studio, profile, form, prefix="profile", then=dialog.close)
        with box("ts-dialog-foot"):
            if profile.confirmed:
                Button("Cancel", dialog.close)
            Button("Save" if profile.confirmed else "Looks right", save, kind="primary").mark("save-profile")
    return dialog


def profile_fields(
    studio: Studio, profile: Profile, form: ui.element, *, prefix: str, then: Callable[[], object] = lambda: None
) -> Callable[[], Awaitable[None]]:
    """Name and email inside a form; what is returned saves them. `prefix` keeps two forms of a page apart."""

    async def save() -> None:
        try:
            await in_thread(studio.people.save, name.value or "", email.value or "")
        except StudioError as error:
            problem.text = str(error)
            problem.visible = True
            return
        then()
        ui.navigate.reload()

    form.on("submit.prevent", save, [])
    name = _entry("Name", profile.name, prefix, "name")
    email = _entry("Email", profile.email, prefix, "email")
    problem = Text("p", "", "ts-error").props("role=alert")
    problem.visible = False
    return save


def _entry(title: str, value: str, prefix: str, name: str) -> ui.input:
    with box("ts-field"):
        Text("label", title, "ts-label").props["for"] = f"{prefix}-{name}"
        entry = ui.input(value=value).props(f"outlined dense for={prefix}-{name} autocomplete={name}")
        return entry.classes("ts-input").mark(f"{prefix}-{name}")
