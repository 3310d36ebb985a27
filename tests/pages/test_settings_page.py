"""The settings page: who you are, the theme, and the facts of this installation."""

import asyncio

import pytest
from nicegui.testing import User

from core.home import HOME_VARIABLE
from core.installation import Installation
from core.serving.settings import IDLE_VARIABLE
from core.studio import Studio
from storage.files import write_atomic
from ui import routes


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named before `studio`, which reads it when it is made."""
    monkeypatch.setenv(IDLE_VARIABLE, "7.5")


async def test_the_profile_is_changed_and_a_wrong_email_is_said(user: User, studio: Studio) -> None:
    await user.open(routes.SETTINGS)
    user.find(marker="settings-email").clear().type("nobody")
    user.find(marker="save-settings-profile").click()
    await user.should_see("“nobody” is not an email address")
    user.find(marker="settings-email").clear().type("ada@example.org")
    user.find(marker="settings-name").clear().type("Ada")
    user.find(marker="save-settings-profile").click()
    for _ in range(300):
        if (profile := studio.people.profile()).name == "Ada":
            break
        await asyncio.sleep(0.05)
    assert (profile.name, profile.email) == ("Ada", "ada@example.org")


async def test_the_theme_is_kept(user: User, studio: Studio) -> None:
    await user.open(routes.SETTINGS)
    user.find(marker="theme-dark").click()
    for _ in range(300):
        if studio.people.profile().theme == "dark":
            break
        await asyncio.sleep(0.05)
    await user.open(routes.SETTINGS)
    (chosen,) = user.find(marker="theme-dark").elements
    assert chosen.props["aria-pressed"] == "true"


async def test_it_tells_what_this_installation_is_and_takes(idle: None, user: User, studio: Studio) -> None:
    await user.open(routes.SETTINGS)
    for text in (str(studio.home.path), "tunesmith doctor", "cores", "7.5 min", "Weights & Biases", IDLE_VARIABLE):
        await user.should_see(text)
    await user.should_see("Base models")
    await user.should_see("in all")


def test_a_file_with_two_names_is_counted_once(studio: Studio) -> None:
    write_atomic(studio.home.models / "weights", bytes(50_000))
    (studio.home.runs / "weights").hardlink_to(studio.home.models / "weights")
    found = {part.title: part.bytes for part in studio.installation.parts()}
    runs, models = found["Runs, with checkpoints and outputs"], found["Base models"]
    assert 50_000 <= runs + models < 60_000


def test_every_variable_says_what_is_set() -> None:
    found = {variable.name: variable for variable in Installation.variables({HOME_VARIABLE: "/srv/x"})}
    assert found[HOME_VARIABLE].value == "/srv/x"
    assert not found[IDLE_VARIABLE].value
    assert found[IDLE_VARIABLE].default == "15"
    assert all(variable.meaning and variable.default for variable in found.values())
