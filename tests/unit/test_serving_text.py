"""Tokens into text, and requests into what engines are asked: the parts of serving that need no model."""

import json

import pytest
from pydantic import ValidationError

from serving.ends import ends_of
from serving.envelope import ChatAsked, CompletionAsked
from serving.failures import BadRequest
from serving.llama_words import Listening, sampling_of
from serving.request import Piece, Sampling
from serving.text import TextStream

HI = [{"role": "user", "content": "Hi"}]


class Bytes:
    """A tokenizer whose tokens are bytes."""

    def decode(self, ids, **_):
        return bytes(ids).decode("utf-8", "replace")


def written(text: str, stop: tuple[str, ...] = ()) -> tuple[list[str], bool]:
    stream = TextStream(Bytes(), stop)
    pieces = []
    for byte in text.encode():
        pieces.append(stream.feed(byte))
        if stream.is_stopped:
            break
    return [*pieces, stream.close()], stream.is_stopped


def test_no_piece_ends_in_half_a_character():
    pieces, _ = written("a€🙂b")
    assert [piece for piece in pieces if piece] == ["a", "€", "🙂", "b"]


def test_a_stop_sequence_over_many_tokens_is_never_given_out():
    assert written("say END now", ("END",)) == ([*"say ", "", "", "", ""], True)


def test_what_only_began_like_a_stop_sequence_comes_in_the_end():
    pieces, is_stopped = written("an EN", ("END",))
    assert "".join(pieces) == "an EN"
    assert not is_stopped


def test_the_earliest_of_several_stop_sequences_wins():
    pieces, is_stopped = written("one two three", ("three", "wo"))
    assert "".join(pieces) == "one t"
    assert is_stopped


@pytest.mark.parametrize("name", ["functions", "audio", "prediction", "chat_template_kwargs", "reasoning_effort"])
def test_a_field_that_is_not_understood_is_refused_by_name(name):
    with pytest.raises(BadRequest, match=name):
        ChatAsked.model_validate({"model": "m", "messages": HI, name: "x"}).require_known()


def test_what_only_concerns_openai_or_says_nothing_is_left_alone():
    harmless = {"user": "me", "store": True, "metadata": {"a": "b"}, "functions": None, "audio": {}}
    ChatAsked.model_validate({"model": "m", "messages": HI} | harmless).require_known()


def test_what_was_not_asked_for_keeps_the_default():
    sampling = ChatAsked(model="m", messages=HI, temperature=0, stop=["", "x"]).chat_sampling()
    assert sampling == Sampling(temperature=0, stop=("x",))
    assert CompletionAsked(model="m", prompt="p").completion_sampling().max_tokens == 16


@pytest.mark.parametrize(
    "asked", [{"n": 0}, {"logit_bias": {"1": 101}}, {"logit_bias": {"a": 1}}, {"seed": 2**70}, {"stop": ["x" * 501]}]
)
def test_numbers_out_of_their_bounds_are_refused(asked):
    with pytest.raises(ValidationError):
        ChatAsked.model_validate({"model": "m", "messages": HI} | asked)


@pytest.mark.parametrize(
    ("prompt", "count"), [("one", 1), (["one", "two"], 2), ([1, 2, 3], 1), ([[1, 2], [3]], 2), ([], 1)]
)
def test_a_prompt_is_a_text_or_tokens_or_several_of_them(prompt, count):
    assert len(CompletionAsked(model="m", prompt=prompt).prompts) == count


def test_llama_cpp_is_asked_for_the_order_that_everybody_else_has():
    asked = sampling_of(Sampling(temperature=0.5, top_p=0.9, seed=2**40 + 3, frequency_penalty=1, max_tokens=50))
    assert asked["samplers"].index("temperature") < asked["samplers"].index("top_p")
    assert 0 <= asked["seed"] < 2**32 - 1
    assert asked["repeat_last_n"] == 50
    assert sampling_of(Sampling())["repeat_last_n"] == 0


def test_an_answer_that_llama_cpp_breaks_off_is_told_with_its_reason():
    heard: list[Piece] = []
    listening = Listening(heard.append, wants_logprobs=False)
    assert not listening.hear({"choices": [{"text": "Hi", "finish_reason": None}]})
    assert listening.hear({"error": {"message": "out of memory"}})
    listening.close()
    assert [piece.finish for piece in heard] == ["", "aborted"]
    assert "out of memory" in heard[-1].reason


def test_who_hangs_up_stops_llama_cpp_at_the_next_part_of_the_prompt():
    listening = Listening(lambda piece: None, wants_logprobs=False)
    part = {"choices": [{"text": "", "finish_reason": None}], "prompt_progress": {"total": 9, "processed": 3}}
    assert not listening.hear(part)
    listening.cancel()
    assert listening.hear(part)


def test_ends_are_what_the_model_its_tokenizer_or_llama_cpp_name(tmp_path):
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [7, 8]}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": {"content": "<stop>"}}))
    tokens = [("<stop>", 3, True), ("<|endoftext|>", 4, True), ("<|im_end|>", 5, False), ("<other>", 6, True)]
    added = [{"content": content, "id": number, "special": special} for content, number, special in tokens]
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": added}))
    assert ends_of(tmp_path) == {3, 4, 7, 8}
