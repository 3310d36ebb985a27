"""The answers to the prompts that a run follows, in bounded memory: the first, the last, and some between."""

from collections.abc import Iterable

from storage.events import PromptAnswer

MOST_STEPS = 60


class Answers:
    """A step that is answered again (a further attempt has come by) replaces what was said there before."""

    def __init__(self, answers: Iterable[PromptAnswer] = ()) -> None:
        self._said: dict[tuple[int, int], PromptAnswer] = {}
        for answer in answers:
            self.add(answer)

    def add(self, answer: PromptAnswer) -> None:
        self._said[answer.index, answer.step] = answer
        steps = self.steps()
        if len(steps) > MOST_STEPS:
            spared = set(steps[1:-1:2])
            self._said = {key: said for key, said in self._said.items() if key[1] not in spared}

    def steps(self) -> list[int]:
        return sorted({step for _, step in self._said})

    def all(self) -> tuple[PromptAnswer, ...]:
        return tuple(self._said[key] for key in sorted(self._said))
