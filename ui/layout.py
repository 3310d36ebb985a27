"""The chrome around every page: navigation, theme, profile, breadcrumbs, and the banners."""

import copy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from nicegui import ui

from core.studio import Studio
from storage.tables import Profile
from ui import routes
from ui.components.button import Button
from ui.components.disk_banner import disk_banner
from ui.components.menu_item import menu_item
from ui.components.profile_dialog import profile_dialog
from ui.components.starter_banner import starter_banner
from ui.components.text import Text, aria, box, heading, icon, link
from ui.notices import Notices
from ui.palette import Palette
from ui.texts import say
from ui.threads import in_thread

#: (text, href); None where the crumb is the page itself.
Crumb = tuple[str, str | None]

HOME: Crumb = ("Dashboard", routes.DASHBOARD)

DARK = {"auto": None, "light": False, "dark": True}
THEME_LABELS = {"auto": ("monitor", "Follow the system"), "light": ("sun", "Light"), "dark": ("moon", "Dark")}


@asynccontextmanager
async def frame(
    studio: Studio, title: str, crumbs: Sequence[Crumb] = (), *, tells_starter: bool = True
) -> AsyncIterator[None]:
    """`async with frame(studio, "Fine-Tuning Jobs"): …` builds the page inside the chrome.

    `crumbs` lead from the dashboard to the page; without any, the page lies right below it.
    `tells_starter`: the banner about the starter model; a page that tells it itself goes without.
    """
    profile = await in_thread(studio.people.profile)
    ui.page_title(say("{title} · Tunesmith", title=say(title)))
    dark = _paint(profile.theme)
    with ui.context.client.layout.classes("ts-shell"):
        _bar(studio, profile, dark).move(target_index=0)
    with box("ts-main") as main:
        await disk_banner(studio)
        if tells_starter:
            await starter_banner(studio)
        if ui.context.client.request.url.path != routes.DASHBOARD:
            _breadcrumbs([HOME, *(crumbs or ((title, None),))])
        yield
    Notices()
    ui.skip_link(say("Skip to main content"), target=main)


def page_head(title: str, subtitle: str = "") -> None:
    """The page's one h1, with its line below."""
    with box("ts-page-head-text"):
        heading(title, 1)
        if subtitle:
            Text("p", subtitle, "ts-subtitle")


def _paint(theme: str) -> ui.dark_mode:
    """Settles the theme before the first pixel: in the document's own head, and in this page's template."""
    client = ui.context.client
    client.page = copy.copy(client.page)
    client.page.dark = DARK[theme]
    client.page.language = "en-US"
    ui.add_head_html(f"<script>document.documentElement.dataset.theme = {DATA_THEMES[theme]};</script>")
    return ui.dark_mode(DARK[theme])


#: Literals, so that nothing from the database is ever written into a script.
DATA_THEMES = {"auto": "'auto'", "light": "'light'", "dark": "'dark'"}


def _bar(studio: Studio, profile: Profile, dark: ui.dark_mode) -> ui.element:
    with box("ts-bar", "header") as bar, box("ts-bar-inner"):
        with ui.element("a").classes("ts-brand").props(f"href={routes.DASHBOARD}").props(aria("Tunesmith, home")):
            icon("brand")
            Text("span", "Tunesmith")
        Palette()
        path = ui.context.client.request.url.path
        with box("ts-nav", "nav", label="Main"):
            _nav_link("grid", "Dashboard", routes.DASHBOARD, is_here=path == routes.DASHBOARD)
            _nav_link("tune", "Fine-Tuning Jobs", routes.jobs(), is_here=path.startswith(routes.JOBS))
            _nav_link("rows", "Datasets", routes.datasets(), is_here=path.startswith(routes.DATASETS))
            _nav_link("cube", "Models", routes.models(), is_here=path.startswith(routes.MODELS))
            _nav_link("broadcast", "Deployments", routes.deployments(), is_here=path.startswith(routes.DEPLOYMENTS))
        with box("ts-bar-foot"):
            with box("ts-bar-tools"):
                _theme_menu(studio, profile.theme, dark)
                _settings_link(is_here=path == routes.SETTINGS)
            _profile_chip(studio, profile)
    return bar


def _nav_link(symbol: str, text: str, href: str, *, is_here: bool) -> None:
    with box("ts-nav-link", "a") as entry:
        entry.props["href"] = href
        if is_here:
            entry.props("aria-current=page")
        icon(symbol)
        Text("span", text)


def _settings_link(*, is_here: bool) -> None:
    with box("ts-button ts-ghost ts-icon-only ts-button-link", "a") as entry:
        entry.props["href"] = routes.SETTINGS
        entry.props["aria-label"] = entry.props["title"] = say("Settings")
        if is_here:
            entry.props("aria-current=page")
        icon("gear")


def _theme_menu(studio: Studio, theme: str, dark: ui.dark_mode) -> None:
    async def choose(chosen: str) -> None:
        dark.value = DARK[chosen]
        ui.run_javascript(f"document.documentElement.dataset.theme = {DATA_THEMES[chosen]}")
        for name, symbol in symbols.items():
            symbol.visible = name == chosen
        await in_thread(studio.people.set_theme, chosen)

    with Button(kind="ghost", label="Theme").classes("ts-icon-only") as button:
        button.props("aria-haspopup=menu").props["title"] = say("Theme")
        symbols = {name: icon(symbol) for name, (symbol, _) in THEME_LABELS.items()}
        with ui.menu().classes("ts-menu"):
            for name, (symbol, text) in THEME_LABELS.items():
                menu_item(text, symbol, partial(choose, name))
    for name, shown in symbols.items():
        shown.visible = name == theme


def _profile_chip(studio: Studio, profile: Profile) -> None:
    dialog = profile_dialog(studio, profile)
    with ui.element("button").classes("ts-chip").on("click", dialog.open, []) as chip:
        chip.props("type=button aria-haspopup=dialog")
        chip.props["aria-label"] = say("Profile of {name}", name=profile.name)
        Text("span", profile.name[:1].upper(), "ts-avatar")
        with box("ts-chip-text"):
            Text("span", profile.name, "ts-chip-name").mark("profile-name")
            Text("span", profile.email, "ts-chip-email")


def _breadcrumbs(crumbs: Sequence[Crumb]) -> None:
    with box("ts-crumbs", "nav", label="Breadcrumb"), box("", "ol"):
        for text, href in crumbs:
            with box("", "li"):
                if href:
                    link(text, href, "ts-crumb")
                else:
                    Text("span", text, "ts-crumb-here").props("aria-current=page")
