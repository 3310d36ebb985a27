"""One row as the model sees it, in pieces: what is learned, what is only read, what the context cuts off."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from storage.rows import Rows
from storage.spec import DatasetRef, ModelRef
from storage.token_folder import key_of, open_sealed
from training.token_cache import Tokens

Decode = Callable[[list[int]], str]


def spans_of(dataset: DatasetRef, model: ModelRef, cache: Path, context: int, row: int) -> dict[str, Any]:
    """Decoded from the very tokens that train, so what is coloured is what is learned."""
    folder = cache / key_of(dataset.sha256, dataset.kind, Path(model.path), model.chat_template)
    about = open_sealed(folder)
    if about is None:
        return fresh_spans(dataset, model, context, row)
    tokens = Tokens(folder, about)
    refused = next((verdict for verdict in tokens.refused() if verdict.row == row), None)
    if refused:
        return refusal(refused.code, refused.detail)
    decode = quick_decoder(model)
    places = [tokens.sequence(row, part) for part in range(about.sequences_per_row)]
    return shown([pieces(tokens.input_ids[place], tokens.learned[place], context, decode) for place in places])


def first_spans(dataset: DatasetRef, model: ModelRef, cache: Path, context: int, count: int) -> dict[str, Any]:
    """`spans_of` of the first rows: what a chat template makes of a dataset."""
    rows = range(min(count, dataset.rows))
    return {"rows": [spans_of(dataset, model, cache, context, row) for row in rows]}


def fresh_spans(dataset: DatasetRef, model: ModelRef, context: int, row: int) -> dict[str, Any]:
    """Of a dataset that nobody has tokenised yet: by the same functions, for this row alone."""
    from training.tokenise import tokenised
    from training.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(model)
    found = next(tokenised(Rows(Path(dataset.path).parent).at([row]), dataset.kind, tokenizer))
    if found.refused:
        return refusal(found.refused.code, found.refused.detail)
    decode = decoder_of(tokenizer)
    return shown([pieces(part.input_ids, part.learned, context, decode) for part in found.sequences])


def shown(sequences: list[list[dict[str, Any]]]) -> dict[str, Any]:
    return {"sequences": sequences, "refused": "", "detail": ""}


def refusal(code: str, detail: str) -> dict[str, Any]:
    return {"sequences": [], "refused": code, "detail": detail}


def pieces(input_ids: np.ndarray, learned: np.ndarray, context: int, decode: Decode) -> list[dict[str, Any]]:
    """Neighbouring tokens of one fate, as one text."""
    ids = input_ids.tolist()
    is_cut = np.arange(len(ids)) >= context
    fates = list(zip(learned.tolist(), is_cut.tolist(), strict=True))
    starts = [place for place in range(len(ids)) if place == 0 or fates[place] != fates[place - 1]]
    found, before = [], ""
    for start, end in zip(starts, [*starts[1:], len(ids)], strict=True):
        # From the beginning each time: some decoders write the first token of a text differently.
        whole = decode(ids[:end])
        text = whole[len(before) :] if whole.startswith(before) else decode(ids[start:end])
        found.append({"text": text, "trained": fates[start][0], "cut": fates[start][1], "tokens": end - start})
        before = whole
    return found


def quick_decoder(model: ModelRef) -> Decode:
    """Without transformers where the tokenizer's own file is there: a tenth of the time."""
    path = Path(model.path) / "tokenizer.json"
    if not path.is_file():
        from training.tokenizer import load_tokenizer

        return decoder_of(load_tokenizer(model))
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    return lambda ids: tokenizer.decode(ids, skip_special_tokens=False)


def decoder_of(tokenizer: Any) -> Decode:
    return lambda ids: str(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
