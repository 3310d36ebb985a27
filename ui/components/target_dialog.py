"""Which model, output or checkpoint: for a new deployment with its name, and for a switch without one."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from core.serving.deployments import proposed_name
from ui.components.button import Button
from ui.components.text import Text, aria, box, heading
from ui.texts import said, say

#: Told the name and the target; whether that was done.
OnChosen = Callable[[str, str], Awaitable[bool]]


def deploy_dialog(choices: dict[str, str], on_chosen: OnChosen, *, chosen: str = "", name: str = "") -> ui.dialog:
    """Closed at first. `choices` are titles by what is asked for."""

    async def deploy() -> None:
        if await on_chosen((called.value or "").strip(), str(target.value or "")):
            dialog.close()

    def propose() -> None:
        if target.value and not name:
            called.value = proposed_name(choices[target.value].partition(" (")[0])

    with ui.dialog() as dialog, box("ts-dialog ts-dialog-wide"):
        dialog.props(aria("Deploy"))
        heading("Deploy", 2)
        Text("p", "It answers by its name at this studio's OpenAI-compatible endpoint.", "ts-muted")
        target = _target("What answers", choices, chosen, propose)
        with box("ts-field"):
            Text("label", "Name", "ts-label").props["for"] = "deployment-name"
            called = ui.input(value=name).props("outlined dense for=deployment-name maxlength=63")
            called.classes("ts-input").mark("deployment-name")
            Text("p", "What requests call it: small letters, digits, dots, dashes and underscores.", "ts-help")
        with box("ts-dialog-foot"):
            Button("Cancel", dialog.close)
            Button("Deploy", deploy, kind="primary").mark("deploy-confirm")
    if not name:
        propose()
    return dialog


def switch_dialog(name: str, choices: dict[str, str], on_chosen: OnChosen) -> ui.dialog:
    async def switch() -> None:
        if await on_chosen(name, str(target.value or "")):
            dialog.close()

    with ui.dialog() as dialog, box("ts-dialog ts-dialog-wide"):
        dialog.props(aria("Switch target"))
        heading("Switch target", 2)
        said = say("“{name}” goes on answering as it does until the new one is loaded. No request is lost.", name=name)
        Text("p", said, "ts-muted")
        target = _target("What answers from then on", choices, "", lambda: None)
        with box("ts-dialog-foot"):
            Button("Cancel", dialog.close)
            Button("Switch", switch, kind="primary").mark("switch-confirm")
    return dialog


def _target(label: str, choices: dict[str, str], chosen: str, on_change: Callable[[], None]) -> ui.select:
    with box("ts-field"):
        Text("label", label, "ts-label").props["for"] = "deployment-target"
        first = chosen if chosen in choices else next(iter(choices), None)
        target = ui.select(said(choices), value=first, on_change=on_change)
        target.props("outlined dense options-dense for=deployment-target popup-content-class=ts-menu")
        target.classes("ts-input").mark("deployment-target")
    return target
