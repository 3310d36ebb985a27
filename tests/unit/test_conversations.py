"""Exports of conversations, read: every source, what is hidden in it, and what is no export."""

import gzip
import json
import random
import stat
import struct
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from exports import (
    CHATGPT,
    CHATGPT_FEEDBACK,
    CLAUDE,
    LANGFUSE_GENERATION,
    LANGFUSE_TRACE,
    LANGSMITH_CHAIN,
    LANGSMITH_EXAMPLE,
    LANGSMITH_RUN,
    OPEN_WEBUI,
    TRANSCRIPT,
    chatgpt,
    node,
    zipped,
)

from core.conversations.conversation import Conversation
from core.conversations.making import make
from core.conversations.options import ImportOptions, Result
from core.conversations.reading import read_export
from core.conversations.store import Store
from core.formats.problems import FileProblem


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


def read(path: Path, folder: Path) -> list[Conversation]:
    read_export(path, folder)
    return list(Store(folder).conversations())


def written(folder: Path, content: object, name: str = "export.json") -> Path:
    path = folder.parent / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def said(conversation: Conversation) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in conversation.main]


def test_chatgpt_shows_what_its_user_saw(folder: Path) -> None:
    export = zipped(folder.parent / "export.zip", conversations=[CHATGPT], message_feedback=CHATGPT_FEEDBACK)
    [found] = read(export, folder)
    assert said(found) == [
        ("user", "Wie heißt „Danke“ auf Japanisch? 🇯🇵"),
        ("assistant", "ありがとう (arigatō)."),
        ("user", "And what is this?"),
        ("assistant", "A cat 🐈‍⬛."),
    ]
    assert (found.title, found.source, found.id) == ("Grüße 👋", "chatgpt", "c-1")
    assert found.when == datetime.fromtimestamp(1700000001.25, UTC)
    assert [[turn.text for turn in branch] for branch in found.branches] == [
        ["Wie heißt „Danke“ auf Japanisch? 🇯🇵", "Arigato."]
    ]
    assert [turn.rating for turn in found.main] == [0, 1, 0, 0]
    assert found.branches[0][-1].rating == -1


def test_newer_chatgpt_exports_come_in_pieces(folder: Path) -> None:
    pieces = {f"conversations-{n:03}": [chatgpt(node("q", None, "user", f"Q{n}"), node("a", "q", "assistant", f"A{n}"))]
              for n in range(3)}  # fmt: skip
    found = read(zipped(folder.parent / "e.zip", user={"id": 1}, **pieces), folder)
    assert [conversation.main[1].text for conversation in found] == ["A0", "A1", "A2"]


def test_a_tree_that_is_none_does_no_harm(folder: Path) -> None:
    """A circle, a parent that is missing, and no current node."""
    circle = chatgpt(node("a", "b", "user", "Q"), node("b", "a", "assistant", "A"), current="a")
    orphan = chatgpt(node("q", "gone", "user", "Q2"), node("a2", "q", "assistant", "A2"), current="nowhere")
    assert [len(found.main) for found in read(written(folder, [circle, orphan]), folder)] == [2, 2]


def test_thousands_of_branches_are_cut(folder: Path) -> None:
    many = [node(f"a{n}", "q", "assistant", f"Answer {n}") for n in range(1000)]
    [found] = read(written(folder, [chatgpt(node("q", None, "user", "Q"), *many)]), folder)
    assert len(found.paths) == 200
    assert found.main[-1].text == "Answer 999"


def test_claude_without_thoughts_but_with_attachments(folder: Path) -> None:
    [found] = read(written(folder, [CLAUDE]), folder)
    assert said(found) == [
        ("user", "Summarise the file.\n\nnotes.txt:\nBees dance."),
        ("assistant", "The notes say that bees dance."),
    ]
    assert [turn.text for turn in found.branches[0]][-1] == "Bees do dance."
    assert (found.title, found.when) == ("Untitled", datetime(2024, 3, 5, 10, tzinfo=UTC))


def test_older_claude_exports_have_no_tree(folder: Path) -> None:
    messages = [{"uuid": "1", "sender": "human", "text": "Hi"}, {"uuid": "2", "sender": "assistant", "text": "Hello"}]
    [found] = read(written(folder, [{"uuid": "c", "name": "Short", "chat_messages": messages}]), folder)
    assert said(found) == [("user", "Hi"), ("assistant", "Hello")]


def test_one_claude_conversation_is_an_export_too(folder: Path) -> None:
    assert len(read(written(folder, CLAUDE), folder)) == 1


def test_open_webui_with_thumbs_and_siblings(folder: Path) -> None:
    [found] = read(written(folder, [OPEN_WEBUI]), folder)
    assert said(found) == [
        ("system", "You help with networks."),
        ("user", "Reset it?"),
        ("assistant", "Hold the button for ten seconds."),
    ]
    assert found.main[-1].rating == 1
    assert (found.branches[0][-1].text, found.branches[0][-1].rating) == ("No.", -1)


