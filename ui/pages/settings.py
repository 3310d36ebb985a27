"""The settings: who you are, how it looks, what this browser may say, and what this installation is and has."""

from functools import partial

from nicegui import ui

from core.errors import BadInput
from core.installation import Installation
from core.overview import Machine, machine
from core.serving.settings import Settings
from core.serving.standing import ENGINES
from core.studio import Studio
from core.tracking import TITLES
from storage.tables import Profile
from storage.trackers import Tracker
from ui import routes
from ui.components.button import Button
from ui.components.disk_use import DiskUse
from ui.components.facts import fact
from ui.components.meter import Meter
from ui.components.profile_dialog import profile_fields
from ui.components.quantity import counted, size_of
from ui.components.stat_cards import meters
from ui.components.text import Text, box, heading
from ui.layout import THEME_LABELS, frame, page_head
from ui.notices import NotifySwitch
from ui.signals import Signals
from ui.texts import say
from ui.threads import in_thread


def register(studio: Studio, _signals: Signals) -> None:
    @ui.page(routes.SETTINGS)
    async def settings_page() -> None:
        profile = await in_thread(studio.people.profile)
        measured = await in_thread(lambda: machine(studio.hardware(), studio.home))
        trackers = await in_thread(_trackers, studio)
        async with frame(studio, "Settings"):
            with box("ts-page-head"):
                page_head("Settings", "You, this browser, and what this installation is made of.")
            with box("ts-settings"):
                with box("ts-settings-column"):
                    _profile(studio, profile)
                    _appearance(studio, profile)
                    _notifications()
                    _trackers_card(trackers)
                    _serving(studio.serving_settings)
                with box("ts-settings-column"):
                    _installation(studio)
                    _machine(measured)
                    _disk(studio)
            _environment()


def _card(title: str, text: str = "") -> ui.element:
    with box("ts-card ts-setting", "section") as card:
        card.props["aria-label"] = say(title)
        heading(title, 2)
        if text:
            Text("p", text, "ts-muted")
    return card


def _profile(studio: Studio, profile: Profile) -> None:
    text = "Your jobs and datasets are shown with this name and email. It stays on this machine."
    with _card("Profile", text), box("ts-setting-form", "form") as form:
        save = profile_fields(studio, profile, form, prefix="settings")
        Button("Save", save, kind="primary").mark("save-settings-profile")


def _appearance(studio: Studio, profile: Profile) -> None:
    async def choose(theme: str) -> None:
        await in_thread(studio.people.set_theme, theme)
        ui.navigate.reload()

    with _card("Theme"), box("ts-segments", label="Theme").props("role=group"):
        for theme, (_, text) in THEME_LABELS.items():
            with ui.element("button").classes("ts-segment").on("click", partial(choose, theme), []) as segment:
                segment.props("type=button").mark(f"theme-{theme}")
                segment.props["aria-pressed"] = "true" if theme == profile.theme else "false"
                Text("span", text)


def _notifications() -> None:
    with _card("Notifications", "Every open page tells when a job completes or fails. The browser can tell it too:"):
        NotifySwitch()


def _trackers(studio: Studio) -> list[tuple[Tracker, str]]:
    """Each tracker with what is to be done before it works; empty where nothing is."""
    try:
        return [(tracker, studio.tracking.hint(tracker)) for tracker in Tracker]
    except BadInput as error:
        return [(tracker, str(error)) for tracker in Tracker]


def _trackers_card(trackers: list[tuple[Tracker, str]]) -> None:
    text = "Metrics are always on the job page. A job can send them elsewhere as well, where that is set up here."
    with _card("Trackers", text), box("ts-facts", "dl"):
        for tracker, hint in trackers:
            fact(TITLES[tracker], "To be set up" if hint else "Ready", note=hint)
        fact("Settings", "tunesmith trackers ls", copy="tunesmith trackers ls", note="Lists them; “set” changes one.")


def _installation(studio: Studio) -> None:
    installed, home = studio.installation, studio.home.path
    logs = "The server writes to its terminal, or to the journal under systemd; each attempt of a job into its folder."
    with _card("This installation"), box("ts-facts", "dl"):
        fact("Version", installed.version)
        fact("Python", installed.python)
        fact("Data folder", str(home), copy=str(home))
        fact(
            "Logs of a job",
            "runs/JOB/attempts/N",
            copy=str(studio.home.runs),
            note=say("stdout.log, stderr.log. {logs}", logs=say(logs)),
        )
        fact("Check-up", "tunesmith doctor", copy="tunesmith doctor", note="Says what is wrong, and how to mend it.")


def _machine(measured: Machine) -> None:
    with _card("Machine"):
        with box("ts-stat-meters"):
            for name, (share, text) in meters(measured).items():
                Meter(name).show(share, text)
            used = measured.disk_bytes - measured.disk_free_bytes
            Meter("Disk").show(
                used / measured.disk_bytes,
                say("{used} of {total}", used=size_of(used), total=size_of(measured.disk_bytes)),
            )
        if measured.gpu_error:
            Text(
                "p",
                say("The driver does not say which GPUs there are: {error}", error=measured.gpu_error),
                "ts-note",
            )
        elif not measured.gpus:
            Text("p", "No NVIDIA GPU was found: jobs train on the processor.", "ts-note")


def _disk(studio: Studio) -> None:
    with _card("Data folder"):
        DiskUse(studio)


def _serving(settings: Settings) -> None:
    text = "What answers at the endpoint may take this much of the machine."
    with _card("Deployments", text), box("ts-facts", "dl"):
        fact("Memory", size_of(settings.memory_bytes), note="All models together; the longest unused one leaves.")
        fact("Idle time", f"{settings.idle_s / 60:g} min", note="Then a model leaves the memory until it is asked.")
        fact("At a time", counted(settings.slots, "answers"), note="Of one model; others wait.")
        fact(
            "Context",
            counted(settings.context_length, "tokens"),
            note="Prompt and answer together.",
        )
        fact("Engine", ENGINES[settings.engine], note="On a processor, where it can hold the model.")
        fact("Weights", say("{count} bit | {count} bits", count=settings.bits), note="Where this engine answers.")


def _environment() -> None:
    text = "Read when the studio starts; set them where you start it, then start it again."
    with _card("Environment variables", text), box("ts-variables", "table"):
        with box("", "thead"), box("", "tr"):
            for title in ("Variable", "What it does", "Now"):
                Text("th", title).props["scope"] = "col"
        with box("", "tbody"):
            for variable in Installation.variables():
                with box("", "tr").mark(f"variable-{variable.name}"):
                    Text("th", variable.name, "ts-variable").props["scope"] = "row"
                    Text("td", f"{say(variable.meaning)}.")
                    with box("", "td"):
                        if variable.value:
                            Text("span", variable.value, "ts-strong")
                        else:
                            Text("span", say("not set: {default}", default=say(variable.default)), "ts-muted")
