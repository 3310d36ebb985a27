"""The dataset page: one version's verdict, rows, findings, tokens, lineage and uses. The tab is in the address."""

from nicegui import ui

from core.errors import NotFound
from core.studio import Studio
from storage.tables import Dataset
from ui import routes
from ui.components.dataset_findings import DatasetFindings
from ui.components.dataset_head import dataset_head
from ui.components.dataset_rows import DatasetRows
from ui.components.dataset_tokens import DatasetTokens
from ui.components.dataset_uses import dataset_uses
from ui.components.dataset_versions import dataset_versions
from ui.components.empty_state import empty_state
from ui.components.text import box, link
from ui.kinds import WORDS
from ui.layout import frame
from ui.signals import Signals
from ui.texts import say
from ui.threads import in_thread

TABS = {"rows": "Rows", "findings": "Findings", "tokens": "Tokens", "versions": "Versions", "jobs": "Used by"}


def register(studio: Studio, _signals: Signals) -> None:
    @ui.page(f"{routes.DATASETS}/{{dataset_id}}")
    async def dataset_page(
        dataset_id: str,
        tab: str = "",
        order: str = "",
        row: str = "",
        code: str = "",
        page: str = "1",
        model: str = "",
        context: str = "",
    ) -> None:
        actor = await in_thread(studio.people.actor)
        try:
            dataset = await in_thread(studio.datasets.get, dataset_id, actor=actor)
        except NotFound as error:
            await _missing(studio, str(error))
            return
        versions = await in_thread(studio.datasets.versions, dataset_id, actor=actor)
        chosen = tab if tab in TABS else "findings" if dataset.errors else "rows"
        crumbs = ((WORDS[dataset.kind].title, routes.datasets(dataset.kind)), (dataset.name, None))
        async with frame(studio, dataset.name, crumbs):
            dataset_head(studio, dataset, versions)
            _tabs(dataset, chosen, len(versions))
            with box("ts-tab-body"):
                match chosen:
                    case "findings":
                        await DatasetFindings(studio, dataset).start(code, page)
                    case "tokens":
                        await DatasetTokens(studio, dataset).start(model, context, row)
                    case "versions":
                        await dataset_versions(studio, dataset, versions)
                    case "jobs":
                        await dataset_uses(studio, dataset)
                    case _:
                        await DatasetRows(studio, dataset).start(order, row)


async def _missing(studio: Studio, sentence: str) -> None:
    async with frame(studio, "No such dataset", (("Datasets", routes.datasets()), ("Not found", None))):
        with empty_state("This dataset is not here", sentence, symbol="search", level=1):
            link("See all datasets", routes.datasets(), "ts-button ts-secondary ts-button-link")


def _tabs(dataset: Dataset, current: str, versions: int) -> None:
    counts = {"findings": dataset.errors + dataset.warnings, "versions": versions}
    with box("ts-tabs", "nav", label="About this dataset"):
        for name, title in TABS.items():
            count = counts.get(name, 0)
            tab = link(f"{say(title)} ({count:,})" if count else title, routes.dataset(dataset.id, tab=name), "ts-tab")
            if name == current:
                tab.props("aria-current=page")