def test_open_webuis_feedback_holds_its_chats(folder: Path) -> None:
    chat = json.loads(json.dumps(OPEN_WEBUI))
    for message in chat["chat"]["history"]["messages"].values():
        message.pop("annotation", None)
    entry = {"type": "rating", "data": {"rating": -1}, "meta": {"message_id": "b"}, "snapshot": {"chat": chat}}
    [found] = read(written(folder, [entry]), folder)
    assert (found.title, found.main[-1].rating) == ("Router", -1)


def test_langsmiths_examples_and_runs(folder: Path) -> None:
    lines = "\n".join(json.dumps(row) for row in (LANGSMITH_EXAMPLE, LANGSMITH_CHAIN, LANGSMITH_RUN))
    overview = read_export(written(folder, lines, "runs.jsonl"), folder)
    example, run = Store(folder).conversations()
    assert said(example) == [("user", "What is 2+2?"), ("assistant", "4")]
    assert said(run) == [("system", "Be brief."), ("user", "Weather in Oslo?"), ("assistant", "Rain.")]
    assert run.main[-1].rating == 1
    assert overview.left_out == {"hold what other entries say in more detail": 1}


def test_a_chain_counts_where_no_calls_are_exported(folder: Path) -> None:
    [found] = read(written(folder, [LANGSMITH_CHAIN]), folder)
    assert said(found) == [("user", "Weather in Oslo?"), ("assistant", "Rain.")]


def test_langfuse_observations_with_calls_of_tools(folder: Path) -> None:
    [found] = read(written(folder, {"data": [LANGFUSE_TRACE, LANGFUSE_GENERATION], "meta": {}}), folder)
    assert found.main[0].text == "Order 17?"
    assert found.main[1].more["tool_calls"][0]["function"] == {"name": "find", "arguments": '{"order": 17}'}
    assert found.main[1].rating == -1


def test_langfuse_tables_have_json_in_their_cells(folder: Path) -> None:
    table = 'id,timestamp,input,output\nt,2024-06-01T12:00:00Z,"[{""role"":""user"",""content"":""Hi""}]","""Ho"""\n'
    [found] = read(written(folder, table, "traces.csv"), folder)
    assert said(found) == [("user", "Hi"), ("assistant", "Ho")]


def test_a_trace_with_its_observations(folder: Path) -> None:
    page = {"trace": LANGFUSE_TRACE, "observations": [{"type": "SPAN", "id": "s"}, LANGFUSE_GENERATION]}
    [found] = read(written(folder, json.dumps(page, indent=2)), folder)
    assert found.id == "g"


def test_transcripts_keep_what_only_looks_like_a_speaker(folder: Path) -> None:
    first, second = read(written(folder, TRANSCRIPT, "talk.txt"), folder)
    assert said(first) == [
        ("user", "Where is my parcel?"),
        ("assistant", "Let me see.\n\nAnswer: it left this morning."),
        ("user", "Thanks!"),
        ("assistant", "You are welcome."),
    ]
    assert said(second) == [("user", "Hi"), ("assistant", "Hello!")]


@pytest.mark.parametrize(
    "text",
    [
        "**User:** Hi\n**Assistant:** Hello\n",
        "[10:42] Human: Hi\n[10:43] AI: Hello\n",
        "## User\nHi\n\n## Assistant\nHello\n",
        "\ufeffQ: Hi\r\nA: Hello\r\n",
        "Customer : Hi\nAgent : Hello",
    ],
)
def test_transcripts_of_many_hands(folder: Path, text: str) -> None:
    [found] = read(written(folder, text, "talk.md"), folder)
    assert [(role, text.strip()) for role, text in said(found)] == [("user", "Hi"), ("assistant", "Hello")]


def test_a_rule_inside_an_answer_ends_nothing(folder: Path) -> None:
    [found] = read(written(folder, "User: Hi\nAssistant: One\n---\nTwo\n", "talk.md"), folder)
    assert found.main[1].text == "One\n---\nTwo"


def test_logs_of_ones_own(folder: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello", "rating": "up"}]},
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "?"}], "feedback": -1},
    ]
    packed = folder.parent / "log.jsonl.gz"
    packed.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    assert [found.main[-1].rating for found in read(packed, folder)] == [1, -1]


def test_utf16_is_read_as_such(folder: Path) -> None:
    path = folder.parent / "export.json"
    path.write_bytes(json.dumps([CLAUDE], ensure_ascii=False).encode("utf-16"))
    assert len(read(path, folder)) == 1


def test_half_an_emoji_costs_one_character(folder: Path) -> None:
    row = json.dumps([chatgpt(node("q", None, "user", "Hi"), node("a", "q", "assistant", "Cut \ud83d"))])
    [found] = read(written(folder, row), folder)
    assert found.main[1].text == "Cut \ufffd"


