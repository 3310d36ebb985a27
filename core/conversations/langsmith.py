"""LangSmith: a dataset's examples, and runs with the feedback that they got."""

from collections.abc import Iterator, Mapping

from core.conversations.conversation import Conversation, title_of
from core.conversations.model_calls import tools_of, turns_of
from core.conversations.rated import is_thumb, one_thumb, question, rate_last
from core.conversations.values import at, moment, rating_of
from storage.rows import Content


def knows(row: Content) -> bool:
    return "inputs" in row and ("outputs" in row or "run_type" in row)


def read(row: Content, _ratings: Mapping[str, int]) -> Iterator[Conversation]:
    """A run of type llm is a call of a model; a chain that nobody called holds the question and the answer."""
    kind = row.get("run_type")
    if kind not in (None, "llm") and (kind != "chain" or row.get("parent_run_id")):
        return
    turns = turns_of(row.get("inputs"), row.get("outputs"))
    yield Conversation.straight(
        rate_last(turns, _feedback(row.get("feedback_stats"))),
        id=str(row.get("id") or row.get("run_id") or ""),
        title=title_of(question(turns) or row.get("name")),
        when=moment(row.get("start_time") or row.get("created_at")),
        source="langsmith",
        tools=tools_of(row.get("inputs"), at(row, "extra", "invocation_params")),
        is_outer=kind == "chain",
    )


def _feedback(stats: object) -> int:
    """{"user_score": {"n": 2, "avg": 1.0}}."""
    entries = stats.items() if isinstance(stats, dict) else ()
    given = [entry for name, entry in entries if is_thumb(name) and isinstance(entry, dict) and entry.get("n", 1)]
    return one_thumb({rating_of(entry.get("avg")) for entry in given})
