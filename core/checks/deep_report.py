"""What the closer look found in a version: `deep.json`, `deep-findings.jsonl` and `suspicion.bin` beside the rows."""

import struct

from pydantic import BaseModel, ConfigDict

from core.checks.report import CodeCount

DEEP, DEEP_FINDINGS, SUSPICION = "deep.json", "deep-findings.jsonl", "suspicion.bin"
#: Row number and score, the most suspicious row first.
SUSPECT = struct.Struct("<If")


class DeepReport(BaseModel):
    """`looked_at` is smaller than `rows` where only a sample was looked at. `evaluation` is the other version's id."""

    model_config = ConfigDict(frozen=True)
    rows: int
    looked_at: int
    evaluation: str = ""
    codes: dict[str, CodeCount] = {}

    @property
    def note(self) -> str:
        """What is not covered, as a sentence; empty where all rows were looked at."""
        if self.looked_at >= self.rows:
            return ""
        return f"Looked at a sample of {self.looked_at:,} of {self.rows:,} rows; what is found is fewer than there are."
