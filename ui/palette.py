"""The command palette: Ctrl-K, a few letters, Enter. Pages are known to the browser, everything else is asked for."""

from fastapi import Response
from fastapi.responses import JSONResponse
from nicegui import app
from nicegui.element import Element

from core.finder import Hit, Kind
from core.studio import Studio
from ui import routes
from ui.design import PILLS, STATIC
from ui.texts import said, say
from ui.threads import in_thread

SEARCH = "/dashboard/search"
LONGEST = 200
GROUPS: dict[Kind, tuple[str, str]] = {
    "job": ("Jobs", "tune"),
    "dataset": ("Datasets", "rows"),
    "model": ("Models", "cube"),
    "adapter": ("Models", "cube"),
    "deployment": ("Deployments", "broadcast"),
}
WORDS = {
    "open": "Search and go to",
    "search": "Search",
    "hint": "Search pages, jobs, datasets, models, deployments",
    "results": "Results",
    "nothing": "Nothing is called “{letters}”. Try fewer letters, or a job's id.",
    "unreachable": "The studio cannot be reached, so only pages are found.",
}
#: (title, icon, href)
PAGES = (
    ("Dashboard", "grid", routes.DASHBOARD),
    ("Fine-Tuning Jobs", "tune", routes.jobs()),
    ("Datasets", "rows", routes.datasets()),
    ("Models", "cube", routes.models()),
    ("Deployments", "broadcast", routes.deployments()),
    ("Settings", "gear", routes.SETTINGS),
)
ACTIONS = (
    ("Fine-tune a Model", "plus", routes.wizard()),
    ("Upload Labeled Examples", "upload", routes.dataset_upload()),
    ("Import from Conversations", "retry", routes.conversations()),
    ("Add a model", "download", routes.add_model()),
)


class Palette(Element, component=STATIC / "palette.js"):
    """The button in the bar, and the dialog that it opens."""

    def __init__(self) -> None:
        super().__init__()
        self._props["search-url"] = SEARCH
        self._props["words"] = said(WORDS)
        self._props["pages"] = [
            {
                "group": say(group),
                "title": say(title),
                "icon": icon,
                "href": href,
                "detail": "",
                "label": "",
                "tone": "",
            }
            for group, entries in (("Go to", PAGES), ("Do", ACTIONS))
            for title, icon, href in entries
        ]


def register(studio: Studio) -> None:
    @app.get(SEARCH)
    async def search(q: str = "") -> Response:
        actor = await in_thread(studio.people.actor)
        found = await in_thread(studio.finder.find, q[:LONGEST], actor=actor)
        return JSONResponse([_shown(hit) for hit in found], headers={"cache-control": "no-store"})


def _shown(hit: Hit) -> dict[str, str]:
    group, icon = GROUPS[hit.kind]
    pill = PILLS[hit.status] if hit.status else None
    return {
        "group": say(group),
        "title": hit.title,
        "detail": say(hit.detail),
        "icon": icon,
        "href": _page_of(hit),
        "label": say(pill.label) if pill else "",
        "tone": pill.kind if pill else "",
    }


def _page_of(hit: Hit) -> str:
    match hit.kind:
        case "job":
            return routes.job(hit.id, hit.objective)
        case "dataset":
            return routes.dataset(hit.id)
        case "adapter":
            return routes.custom_model(hit.id)
        case "deployment":
            return routes.deployment(hit.id)
        case "model":
            return routes.models(q=hit.title)
