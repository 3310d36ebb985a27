"""Plain transcripts: "User: …" and "Assistant: …" at the beginning of lines.

The first two names that speak are the speakers; any other word with a colon belongs to what is said.
"""

import re
from collections.abc import Iterable, Iterator

from core.conversations.conversation import Conversation, Turn, title_of

_USERS = {"user", "human", "customer", "client", "you", "me", "prompt", "question", "q", "caller", "student"}
_ASSISTANTS = {"assistant", "ai", "bot", "chatbot", "agent", "chatgpt", "gpt", "claude", "gemini", "copilot"} | {
    "model", "support", "answer", "a", "response", "teacher"
}  # fmt: skip
#: "**User:** text", "### Assistant", "[10:42] User: text": decoration and a time before the name are left out.
_LINE = re.compile(
    r"^(?:\[[^\]\n]{1,40}\]\s*|\d{1,2}:\d{2}(?::\d{2})?\s+)?(?:#{1,6}\s+|[*_]{1,3})?"
    r"(?P<name>[A-Za-z]{1,20})(?:\s?\d{0,2})?(?:[*_]{1,3})?\s?(?P<colon>:)(?:[*_]{1,3})?[ \t]?(?P<rest>.*)$"
    r"|^#{1,6}\s+(?P<heading>[A-Za-z]{1,20})\s*$",
    re.DOTALL,
)
_DIVISION = re.compile(r"^\s*(?:-{3,}|={3,}|\*{3,}|_{3,}|#{3,})\s*$")
#: A conversation that goes on for longer is cut here, lest the whole file be one.
LONGEST_CHARACTERS = 4_000_000


def knows(head: str) -> bool:
    """Whether a user and an assistant speak in the text's beginning."""
    spoken = {role for line in head.split("\n") if (role := _role(_name(line)))}
    return spoken >= {"user", "assistant"}


def read(lines: Iterable[str]) -> Iterator[Conversation]:
    """A line of dashes ends a conversation where somebody speaks right after it."""
    talk = _Talk()
    number = 0
    for line in lines:
        if ended := talk.hear(line):
            number += 1
            yield _conversation(ended, number)
    if rest := talk.end():
        yield _conversation(rest, number + 1)


def _conversation(turns: list[Turn], number: int) -> Conversation:
    first = next((turn.text for turn in turns if turn.role == "user"), None)
    return Conversation.straight(turns, id=str(number), title=title_of(first), when=None, source="transcript")


class _Talk:
    def __init__(self) -> None:
        self._speakers: dict[str, str] = {}
        self._turns: list[tuple[str, list[str]]] = []
        self._characters = 0
        #: A division and the empty lines after it: they belong to the text unless somebody speaks next.
        self._pending: list[str] = []

    def hear(self, line: str) -> list[Turn]:
        """The conversation that this line has ended, if it has."""
        line = line.rstrip("\r\n")
        role = self._speaker(line)
        ended: list[Turn] = []
        if role and (self._pending or self._characters > LONGEST_CHARACTERS):
            ended = self.end()
        if role:
            self._turns.append((role, [_rest(line)]))
        elif self._turns and (_DIVISION.match(line) or (self._pending and not line.strip())):
            self._pending.append(line)
        elif self._turns:
            self._turns[-1][1].extend([*self._pending, line])
            self._pending = []
        self._characters += len(line) + 1
        return ended

    def end(self) -> list[Turn]:
        turns = [Turn(role, text) for role, lines in self._turns if (text := "\n".join(lines).strip())]
        self._turns, self._pending, self._characters = [], [], 0
        return turns

    def _speaker(self, line: str) -> str:
        name = _name(line)
        role = _role(name)
        if role == "system":  # in the middle of a conversation it is a word like others
            return role if self._pending or not self._turns else ""
        if not role or self._speakers.setdefault(role, name) != name:
            return ""
        return role


def _name(line: str) -> str:
    match = _LINE.match(line[:200])
    return (match["name"] or match["heading"]).lower() if match else ""


def _rest(line: str) -> str:
    match = _LINE.match(line)
    return (match["rest"] or "") if match else ""


def _role(name: str) -> str:
    return "user" if name in _USERS else "assistant" if name in _ASSISTANTS else "system" if name == "system" else ""
