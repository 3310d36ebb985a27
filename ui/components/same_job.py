"""The job that the form holds, as the command and as the file that ask for the same."""

from core.home import Home
from core.train_command import as_command, as_yaml, asked_fields
from storage.spec import JobSpec
from ui.components.copy_button import copy_button
from ui.components.folded import Folded
from ui.components.text import Text, aria, box

INCOMPLETE = "There is no command yet: something in the steps is missing or out of bounds."
ABOUT = "Either asks for exactly this job. Keys of other services are never part of it."
FILE = "Saved as job.yaml, it runs with: tunesmith train --spec job.yaml"


class SameJob:
    def __init__(self, home: Home) -> None:
        self._data_dir = None if home.is_usual else home.path
        with Folded("The same job from the command line", marker="fold-command"):
            self._place = box("ts-stretch ts-snippets").mark("same-job")
        self._shown: JobSpec | None = None
        self._say(INCOMPLETE)

    def show(self, spec: JobSpec | None) -> None:
        """None where the form cannot be sent as it is."""
        if spec == self._shown:
            return
        self._shown = spec
        if spec is None:
            self._say(INCOMPLETE)
            return
        self._place.clear()
        with self._place:
            Text("p", ABOUT, "ts-muted")
            _snippet("Command", "train command", as_command(spec, self._data_dir))
            _snippet("YAML", "YAML", as_yaml(asked_fields(spec)), FILE)

    def _say(self, sentence: str) -> None:
        self._place.clear()
        with self._place:
            Text("p", sentence, "ts-muted")


def _snippet(title: str, what: str, text: str, about: str = "") -> None:
    with box("ts-stretch"):
        Text("h4", title, "ts-snippet-title")
        with box("ts-code"):
            Text("pre", text, "ts-code-text").props("tabindex=0 role=region").props(aria(title))
            copy_button(text, what)
        if about:
            Text("p", about, "ts-help")