def test_what_has_no_answer_is_counted(folder: Path) -> None:
    lonely = chatgpt(node("q", None, "user", "Anybody?"))
    overview = read_export(written(folder, [lonely, CHATGPT, {"what": "ever"}, 7]), folder)
    assert overview.left_out == {"have no answer": 1, "are of no known kind": 1, "cannot be read": 1}
    assert overview.sources == {"chatgpt": 1}


def test_a_file_cut_in_the_middle_gives_what_it_has(folder: Path) -> None:
    text = json.dumps([CHATGPT, CLAUDE])
    overview = read_export(written(folder, text[: len(text) - 200]), folder)
    assert overview.sources == {"chatgpt": 1}
    assert overview.left_out == {"cannot be read": 1}


def changed(value: Any, dice: random.Random) -> Any:
    """Somewhere in `value` stands something else, or nothing."""
    if not isinstance(value, dict | list) or not value or dice.random() < 0.1:
        return dice.choice(
            [None, True, -1, 10**30, "", "x", '{"role": "user"}', [], {}, [[]], [None], [["human", "x"]], {"text": 5}]
        )
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = dice.choice(keys)
    if dice.random() < 0.1:
        return (
            {k: v for k, v in value.items() if k != key} if isinstance(value, dict) else value[:key] + value[key + 1 :]
        )
    copy = value.copy()
    copy[key] = changed(value[key], dice)
    return copy


def test_no_row_however_odd_stops_the_others(folder: Path) -> None:
    """One field of each is something else; every row is read or counted, and every conversation makes examples."""
    dice = random.Random(17)
    trace = {"trace": LANGFUSE_TRACE, "observations": [LANGFUSE_GENERATION]}
    seeds = [CHATGPT, CLAUDE, OPEN_WEBUI, LANGSMITH_EXAMPLE, LANGSMITH_RUN, LANGSMITH_CHAIN, LANGFUSE_GENERATION, trace]
    odd = [changed(seed, dice) for seed in seeds * 100]
    overview = read_export(written(folder, "\n".join(map(json.dumps, [*odd, CLAUDE])), "odd.jsonl"), folder)
    assert overview.sources["claude"] > 1
    for result in Result:
        assert make(Store(folder), None, ImportOptions(result=result, anonymise=True)).conversations > 100


def refused(path: Path, folder: Path) -> FileProblem:
    with pytest.raises(FileProblem) as problem:
        read_export(path, folder)
    assert not Store(folder).is_there
    return problem.value


def test_half_an_archive_is_refused(folder: Path) -> None:
    whole = zipped(folder.parent / "e.zip", conversations=[CHATGPT]).read_bytes()
    path = folder.parent / "half.zip"
    path.write_bytes(whole[: len(whole) // 2])
    assert refused(path, folder).code == "damaged_archive"


@pytest.mark.parametrize("name", ["../evil.json", "/etc/passwd.json", "a/../../b.json", "C:\\x.json", "..\\x.json"])
def test_a_name_that_leads_out_is_refused(folder: Path, name: str) -> None:
    path = folder.parent / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("conversations.json", json.dumps([CHATGPT]))
        archive.writestr(name, "x")
    problem = refused(path, folder)
    assert problem.code == "unsafe_archive"
    assert "leads out of its folder" in str(problem)


def test_a_link_is_refused(folder: Path) -> None:
    path = folder.parent / "link.zip"
    link = zipfile.ZipInfo("conversations.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert refused(path, folder).code == "unsafe_archive"


def test_a_password_is_said(folder: Path) -> None:
    path = zipped(folder.parent / "e.zip", conversations=[CHATGPT])
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "password" in str(refused(path, folder))


def test_a_bomb_is_not_unpacked(folder: Path) -> None:
    """200 MB of spaces in 200 KB."""
    path = folder.parent / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("conversations.json", "w") as file:
        file.write(b"[")
        for _ in range(200):
            file.write(b" " * 1_000_000)
    assert refused(path, folder).code == "decompression_bomb"


def test_a_bomb_that_lies_about_its_size_is_damaged(folder: Path) -> None:
    path = folder.parent / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", b"[" + b" " * 1_000_000)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 100)
    path.write_bytes(data)
    assert refused(path, folder).code == "damaged_archive"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", '[{"instruction": "x", "input": "", "output": "y"}]', "instruction, input, output"),
        ("b.txt", "Dear diary,\nnothing happened.\n", "neither an export"),
        ("c.json", "", "empty"),
        ("d.json", "[]", "nothing"),
        ("e.csv", "name,age\nAnna,7\n", "neither an export"),
        ("f.json", '[{"chat_messages": []}]', "none of its 1 conversations"),
        ("g.json", "[{", "cut off"),
    ],
)
def test_what_is_no_export_is_said(folder: Path, name: str, content: str, said: str) -> None:
    assert said in str(refused(written(folder, content, name), folder))


def test_an_archive_without_conversations(folder: Path) -> None:
    assert "holds no conversations.json" in str(refused(zipped(folder.parent / "photos.zip"), folder))
