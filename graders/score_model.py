"""A score from another model, through any endpoint that speaks OpenAI's chat completions."""

import os
import re
from collections.abc import Callable
from typing import Any

import httpx

from graders.score import GraderError
from storage.graders import ScoreModel

#: Secrets come from the environment alone.
KEY_VARIABLES = ("TUNESMITH_GRADER_KEY", "OPENAI_API_KEY")
ADDRESS_VARIABLES = ("TUNESMITH_GRADER_URL", "OPENAI_BASE_URL")
PATIENCE_S = 60.0
#: Only what shapes the answer; nothing of a request may be taken over from a spec otherwise.
SAMPLING = ("temperature", "top_p", "seed", "max_completion_tokens", "max_tokens", "reasoning_effort")

Ask = Callable[[str, dict[str, Any]], str]


def score(grader: ScoreModel, filled: Callable[[str], str], ask: Ask) -> float:
    """Raises GraderError where there is no answer, or no number in it."""
    request = {
        "model": grader.model,
        "messages": [{"role": message.role, "content": filled(message.content)} for message in grader.input],
        **{name: value for name, value in grader.sampling_params.items() if name in SAMPLING},
    }
    said = ask(grader.endpoint, request)
    found = re.findall(r"[-+]?\d*\.?\d+", said)
    if not found:
        raise GraderError(f"{grader.model} was asked for a score and said “{said[:80]}”.")
    least, most = grader.range
    return min(max(float(found[-1]), least), most)


def ask(endpoint: str, request: dict[str, Any]) -> str:
    """The text of the first choice."""
    own = first_of(ADDRESS_VARIABLES) or "https://api.openai.com/v1"
    address = endpoint or own
    if not re.match(r"https?://", address):
        raise GraderError(f"The grader's endpoint “{address[:80]}” is not an http address.")
    # The key opens the studio's own endpoint; a spec may name any other, and whoever listens there shall not get it.
    key = first_of(KEY_VARIABLES) if address.rstrip("/") == own.rstrip("/") else ""
    try:
        answer = httpx.post(
            f"{address.rstrip('/')}/chat/completions",
            json=request,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=PATIENCE_S,
        )
        answer.raise_for_status()
        return str(answer.json()["choices"][0]["message"]["content"])
    except httpx.HTTPStatusError as error:
        raise GraderError(f"{address} answered {error.response.status_code} to the grader's question.") from error
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
        raise GraderError(f"{address} gave the grader no answer ({error or type(error).__name__}).") from error


def first_of(names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := os.environ.get(name))), "")
