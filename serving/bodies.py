"""OpenAI's shapes of answers, chunks and errors, for chat and for plain completions."""

import time
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from serving.failures import ServingError
from serving.request import Logprob, Piece

Json = dict[str, Any]


class Chat:
    """`/v1/chat/completions`."""

    prefix, whole, part = "chatcmpl", "chat.completion", "chat.completion.chunk"

    @staticmethod
    def opening(index: int) -> Json | None:
        """The chunk before the first piece."""
        return choice(index, None, None, delta={"role": "assistant", "content": ""})

    @staticmethod
    def chunk(index: int, piece: Piece, _written: int) -> Json:
        return choice(index, chat_logprobs((piece,)), piece.finish, delta={"content": piece.text} if piece.text else {})

    @staticmethod
    def answer(index: int, pieces: Sequence[Piece]) -> Json:
        message = {"role": "assistant", "content": text_of(pieces), "refusal": None}
        return choice(index, chat_logprobs(pieces), pieces[-1].finish, message=message)


class Completion:
    """`/v1/completions`."""

    prefix, whole, part = "cmpl", "text_completion", "text_completion"

    @staticmethod
    def opening(_index: int) -> Json | None:
        return None

    @staticmethod
    def chunk(index: int, piece: Piece, written: int) -> Json:
        return choice(index, plain_logprobs((piece,), written), piece.finish, text=piece.text)

    @staticmethod
    def answer(index: int, pieces: Sequence[Piece]) -> Json:
        return choice(index, plain_logprobs(pieces), pieces[-1].finish, text=text_of(pieces))


Shape = type[Chat] | type[Completion]


def head(shape: Shape, model: str) -> Json:
    """What every part of one answer repeats."""
    return {"id": f"{shape.prefix}-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}


def choice(index: int, logprobs: Json | None, finish: str | None, **content: Any) -> Json:
    return {"index": index, **content, "logprobs": logprobs, "finish_reason": finish or None}


def usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def chat_logprobs(pieces: Iterable[Piece]) -> Json | None:
    told = [pair for piece in pieces for pair in piece.logprobs]
    if not told:
        return None
    return {"content": [{**entry(chosen), "top_logprobs": [entry(other) for other in top]} for chosen, top in told]}


def entry(logprob: Logprob) -> Json:
    return {"token": logprob.token, "logprob": logprob.logprob, "bytes": list(logprob.token.encode())}


def plain_logprobs(pieces: Iterable[Piece], offset: int = 0) -> Json | None:
    """The old endpoint's parallel lists. `offset`: characters before the first token."""
    told = [pair for piece in pieces for pair in piece.logprobs]
    if not told:
        return None
    offsets = []
    for chosen, _ in told:
        offsets.append(offset)
        offset += len(chosen.token)
    return {
        "tokens": [chosen.token for chosen, _ in told],
        "token_logprobs": [chosen.logprob for chosen, _ in told],
        "top_logprobs": [{other.token: other.logprob for other in top} for _, top in told],
        "text_offset": offsets,
    }


def text_of(pieces: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def event(value: Json) -> bytes:
    """One server-sent event."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


DONE = b"data: [DONE]\n\n"


def error(problem: ServingError) -> Json:
    kind = "invalid_request_error" if problem.status < 500 else "server_error"
    return {"error": {"message": str(problem), "type": kind, "param": problem.param, "code": problem.code}}
