"""The banner of a short disk: on every page, for as long as it lasts."""

import pytest
from nicegui.testing import User

from core.home import Home
from core.studio import Studio

PAGES = ("/dashboard/fine-tuning?type=supervised", "/dashboard/fine-tuning/create?objective=sft&step=1")


@pytest.mark.parametrize("page", PAGES)
async def test_a_short_disk_is_said_on_every_page(user: User, studio: Studio, page: str) -> None:
    await user.open(page)
    await user.should_not_see("The disk is short")
    studio.home = Home(studio.home.path, floor_bytes=10**18)
    await user.open(page)
    await user.should_see("The disk is short")
    await user.should_see("Nothing new starts")


async def test_it_comes_and_goes_without_a_reload(user: User, studio: Studio) -> None:
    await user.open(PAGES[0])
    roomy, short = studio.home, Home(studio.home.path, floor_bytes=10**18)
    studio.home = short
    await user.should_see("The disk is short")
    studio.home = roomy
    await user.should_not_see("The disk is short")
