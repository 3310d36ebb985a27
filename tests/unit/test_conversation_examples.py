"""Conversations become examples: whole or by answer, with thumbs as preferences, and anonymised."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from exports import CHATGPT, CHATGPT_FEEDBACK, LANGFUSE_GENERATION, OPEN_WEBUI, chatgpt, node, zipped
from hypothesis import given
from hypothesis import strategies as st

from core.conversations.anonymise import Anonymiser
from core.conversations.conversation import Conversation, Turn
from core.conversations.examples import examples, is_left_out
from core.conversations.making import make
from core.conversations.options import ImportOptions, Liked, Result, System
from core.conversations.reading import read_export
from core.conversations.store import Store
from core.conversations.thumbs import Pairing, rated_answers
from core.formats import FORMATS
from storage.rows import Content


def talk(*texts: str, ratings: tuple[int, ...] = (), system: str = "") -> Conversation:
    """User and assistant in turn, the user first."""
    turns = [Turn("system", system)] if system else []
    for number, text in enumerate(texts):
        role = "assistant" if number % 2 else "user"
        rating = ratings[number // 2] if number % 2 and number // 2 < len(ratings) else 0
        turns.append(Turn(role, text, rating))
    return Conversation.straight(turns, id="1", title="Talk", when=None, source="test")


def rows(conversation: Conversation, **options: Any) -> list[Content]:
    return list(examples(conversation, ImportOptions(**options)))


def learned(row: Content) -> list[str]:
    return [m["content"] for m in row["messages"] if m["role"] == "assistant" and m.get("weight") != 0]


LONG = talk("Hi", "Hello!", "How are you?", "Fine.", "Bye", system="Be kind.")


def test_a_whole_conversation_is_one_example_up_to_its_last_answer() -> None:
    [row] = rows(LONG)
    assert [(m["role"], m["content"]) for m in row["messages"]] == [
        ("system", "Be kind."),
        ("user", "Hi"),
        ("assistant", "Hello!"),
        ("user", "How are you?"),
        ("assistant", "Fine."),
    ]


def test_an_example_an_answer_learns_that_answer_only() -> None:
    first, second = rows(LONG, result=Result.ANSWERS)
    assert [learned(first), learned(second)] == [["Hello!"], ["Fine."]]
    assert len(second["messages"]) == 5


def test_the_context_is_cut_at_a_question_and_keeps_the_system_prompt() -> None:
    row = rows(LONG, result=Result.ANSWERS, context_messages=2)[1]
    assert [m["content"] for m in row["messages"]] == ["Be kind.", "How are you?", "Fine."]


@pytest.mark.parametrize(
    ("system", "text", "first"),
    [(System.KEEP, "", "Be kind."), (System.DROP, "", "Hi"), (System.REPLACE, " Be brief. ", "Be brief.")],
)
def test_the_system_prompt(system: System, text: str, first: str) -> None:
    [row] = rows(LONG, system=system, system_text=text)
    assert row["messages"][0]["content"] == first


def test_what_is_not_to_be_learned_stays_as_context() -> None:
    rated = talk("A?", "a", "B?", "b", "C?", "c", ratings=(1, -1, 0))
    assert learned(rows(rated, liked=Liked.NOT_DISLIKED)[0]) == ["a", "c"]
    assert learned(rows(rated, liked=Liked.ONLY_LIKED)[0]) == ["a"]
    assert [learned(row) for row in rows(rated, liked=Liked.ONLY_LIKED, result=Result.ANSWERS)] == [["a"]]
    assert rows(talk("A?", "a", ratings=(-1,)), liked=Liked.NOT_DISLIKED) == []


def test_short_and_unwanted_answers_are_not_learned() -> None:
    conversation = talk("A?", "ok", "B?", "I'm sorry, I cannot help.", "C?", "A long answer")
    [row] = rows(conversation, minimum_characters=3, drop_answers_with=("i'm SORRY",))
    assert learned(row) == ["A long answer"]


def test_whole_conversations_are_left_out_by_their_words() -> None:
    options = ImportOptions(drop_conversations_with=("secret project",))
    assert is_left_out(talk("About the Secret Project", "Yes?"), options)
    assert not is_left_out(talk("About the weather", "Yes?"), options)


def test_two_messages_of_one_speaker_become_one() -> None:
    turns = [Turn("assistant", "Welcome!"), Turn("user", "a"), Turn("user", "b"), Turn("assistant", "c")]
    [row] = rows(Conversation.straight(turns, id="", title="", when=None, source="test"))
    assert [m["content"] for m in row["messages"]] == ["a\n\nb", "c"]


def test_nobody_asked_nobody_answered() -> None:
    assert rows(Conversation.straight([Turn("assistant", "Hello?")], id="", title="", when=None, source="test")) == []


texts = st.text(min_size=1, max_size=40).filter(lambda text: bool(text.strip()))


@given(st.lists(texts, min_size=2, max_size=9), st.sampled_from([Result.CONVERSATIONS, Result.ANSWERS]))
def test_no_answer_is_lost_and_none_invented(said: list[str], result: Result) -> None:
    """Through our rows and the format's own reader, to the character."""
    answers = said[1::2]
    found = [FORMATS["chat"].convert(row) for row in rows(talk(*said), result=result)]
    assert [text for row in found for text in learned(row)] == answers
    for row in found:
        assert [m["content"] for m in row["messages"]] == said[: len(row["messages"])]


