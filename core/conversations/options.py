"""What a person chooses about the examples that conversations become."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MOST_CONTEXT = 200


class Result(StrEnum):
    """What one example is."""

    #: A whole conversation.
    CONVERSATIONS = "conversations"
    #: One answer with what went before it.
    ANSWERS = "answers"
    #: A liked and a disliked answer to the same prompt.
    PAIRS = "pairs"
    #: A rated answer with its thumb.
    RATED = "rated"


class System(StrEnum):
    """What becomes of the system prompt."""

    KEEP = "keep"
    DROP = "drop"
    REPLACE = "replace"


class Liked(StrEnum):
    """Which answers are learned, by their thumbs."""

    ALL = "all"
    NOT_DISLIKED = "not-disliked"
    ONLY_LIKED = "only-liked"


Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]


class ImportOptions(BaseModel):
    """`context_messages`: how many earlier messages an example has at most, where it is not a whole conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    result: Result = Result.CONVERSATIONS
    context_messages: int = Field(default=20, ge=1, le=MOST_CONTEXT)
    system: System = System.KEEP
    system_text: str = Field(default="", max_length=20_000)
    minimum_characters: int = Field(default=1, ge=1, le=100_000)
    liked: Liked = Liked.ALL
    #: Answers with one of these are not learned.
    drop_answers_with: tuple[Words, ...] = Field(default=(), max_length=200)
    #: Conversations with one of these anywhere are left out.
    drop_conversations_with: tuple[Words, ...] = Field(default=(), max_length=200)
    anonymise: bool = False
    names: tuple[Words, ...] = Field(default=(), max_length=1000)

    @property
    def format(self) -> str:
        """The name of the dataset format that the examples are written in."""
        return {Result.PAIRS: "preference", Result.RATED: "unpaired"}.get(self.result, "chat")
