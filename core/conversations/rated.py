"""A thumb that was given to a whole call belongs to its answer."""

from dataclasses import replace

from core.conversations.conversation import Turn

_THUMBS = ("user", "thumb", "feedback", "rating", "like", "vote")


def is_thumb(name: object) -> bool:
    """Whether a score of this name is a user's; those of evaluators (correctness, toxicity) are not."""
    words = str(name).lower()
    return any(word in words for word in _THUMBS)


def one_thumb(ratings: set[int]) -> int:
    """What several people or scores say together: nothing, where they do not agree."""
    thumbs = ratings - {0}
    return thumbs.pop() if len(thumbs) == 1 else 0


def rate_last(turns: list[Turn], rating: int) -> list[Turn]:
    """The last turn with `rating`."""
    return [*turns[:-1], replace(turns[-1], rating=rating)] if turns and rating else turns


def question(turns: list[Turn]) -> str | None:
    """The last thing that was asked: a better title than a call's name, which all calls share."""
    return next((turn.text for turn in reversed(turns) if turn.role == "user"), None)
