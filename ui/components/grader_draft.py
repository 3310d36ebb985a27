"""The grader that the wizard's user is writing, valid or not; it lives in the form and is saved with the draft."""

from copy import deepcopy
from typing import Any

from core.grading import reading
from ui.components.grader_words import Content, new_content
from ui.components.spec_form import SpecForm

PATH = "rft.grader"
Place = tuple[str, ...]


class GraderDraft:
    """Places are tuples of keys: `("graders", "right", "reference")`."""

    def __init__(self, form: SpecForm) -> None:
        self._form = form

    @property
    def content(self) -> Content | None:
        found = self._form.get(PATH)
        return found if isinstance(found, dict) else None

    @property
    def kind(self) -> str:
        return str((self.content or {}).get("type", ""))

    def get(self, place: Place) -> Any:
        value: Any = self.content
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def set(self, place: Place, value: Any) -> None:
        """A copy goes into the form, so that it hears of the change."""
        content = deepcopy(self.content or {})
        target = content
        for key in place[:-1]:
            target = target[key]
        if place:
            target[place[-1]] = value
            self._form.set(PATH, content)
        else:
            self._form.set(PATH, value)

    def choose(self, kind: str) -> None:
        self.set((), new_content(kind, self.content))

    def problem(self, place: Place) -> str | None:
        """The sentence for a field, without its name."""
        return reading.problems(self.content or {}).get(".".join(place))

    def problems(self) -> list[str]:
        """`reference: is missing; give a value.` for everything that is wrong."""
        found = reading.problems(self.content or {})
        return [f"{place}: {sentence}" if place else sentence for place, sentence in found.items()]

    # members of a multi grader, by their number: their names change while they are typed

    def members(self) -> list[str]:
        graders = self.get(("graders",))
        return list(graders) if isinstance(graders, dict) else []

    def add_member(self) -> None:
        names = self.members()
        number = next(at for at in range(1, len(names) + 2) if f"grader_{at}" not in names)
        self.set(("graders", f"grader_{number}"), new_content("string_check"))

    def change_member(self, at: int, kind: str) -> None:
        place = ("graders", self.members()[at])
        before = self.get(place)
        self.set(place, new_content(kind, before if isinstance(before, dict) else None))

    def remove_member(self, at: int) -> None:
        graders = self.get(("graders",))
        gone = self.members()[at]
        self.set(("graders",), {name: member for name, member in graders.items() if name != gone})

    def rename_member(self, at: int, name: str) -> bool:
        """Its order stays. False where another one has that name."""
        names, graders = self.members(), self.get(("graders",))
        if name in names and names[at] != name:
            return False
        renamed = {name if place == at else old: graders[old] for place, old in enumerate(names)}
        self.set(("graders",), renamed)
        return True
