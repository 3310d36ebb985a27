"""What is shown where there is no page, and where one could not be built: the way back, and what to do."""

import logging

from fastapi.exception_handlers import http_exception_handler
from nicegui import Client, app
from nicegui.page import page
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from core.studio import Studio
from ui import routes
from ui.components.empty_state import empty_state
from ui.components.text import Text, heading, link
from ui.layout import frame
from ui.signals import Signals
from ui.texts import say

log = logging.getLogger(__name__)


def register(studio: Studio, _signals: Signals) -> None:
    @app.exception_handler(404)
    async def not_found(request: Request, error: Exception) -> Response:
        if _is_no_page(request) and isinstance(error, HTTPException):
            return await http_exception_handler(request, error)
        said = say(
            "Nothing answers at {path}. The link may be old, or what it led to was deleted.",
            path=request.url.path[:200],
        )
        return await _built(studio, request, 404, "There is no such page", said)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        if not request.scope.get("nicegui_page_path"):
            raise error  # an address for programs
        log.error("The page %s could not be built.", request.url.path, exc_info=error)
        what = f"{type(error).__name__}: {error}".removesuffix(": ")[:300]
        said = say(
            "The studio could not build it ({what}). The server's log says more. "
            "Reload the page; if that does not help, run tunesmith doctor.",
            what=what,
        )
        return await _built(studio, request, 500, "This page is broken", said)


def _is_no_page(request: Request) -> bool:
    """Files and addresses for programs answer in their own way."""
    endpoint = request.scope.get("endpoint")
    return endpoint is not None and endpoint is not app and not request.scope.get("nicegui_page_path")


async def _built(studio: Studio, request: Request, status: int, title: str, said: str) -> Response:
    """Inside the chrome; where the chrome itself is what fails, without it."""
    try:
        with Client(page(""), request=request) as client:
            async with frame(studio, title, tells_starter=False):
                with empty_state(title, said, symbol="search" if status == 404 else "alert", level=1):
                    link("Back to the dashboard", routes.DASHBOARD, "ts-button ts-primary ts-button-link")
                    link("Fine-Tuning Jobs", routes.jobs(), "ts-button ts-secondary ts-button-link")
        return client.build_response(request, status)
    except Exception:  # this is the page for when something fails
        log.exception("The page about an error could not be built either.")
        with Client(page(""), request=request) as plain:
            heading(title, 1)
            Text("p", said)
        return plain.build_response(request, status)
