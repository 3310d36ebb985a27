"""What several runs say to the same prompts, side by side."""

from collections.abc import Sequence

from core.comparing import Said, said
from core.history import History
from storage.tables import Job
from ui.components.compare_tables import run_name
from ui.components.text import Text, box, heading


class CompareAnswers:
    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._shown: list[Said] | None = None
        with box("ts-card", "section", label="Answers to the same prompts").mark("compare-answers"):
            heading("Answers to the same prompts", 2)
            self._body = box("ts-samples")

    def show(self, histories: Sequence[History]) -> None:
        """Sent only where an answer is new."""
        found = said(histories)
        if found == self._shown:
            return
        self._shown = found
        self._body.clear()
        with self._body:
            if not found:
                Text(
                    "p",
                    "No prompt was answered by two of them. Jobs on the same dataset answer its held-out questions "
                    "at their end; your Sample Prompts of the wizard are answered at each checkpoint.",
                    "ts-muted",
                )
            for one in found:
                self._prompt(one)

    def _prompt(self, one: Said) -> None:
        with box("ts-sample", "article"):
            with box("ts-sample-prompt"):
                Text("span", "Prompt", "ts-tag")
                Text("p", one.prompt)
            with box("ts-compare-answers"):
                for at, (job, answer) in enumerate(zip(self._jobs, one.answers, strict=True)):
                    with box("ts-answer"):
                        run_name(job, at)
                        shown = "Not asked." if answer is None else answer or "(nothing)"
                        Text("p", shown, "" if answer else "ts-muted")
