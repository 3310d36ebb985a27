"""Tokens into text, piece by piece: never half a character, never a part of a stop sequence."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

#: What a decoder writes for bytes that are no character yet.
HALF = "\ufffd"
#: Tokens before the new ones that are decoded with them: some tokenizers write a word's first space only inside a text.
CONTEXT = 6


class TextStream:
    """Fed with tokens, it gives the text that is certain by now."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop: Sequence[str] = ()) -> None:
        self._tokenizer, self._stop = tokenizer, [sequence for sequence in stop if sequence]
        self._longest = max((len(sequence) for sequence in self._stop), default=0)
        self._ids: list[int] = []
        self._done = 0
        self._held = ""
        self.is_stopped = False

    def feed(self, token: int) -> str:
        self._ids.append(token)
        return self._release(self._decoded(), is_last=False)

    def close(self) -> str:
        """What was held back, now that nothing more comes."""
        return "" if self.is_stopped else self._release(self._decoded(is_last=True), is_last=True)

    def _decoded(self, *, is_last: bool = False) -> str:
        """The text of the tokens that were not given out yet; nothing while it ends in half a character."""
        start = max(0, self._done - CONTEXT)
        before = self._text(self._ids[start : self._done])
        text = self._text(self._ids[start:])
        if text.endswith(HALF) and not is_last:
            return ""
        self._done = len(self._ids)
        return text[len(before) :]

    def _text(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _release(self, text: str, *, is_last: bool) -> str:
        held = self._held + text
        places = [at for at in (held.find(sequence) for sequence in self._stop) if at >= 0]
        if places:
            self.is_stopped, self._held = True, ""
            return held[: min(places)]
        keep = 0 if is_last else self._kept(held)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]

    def _kept(self, held: str) -> int:
        """How much of the end could still become a stop sequence."""
        return next(
            (
                size
                for size in range(min(self._longest - 1, len(held)), 0, -1)
                if any(sequence.startswith(held[-size:]) for sequence in self._stop)
            ),
            0,
        )
