"""When a job ends, every open page says so; the browser too, where its switch in the settings is on."""

from nicegui import background_tasks
from nicegui.client import Client
from nicegui.element import Element

from core.endings import Endings
from core.studio import Studio
from storage.status import Status
from storage.tables import Job
from ui import routes
from ui.design import PILLS, STATIC
from ui.signals import Signals
from ui.texts import said, say
from ui.threads import in_thread

NOTICE = {"open": "Open the job", "close": "Close the notice about {title}"}
SWITCH = {
    "label": "Browser notifications when a job ends",
    "on": "On: when a job ends while you look at something else, this browser says so.",
    "off": "Off. Switching it on asks this browser for its permission.",
    "denied": "This browser was told to refuse them. Allow notifications for this address in its site settings, then "
    "reload.",
    "insecure": "Browsers allow them on https and on localhost (127.0.0.1) only; this page was opened by another "
    "address.",
    "missing": "This browser has no notifications.",
}


class Notices(Element, component=STATIC / "notices.js"):
    """The corner of a page where they appear. `static/notices.js` draws them."""

    def __init__(self) -> None:
        super().__init__()
        self._props["words"] = said(NOTICE)

    def tell(self, job: Job) -> None:
        pill = PILLS[job.status]
        text = say("is ready to be tried." if job.status is Status.COMPLETED else (job.message or "has failed."))
        told = {"id": job.id, "title": job.title, "text": text, "label": say(pill.label), "tone": pill.kind}
        self.run_method("tell", {**told, "url": routes.job(job.id, job.objective)})


class NotifySwitch(Element, component=STATIC / "notify.js"):
    """Asks the browser for its permission on the click, and says where it cannot have it."""

    def __init__(self) -> None:
        super().__init__()
        self._props["words"] = said(SWITCH)


def register(studio: Studio, signals: Signals) -> None:
    """One look at the job for all pages, however many are open."""
    endings = Endings(studio.runs)

    async def look(job_id: str) -> None:
        if job := await in_thread(endings.note, job_id):
            for client in list(Client.instances.values()):
                tell(client, job)

    def on_job(job_id: str) -> None:
        background_tasks.create(look(job_id), name=f"ending of {job_id}")

    signals.jobs.subscribe(on_job)


def tell(client: Client, job: Job) -> None:
    with client:
        for element in list(client.elements.values()):
            if isinstance(element, Notices):
                element.tell(job)
