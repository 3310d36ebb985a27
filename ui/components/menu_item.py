"""An entry of a menu: an icon and words, announced as what it is."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from ui.components.text import Text, icon


def menu_item(text: str, symbol: str, on_click: Callable[[], Any]) -> ui.menu_item:
    with ui.menu_item(on_click=on_click).classes("ts-menu-item").props("role=menuitem") as item:
        icon(symbol)
        Text("span", text)
    return item


def copy_item(text: str, copied: str) -> None:
    """Stays open after the click, so that its tick is seen."""
    with ui.menu_item(auto_close=False).classes("ts-menu-item").props("role=menuitem") as item:
        item.props["data-copy"] = copied
        icon("copy")
        icon("check")
        Text("span", text)
