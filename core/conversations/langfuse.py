"""Langfuse: traces and observations, from its tables, its API, its blob export or the page of one trace."""

from collections.abc import Iterator, Mapping

from core.conversations.conversation import Conversation, title_of
from core.conversations.model_calls import tools_of, turns_of
from core.conversations.rated import is_thumb, one_thumb, question, rate_last
from core.conversations.values import at, moment, rating_of
from storage.rows import Content

#: A row with input and output may be anything; with one of these it is Langfuse's.
_TELLING = {"traceId", "trace_id", "observations", "scores", "startTime", "start_time", "sessionId", "session_id"} | {
    "projectId", "project_id", "timestamp", "latency", "bookmarked", "htmlPath"
}  # fmt: skip


def knows(row: Content) -> bool:
    if isinstance(row.get("trace"), dict) and "observations" in row:
        return True
    return "input" in row and "output" in row and not _TELLING.isdisjoint(row)


def read(row: Content, _ratings: Mapping[str, int]) -> Iterator[Conversation]:
    """Of a trace its calls of models, or where none are there its own question and answer."""
    trace = row["trace"] | {"observations": row["observations"]} if isinstance(row.get("trace"), dict) else row
    kind = trace.get("type")
    if kind not in (None, "", "TRACE", "GENERATION"):
        return
    inner = trace.get("observations")
    calls = [one for one in inner if isinstance(one, dict)] if isinstance(inner, list) else []
    calls = [one for one in calls if one.get("type") == "GENERATION"]
    scores = [*_scores(row), *_scores(trace)]
    for call in calls:
        own = [score for score in scores if (score.get("observationId") or call.get("id")) == call.get("id")]
        yield _conversation(call, own + _scores(call), is_outer=False)
    if not calls:
        yield _conversation(trace, scores, is_outer=kind != "GENERATION")


def _conversation(call: Content, scores: list[Content], *, is_outer: bool) -> Conversation:
    turns = turns_of(call.get("input"), call.get("output"))
    return Conversation.straight(
        rate_last(turns, one_thumb({_thumb(score) for score in scores if is_thumb(score.get("name"))})),
        id=str(call.get("id") or ""),
        title=title_of(question(turns) or call.get("name")),
        when=moment(call.get("startTime") or call.get("start_time") or call.get("timestamp")),
        source="langfuse",
        tools=tools_of(call.get("input"), at(call, "modelParameters")),
        is_outer=is_outer,
    )


def _scores(row: Content) -> list[Content]:
    """A list of scores; the tables have {"name": [values]} instead."""
    scores = row.get("scores")
    if isinstance(scores, list):
        return [score for score in scores if isinstance(score, dict)]
    if not isinstance(scores, dict):
        return []
    return [
        {"name": name, "value": value}
        for name, values in scores.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _thumb(score: Content) -> int:
    return rating_of(score.get("stringValue")) or rating_of(score.get("value"))
