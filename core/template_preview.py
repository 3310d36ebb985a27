"""What a chat template makes of a dataset's first rows, before a job is created with it."""

from pathlib import Path

from core.datasets.library import Datasets
from core.datasets.tokens import RowTokens, TokenCounts
from core.errors import BadInput
from core.models.library import Models
from core.people import Actor
from storage.files import read_json
from storage.spec import LONGEST_CHAT_TEMPLATE, ModelRef

ROWS_SHOWN = 3
#: In the model's folder: where transformers writes it now, and where it did before.
FILE, OLD_FILE = "chat_template.jinja", "tokenizer_config.json"


class TemplatePreview:
    """All methods may block: not for the event loop."""

    def __init__(self, models: Models, datasets: Datasets, tokens: TokenCounts) -> None:
        self._models = models
        self._datasets = datasets
        self._tokens = tokens

    def first_rows(self, template: str, *, model: str, dataset: str, context: int, actor: Actor) -> list[RowTokens]:
        """Rendered in a limited child process, by the functions that make the tokens to train on.

        An empty template is the model's own. Raises StudioError.
        """
        if len(template) > LONGEST_CHAT_TEMPLATE:
            raise BadInput(
                "The template has {count:,} characters, and at most {most:,} are allowed.",
                count=len(template),
                most=LONGEST_CHAT_TEMPLATE,
            )
        if not model or not dataset:
            raise BadInput("Choose a model and a dataset first; the preview shows its rows as that model reads them.")
        base = self._models.get(model).model_copy(update={"chat_template": template.strip()})
        found = self._tokens.of(self._datasets.ref(dataset, actor=actor), base, min(context, base.context_length))
        return found.first_rows(ROWS_SHOWN)

    def own(self, model: str) -> str:
        """The model's own template, to begin from; empty where it has none, or several."""
        if not model:
            raise BadInput("Choose a model first.")
        return own_template(self._models.get(model))


def own_template(model: ModelRef) -> str:
    folder = Path(model.path)
    try:
        found: object = (folder / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        found = (read_json(folder / OLD_FILE) or {}).get("chat_template")
    return found if isinstance(found, str) else ""