# ---- thumbs ---------------------------------------------------------------------------------------------------------


def made(folder: Path, *conversations: Any, feedback: Any = (), **options: Any) -> tuple[list[Content], Any]:
    into = folder / "store"
    into.mkdir()
    read_export(zipped(folder / "e.zip", conversations=conversations, message_feedback=list(feedback)), into)
    file = folder / "rows.jsonl"
    told = make(Store(into), None, ImportOptions(**options), file)
    return [json.loads(line) for line in file.read_text().splitlines()], told


def test_liked_and_disliked_siblings_are_a_pair(tmp_path: Path) -> None:
    [row], told = made(tmp_path, CHATGPT, feedback=CHATGPT_FEEDBACK, result=Result.PAIRS)
    assert (row["chosen"][0]["content"], row["rejected"][0]["content"]) == ("ありがとう (arigatō).", "Arigato.")
    assert [m["role"] for m in row["prompt"]] == ["user"]
    assert (told.rows, told.alone) == (1, 0)
    FORMATS["preference"].convert(row)


def test_rated_answers_alone(tmp_path: Path) -> None:
    found, _ = made(tmp_path, CHATGPT, feedback=CHATGPT_FEEDBACK, result=Result.RATED)
    assert [(row["completion"][0]["content"], row["label"]) for row in found] == [
        ("ありがとう (arigatō).", True),
        ("Arigato.", False),
    ]
    FORMATS["unpaired"].convert(found[0])


def test_the_same_question_in_two_conversations_makes_a_pair(tmp_path: Path) -> None:
    def once(number: int) -> Any:
        q, a = f"q{number}", f"a{number}"
        return chatgpt(node(q, None, "user", "Why?"), node(a, q, "assistant", f"Because {number}."), number=number)

    feedback = [{"id": "a1", "rating": "thumbs_up"}, {"id": "a2", "rating": "thumbs_down"}]
    feedback += [{"id": "a3", "rating": "thumbs_down"}]
    other = chatgpt(node("q3", None, "user", "What?"), node("a3", "q3", "assistant", "That."), number=3)
    [row], told = made(tmp_path, once(1), once(2), other, feedback=feedback, result=Result.PAIRS)
    assert (row["chosen"][0]["content"], row["rejected"][0]["content"]) == ("Because 1.", "Because 2.")
    assert told.alone == 1


def test_one_prompt_makes_a_bounded_number_of_pairs() -> None:
    turns = [Turn("user", "Q"), *(Turn("assistant", f"A{n}", 1 if n % 2 else -1) for n in range(40))]
    paths = tuple((0, n) for n in range(1, 41))
    many = Conversation("", "", None, "test", tuple(turns), paths)
    pairing = Pairing()
    assert sum(1 for rated in rated_answers(many, ImportOptions()) for _ in pairing.add(rated)) == 10


def test_open_webuis_siblings(tmp_path: Path) -> None:
    [row], _ = made(tmp_path, OPEN_WEBUI, result=Result.PAIRS, system=System.DROP)
    assert row["chosen"][0]["content"] == "Hold the button for ten seconds."
    assert [m["role"] for m in row["prompt"]] == ["user"]


def test_calls_of_tools_survive(tmp_path: Path) -> None:
    [row], _ = made(tmp_path, LANGFUSE_GENERATION)
    assert FORMATS["chat"].convert(row)["messages"][1]["tool_calls"][0]["id"] == "call_a"


