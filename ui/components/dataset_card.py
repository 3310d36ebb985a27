"""A dataset in the list: what it is, how much of it there is, and whether it is fit to learn from."""

from pathlib import PurePath

from core.formats import FORMATS
from storage.tables import Dataset, Visibility
from ui import routes
from ui.components.clock import short_date
from ui.components.quantity import counted, size_of
from ui.components.text import Text, box, emoji, icon, link
from ui.components.verdict import verdict_mark
from ui.kinds import WORDS
from ui.texts import say

PACKED = (".gz", ".zst")
CONTAINERS = {
    ".jsonl": "JSONL",
    ".ndjson": "JSONL",
    ".json": "JSON",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".parquet": "Parquet",
}


def dataset_card(dataset: Dataset) -> None:
    words = WORDS[dataset.kind]
    with box("ts-card ts-dataset", "article").mark(f"dataset-{dataset.id}"):
        with box("ts-dataset-head"):
            emoji("📁", "folder")
            with box("ts-dataset-name", "h2"):
                link(dataset.name, routes.dataset(dataset.id), "ts-row-title").props["title"] = dataset.name
            verdict_mark(dataset)
        with box("ts-dataset-badges"):
            Text("span", f"✓ {say(words.badge)}", f"ts-badge ts-badge-{words.tone}")
            if dataset.version > 1:
                Text("span", say("Version {version}", version=dataset.version), "ts-badge ts-badge-grey")
            if dataset.visibility is Visibility.PRIVATE:
                Text("span", "Private", "ts-badge ts-badge-grey")
            for tag in dataset.tags[:4]:
                Text("span", tag, "ts-badge ts-badge-grey")
        with box("ts-dataset-facts", "dl"):
            _fact(f"{say(words.examples)}:", counted(dataset.rows, words.unit))
            _fact("Size:", size_of(dataset.bytes))
            _fact("Format:", container_of(dataset)).props["title"] = say(format_label(dataset))
        with box("ts-dataset-foot"):
            icon("clock")
            Text("span", f"{short_date(dataset.created_at)} · {dataset.created_by_name}")


def container_of(dataset: Dataset) -> str:
    """JSONL, CSV …: what the user's file was, by its name; our own rows are JSONL."""
    suffixes = [suffix.lower() for suffix in PurePath(dataset.source_name).suffixes]
    packed = [suffix for suffix in suffixes if suffix in PACKED]
    kind = next((CONTAINERS[suffix] for suffix in reversed(suffixes) if suffix in CONTAINERS), "JSONL")
    return f"{kind} ({packed[-1]})" if packed else kind


def format_label(dataset: Dataset) -> str:
    """OpenAI chat, Alpaca …"""
    known = FORMATS.get(dataset.source_format)
    return known.label if known else dataset.source_format.replace("-", " ").replace("_", " ").capitalize()


def _fact(term: str, value: str) -> Text:
    with box("ts-dataset-fact"):
        Text("dt", term)
        return Text("dd", value)
