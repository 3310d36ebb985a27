"""Counts the tokens of an answer while it goes by; the client gets what it would have got without us."""

import time

import orjson

from core.serving.counters import Answered

#: An answer that is not streamed is kept until its end, because its figures stand there.
MOST_KEPT = 16 * 1024**2
EVENT = b"data: "
#: Begins a comment of an event stream. The worker's last word, meant for us, is one: `: {"usage": …}`.
COMMENT = b":"


class Tally:
    def __init__(self, *, is_streamed: bool) -> None:
        self._began = time.monotonic()
        self._is_streamed = is_streamed
        self._first_s: float | None = None
        #: Of an answer the whole, of a stream the line that has no end yet.
        self._waiting = bytearray()
        #: Whether the line before was the worker's word to us: then the empty one after it is, too.
        self._was_ours = False
        self._pieces = 0
        self._usage: tuple[int, int] | None = None

    def see(self, chunk: bytes) -> bytes:
        """A piece of the answer's body, wherever it was cut; what of it is for the client."""
        if not self._is_streamed:
            self._waiting += chunk
            del self._waiting[:-MOST_KEPT]
            return chunk
        shown = bytearray()
        for line in chunk.splitlines(keepends=True):
            self._waiting += line
            is_ours = self._waiting.startswith(COMMENT) or (self._was_ours and self._waiting == b"\n")
            if not is_ours:
                shown += line  # at once, though its end may be still to come
            if line.endswith(b"\n"):
                self._see_line(bytes(self._waiting))
                self._was_ours = self._waiting.startswith(COMMENT)
                self._waiting.clear()
        return bytes(shown)

    def answered(self, *, failed: bool) -> Answered:
        """Its tokens as the worker counted them; of an answer that broke off, the pieces that came."""
        if not self._is_streamed:
            self._note(bytes(self._waiting))
        prompt, completion = self._usage or (0, self._pieces)
        return Answered(
            took_s=time.monotonic() - self._began,
            first_s=self._first_s,
            prompt_tokens=prompt,
            completion_tokens=completion,
            failed=failed,
        )

    def _see_line(self, line: bytes) -> None:
        if line.startswith(COMMENT):
            self._note(line[len(COMMENT) :])
        elif line.startswith(EVENT) and (b'"content"' in line or b'"text"' in line) and b'"role"' not in line:
            # The first event of a chat says who speaks, and no more.
            self._pieces += 1
            self._first_s = self._first_s or time.monotonic() - self._began

    def _note(self, content: bytes) -> None:
        try:
            usage = orjson.loads(content)["usage"]
            self._usage = int(usage["prompt_tokens"]), int(usage["completion_tokens"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return
