"""Where a person gets the export of their conversations, source by source."""

from core.conversations.sources import SOURCES
from ui.components.text import Text, box, heading

_TRANSCRIPT = "A text file with lines that begin with “User:” and “Assistant:”; a line of dashes between conversations."


def export_sources() -> None:
    with box("ts-card ts-sources", "section", label="Where the file comes from"):
        heading("Where the file comes from", 2)
        with box("ts-sources-list", "dl"):
            for source in SOURCES.values():
                _source(source.label, source.where)
            _source("Transcripts", _TRANSCRIPT)


def _source(label: str, where: str) -> None:
    Text("dt", label, "ts-strong")
    Text("dd", where, "ts-muted")