# ---- anonymising ----------------------------------------------------------------------------------------------------


def anonymised(*texts: str, names: tuple[str, ...] = ()) -> list[str]:
    return [turn.text for turn in Anonymiser(names).conversation(talk(*texts)).turns]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("Write to Anna.Berg@firm.de!", "Write to [EMAIL_1]!"),
        ("Call +49 30 901820 today", "Call [PHONE_1] today"),
        ("My card is 4111 1111 1111 1111.", "My card is [CARD_1]."),
        ("Pay to DE89 3704 0044 0532 0130 00, please", "Pay to [IBAN_1], please"),
        ("key sk-proj-a8Fk29sLq0Zx81mNv77Tq3", "key [KEY_1]"),
        ("password: tr0ub4dor-3kx9", "password: [KEY_1]"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[KEY_1]"),
        ("The server is 10.20.30.40:22", "The server is [IP_1]:22"),
        ("anna berg called; Anna  Berg, not Annabelle", "[NAME_1] called; [NAME_1], not Annabelle"),
    ],
)
def test_what_is_personal_is_replaced(text: str, after: str) -> None:
    assert anonymised(text, "Ok", names=("Anna Berg",))[0] == after


@pytest.mark.parametrize(
    "text",
    [
        "On 2024-03-05 at 10:30 the price was 1,299.00 €.",
        "Order 100234567, invoice 2024-000123.",
        "Version 1.2.3.4 of 3.14159265, on 127.0.0.1 and 0.0.0.0.",
        "4111 1111 1111 1112 has a wrong check digit.",
        "user@localhost, @anna and a@b are no addresses.",
        "api_key = YOUR_API_KEY_HERE",
        "The token bucket holds 100 tokens: 5 + 10 + 1234.",
        "ISBN 978-3-16-148410-0, RFC 2616, 192.168.1.0.5",
    ],
)
def test_what_only_looks_personal_stays(text: str) -> None:
    assert anonymised(text, "Ok")[0] == text


def test_the_same_address_is_the_same_placeholder() -> None:
    asked, answer = anonymised("I am a@firm.de, boss is b@firm.de", "Hello A@firm.de, greetings to b@firm.de")
    assert asked == "I am [EMAIL_1], boss is [EMAIL_2]"
    assert answer == "Hello [EMAIL_1], greetings to [EMAIL_2]"


def test_a_placeholder_that_is_there_already_means_somebody_else() -> None:
    assert anonymised("[EMAIL_1] and a@firm.de", "Ok")[0] == "[EMAIL_1] and [EMAIL_2]"


def test_arguments_of_calls_stay_json() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"to": "a@firm.de", "n": 12}'}}
    turns = [Turn("user", "Hi"), Turn("assistant", "", 0, {"tool_calls": [call]})]
    conversation = Conversation.straight(turns, id="", title="", when=None, source="test")
    changed = Anonymiser().conversation(conversation).turns[1].more["tool_calls"][0]
    assert json.loads(changed["function"]["arguments"]) == {"to": "[EMAIL_1]", "n": 12}
    assert changed["id"] == "c1"


def test_the_preview_counts_and_shows(tmp_path: Path) -> None:
    chat = chatgpt(node("q", None, "user", "I am a@firm.de"), node("a", "q", "assistant", "Hello a@firm.de"))
    _, told = made(tmp_path, chat, anonymise=True)
    assert told.anonymised == {"EMAIL": 2}
    assert (told.changes[0].before, told.changes[0].after) == ("I am a@firm.de", "I am [EMAIL_1]")


@given(st.lists(texts, min_size=2, max_size=6), st.integers(0, 2**32))
def test_anonymising_changes_nothing_else(said: list[str], seed: int) -> None:
    """An address put anywhere goes; every other character stays."""
    at = random.Random(seed).randrange(len(said))
    said = [text.replace("@", "").replace("[", "") for text in said]
    before, after = anonymised(*said), anonymised(*[*said[:at], f"{said[at]} x.y@firm.de", *said[at + 1 :]])
    assert after == [*before[:at], f"{before[at]} [EMAIL_1]", *before[at + 1 :]]


def test_a_text_full_of_addresses_takes_no_longer_than_it_must() -> None:
    """Every match was once compared with all before it: this took minutes."""
    assert anonymised("x@firm.de " * 40_000, "Ok")[0] == "[EMAIL_1] " * 40_000
