"""From a canonical row to the tokens that train: nothing of an answer is lost, and nothing else is learned."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.datasets.tokens import Examination, TokenCounts
from core.home import Home
from core.sweep import Sweep
from storage.files import write_json
from storage.rows import ROWS, Kind, Row, RowsWriter, encode, row_id
from storage.spec import DatasetRef, HoldOut, ModelRef
from training.process_group import Alone
from training.ranks import Rank

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
#: What Qwen 3 does: an answer has its thoughts only while it is the last.
THINKING = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' and loop.last %}{{ '<think>' + (message['reasoning_content'] or '') }}"
    "{{ '</think>' }}{% endif %}{{ message['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
WITH_TOOLS = (
    "{% if tools %}{{ '<|im_start|>tools\n' + (tools | tojson) + '<|im_end|>\n' }}{% endif %}"
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] }}"
    "{% for call in message.tool_calls %}{{ call.function.name + '(' + call.function.arguments.city + ')' }}"
    "{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import AutoTokenizer

        import training.holdout
        import training.preferences  # noqa: F401  # other people's deprecations, on import

        return AutoTokenizer.from_pretrained(tiny_model)


def speaks(tokenizer: Any, template: str) -> Any:
    """The same tokenizer with another chat template."""
    import copy

    other = copy.deepcopy(tokenizer)
    other.chat_template = template
    return other


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


def pairs(count: int = 24) -> list[dict[str, Any]]:
    return [{"messages": [user(f"Question {n}?"), assistant(f"Answer {n}. " * (n % 5 + 1))]} for n in range(count)]


def tokenise(tokenizer: Any, content: dict[str, Any], kind: Kind = Kind.SUPERVISED, line: int = 7) -> Any:
    from training.tokenise import tokenised

    return next(tokenised([Row(0, line, json.loads(encode(content)))], kind, tokenizer))


def learned(tokenizer: Any, content: dict[str, Any], kind: Kind = Kind.SUPERVISED) -> list[str]:
    """The text that is learned, of each sequence."""
    found = tokenise(tokenizer, content, kind)
    assert found.refused is None, found.refused
    return [tokenizer.decode(part.input_ids[part.learned]) for part in found.sequences]


def refusal(tokenizer: Any, content: dict[str, Any]) -> tuple[str, str]:
    found = tokenise(tokenizer, content)
    return found.refused.code, found.refused.detail


def dataset(folder: Path, rows: list[dict[str, Any]], kind: Kind = Kind.SUPERVISED, first_line: int = 1) -> DatasetRef:
    folder.mkdir(parents=True)
    with closing(RowsWriter(folder)) as writer:
        for line, row in enumerate(rows, start=first_line):
            writer.add(row, line)
    return DatasetRef(
        id=folder.name, name="Rows", path=str(folder / ROWS), sha256=writer.sha256,
        format="chat", kind=kind, rows=writer.rows, tokens_estimate=0,
    )  # fmt: skip


def model_ref(folder: Path) -> ModelRef:
    sizes = {"context_length": 512, "parameters": 0, "hidden_size": 64, "layers": 2}
    return ModelRef(id="tiny", name="Tiny", path=str(folder), revision="0", **sizes)


class Bench:
    """As much of a workbench as reading rows needs; remembers what was told."""

    def __init__(self, home: Path) -> None:
        self.run = SimpleNamespace(path=home / "runs" / "a-job")
        self.rank, self.group = Rank(), Alone()
        self.events: list[Any] = []

    def emit(self, event: Any) -> None:
        self.events.append(event)

    progress = emit

    @property
    def messages(self) -> list[str]:
        return [event.message for event in self.events if hasattr(event, "message")]


def load(ref: DatasetRef, model: Path, tokenizer: Any, bench: Bench, max_tokens: int = 256) -> list[Any]:
    from training.data import load_examples

    return load_examples(ref, model_ref(model), tokenizer, max_tokens, bench)


# What is learned


def test_only_answers_are_learned_each_with_its_end_of_turn(tokenizer: Any) -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        user("One ☕?"),
        assistant("Ä first ☕."),
        user("Two?"),
        assistant("Not this one.", weight=0),
        user("Three?"),
        assistant("The second."),
    ]
    found = learned(tokenizer, {"messages": messages})
    assert found == ["Ä first ☕.<|im_end|>The second.<|im_end|>"]


answers = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).filter(str.strip)
turns = st.lists(st.tuples(answers, answers, st.sampled_from([0, 1])), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def merging(tokenizer: Any) -> Any:
    """Has a token that reaches from the template's line break into an answer that begins with one."""
    other = speaks(tokenizer, tokenizer.chat_template)
    other.add_tokens(["\n\n", "\nA"])
    return other


@pytest.mark.parametrize("kind", ["tokenizer", "merging"])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=turns, glue=st.sampled_from(["", "\n", "<|im_end|>", " \r\n\u2028", "\ufeff"]))
def test_no_character_of_an_answer_is_lost(
    request: pytest.FixtureRequest, kind: str, turns: list[tuple[str, str, int]], glue: str
) -> None:
    tokenizer = request.getfixturevalue(kind)
    messages = [
        message
        for question, answer, weight in turns
        for message in (user(question), assistant(glue + answer + glue, weight=weight))
    ]
    found = tokenise(tokenizer, {"messages": messages})
    assert found.refused is None
    (part,) = found.sequences
    rest = tokenizer.decode(part.input_ids[part.learned])
    for _, answer, weight in turns:
        if weight:
            before, whole, rest = rest.partition(glue + answer + glue + "<|im_end|>")
            assert whole
            # A line break of the template may merge with one that the answer begins with; nothing else comes along.
            assert before.strip("\n") == ""
    assert rest == ""


def test_a_template_that_forgets_thoughts_still_shows_where_each_answer_stands(tokenizer: Any) -> None:
    thinking = speaks(tokenizer, THINKING)
    messages = [user("1+1?"), assistant("2"), user("And 2+2?"), assistant("4", reasoning_content="Twice two.")]
    found = tokenise(thinking, {"messages": messages})
    assert learned(thinking, {"messages": messages}) == ["2<|im_end|><think>Twice two.</think>4<|im_end|>"]
    assert found.notes == ()
    # One that has no place for them says so.
    assert tokenise(tokenizer, {"messages": messages}).notes == ("template_ignores_reasoning",)


def test_tools_reach_the_template_and_a_call_is_learned(tokenizer: Any) -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    row = {
        "tools": tools,
        "messages": [
            user("Rome?"),
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "Sunny"},
            assistant("It is sunny."),
        ],
    }
    speaking = speaks(tokenizer, WITH_TOOLS)
    assert learned(speaking, row) == ["weather(Rome)<|im_end|>It is sunny.<|im_end|>"]
    text = speaking.decode(tokenise(speaking, row).sequences[0].input_ids)
    assert '"parameters": {"type": "object"}' in text
    # A template that writes an empty answer instead would teach to say nothing.
    assert refusal(tokenizer, row)[0] == "template_drops_text"


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{{ raise_exception('Roles must alternate') }}", "template_refuses"),
        ("{{ messages[0]['content'] / 0 }}", "template_refuses"),
        ("{% for message in messages %}{{ message['role'] }}{% endfor %}", "template_drops_text"),
        ("{% for m in messages %}[{{ m['content'][:3] }}]{% endfor %}", "template_drops_text"),
        ("{% for m in messages | reverse %}[{{ m['content'] | upper }}]{% endfor %}", "template_refuses"),
    ],
)
def test_a_template_that_cannot_write_the_row_is_refused(tokenizer: Any, template: str, code: str) -> None:
    found, detail = refusal(speaks(tokenizer, template), {"messages": [user("Hello?"), assistant("Good day.")]})
    assert found == code
    if "alternate" in template:
        assert "Roles must alternate" in detail


def test_a_template_that_never_ends_is_stopped() -> None:
    from training.limits import TooSlow, cpu_limit

    def endless() -> None:
        with cpu_limit(0.2):
            while True:
                pass

    with pytest.raises(TooSlow):
        endless()


def test_each_kind_of_row_has_its_own_sequences(tokenizer: Any) -> None:
    prompt = [user("A?"), assistant("Early."), user("B?")]
    pair = {"prompt": prompt, "chosen": [assistant("Yes.")], "rejected": [assistant("No.")]}
    assert learned(tokenizer, pair, Kind.PREFERENCE) == ["Yes.<|im_end|>", "No.<|im_end|>"]
    labelled = {"prompt": prompt, "completion": [assistant("Yes.")], "label": True}
    assert learned(tokenizer, labelled, Kind.UNPAIRED) == ["Yes.<|im_end|>"]
    assert learned(tokenizer, {"text": "Once upon a time."}, Kind.TEXT) == ["Once upon a time.<|im_end|>"]
    asked = {"messages": [user("A?")], "item": {"answer": 1}}
    assert learned(tokenizer, asked, Kind.REINFORCEMENT) == [""]
    text = tokenizer.decode(tokenise(tokenizer, asked, Kind.REINFORCEMENT).sequences[0].input_ids)
    assert text.endswith("<|im_start|>assistant\n")


# What is told


def test_rows_that_are_cut_are_counted_by_the_lines_of_the_users_file(
    tokenizer: Any, tiny_model: Path, tmp_path: Path
) -> None:
    short, long = {"messages": [user("a"), assistant("b")]}, {"messages": [user("a"), assistant("b" * 500)]}
    ref = dataset(tmp_path / "datasets" / "ds", [short, long, short], first_line=10)
    bench = Bench(tmp_path)
    examples = load(ref, tiny_model, tokenizer, bench, max_tokens=64)
    assert [len(example.input_ids) <= 64 for example in examples] == [True] * 3
    told = next(message for message in bench.messages if "cut" in message)
    assert "1 row was cut to the max context length of 64 tokens: line 11." in told


def test_few_empty_rows_are_left_out_and_many_refuse_the_run(tokenizer: Any, tiny_model: Path, tmp_path: Path) -> None:
    from training.failures import BadDataset

    short, empty = {"messages": [user("a"), assistant("b")]}, {"messages": [user("a" * 200), assistant("b")]}
    few = dataset(tmp_path / "datasets" / "few", [short] * 39 + [empty])
    bench = Bench(tmp_path)
    assert len(load(few, tiny_model, tokenizer, bench, max_tokens=64)) == 39
    assert any("1 row was left out, as no answer fits into it: line 40." in message for message in bench.messages)
    many = dataset(tmp_path / "datasets" / "many", [short] * 8 + [empty] * 2)
    with pytest.raises(BadDataset, match=r"2 of 10 rows of Rows would train nothing.*lines 9, 10.*At most 5% may"):
        load(many, tiny_model, tokenizer, Bench(tmp_path), max_tokens=64)


def test_broken_rows_refuse_the_run_by_their_lines(tokenizer: Any, tiny_model: Path, tmp_path: Path) -> None:
    from training.failures import BadDataset

    rows = [{"messages": [user("a"), assistant("b")]}, {"broken": "{", "code": "not_json"}, {"messages": [user("a")]}]
    ref = dataset(tmp_path / "datasets" / "ds", rows, first_line=5)
    with pytest.raises(BadDataset, match=r"2 rows cannot be trained on: lines 6, 7\. Line 6: not json"):
        load(ref, tiny_model, tokenizer, Bench(tmp_path))


def test_rows_that_changed_since_the_import_are_refused(tokenizer: Any, tiny_model: Path, tmp_path: Path) -> None:
    from training.failures import BadDataset

    ref = dataset(tmp_path / "datasets" / "ds", pairs(12))
    path = Path(ref.path)
    path.write_bytes(path.read_bytes().replace(b"Answer 3", b"Answer 9"))
    with pytest.raises(BadDataset, match="not those that were imported"):
        load(ref, tiny_model, tokenizer, Bench(tmp_path))


# The cache


def test_what_the_cache_gives_is_what_was_made(tokenizer: Any, tiny_model: Path, tmp_path: Path) -> None:
    ref = dataset(tmp_path / "datasets" / "ds", pairs())
    first, second = Bench(tmp_path), Bench(tmp_path)
    made = load(ref, tiny_model, tokenizer, first)
    read = load(ref, tiny_model, None, second)  # no tokenizer: nothing is left to be done
    for one, other in zip(made, read, strict=True):
        assert (one.line, one.row_id) == (other.line, other.row_id)
        assert one.input_ids.tolist() == other.input_ids.tolist()
        assert one.labels.tolist() == other.labels.tolist()
    assert not any("from the cache" in message for message in first.messages)
    assert any("from the cache" in message for message in second.messages)


def test_another_template_is_another_entry_and_a_damaged_one_is_made_again(
    tokenizer: Any, tiny_model: Path, tmp_path: Path
) -> None:
    from storage.token_folder import INPUT_IDS, key_of, open_sealed

    copy = tmp_path / "model"
    copy.mkdir()
    for file in (*tiny_model.glob("*.json"), *tiny_model.glob("*.jinja")):
        (copy / file.name).write_bytes(file.read_bytes())
    ref = dataset(tmp_path / "datasets" / "ds", pairs(12))
    key = key_of(ref.sha256, ref.kind, copy)
    (copy / "chat_template.jinja").write_text("{{ messages }}")
    assert key_of(ref.sha256, ref.kind, copy) != key == key_of(ref.sha256, ref.kind, tiny_model)

    made = [example.input_ids.tolist() for example in load(ref, tiny_model, tokenizer, Bench(tmp_path))]
    folder = tmp_path / "cache" / "tokens" / key
    (folder / INPUT_IDS).write_bytes(b"half")
    assert open_sealed(folder) is None
    again = load(ref, tiny_model, tokenizer, Bench(tmp_path))
    assert [example.input_ids.tolist() for example in again] == made


def test_the_cache_keeps_what_was_used_last_within_its_bound(tokenizer: Any, tiny_model: Path, tmp_path: Path) -> None:
    from storage.token_folder import ABOUT, oldest_first
    from training.token_cache import make_room

    cache = tmp_path / "cache" / "tokens"
    for number in range(3):
        load(
            dataset(tmp_path / "datasets" / f"ds-{number}", pairs(12 + number)),
            tiny_model,
            tokenizer,
            Bench(tmp_path),
        )
    for age, (folder, _) in enumerate(found := oldest_first(cache)):
        os.utime(folder / ABOUT, (1000 + age, 1000 + age))
    (first, _), (second, size), (third, last_size) = oldest_first(cache)
    make_room(cache, spare=first, most_bytes=size + last_size)
    assert {path for path, _ in oldest_first(cache)} == {first, third}
    assert len(found) == 3
    assert not second.exists()


def test_tokens_of_a_dataset_that_is_gone_are_swept(tokenizer: Any, tiny_model: Path, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    kept = dataset(home.datasets / "kept", pairs(12))
    gone = dataset(tmp_path / "elsewhere", pairs(13))
    for ref in (kept, gone):
        load(ref, tiny_model, tokenizer, Bench(tmp_path))
    sweep = Sweep(home, None, {"kept"})
    assert [item.why for item in sweep._tokens()] == ["tokens of a dataset that is gone"]


# Which rows are held out


def test_a_frozen_split_holds_out_the_rows_that_it_names(tokenizer: Any, tiny_model: Path, tmp_path: Path) -> None:
    from training.failures import BadDataset
    from training.holdout import split_rows

    rows = pairs(12)
    ref = dataset(tmp_path / "datasets" / "ds", [*rows, rows[3]])
    examples = load(ref, tiny_model, tokenizer, Bench(tmp_path))
    path = tmp_path / "split.json"
    named = [row_id(encode(row)) for row in (rows[3], rows[5])]
    write_json(path, {"seed": 1, "share": 0.1, "by": "row", "evaluation": named})
    spec = SimpleNamespace(evaluation=HoldOut(), split=str(path), evaluation_dataset=None)
    bench = Bench(tmp_path)
    split = split_rows(spec, examples, lambda _: [], bench)
    assert [example.number for example in split.held_out] == [3, 5, 12]
    assert len(split.train) == 10
    assert bench.messages == []
    path.write_text("{")
    with pytest.raises(BadDataset, match="missing or damaged"):
        split_rows(spec, examples, lambda _: [], bench)


def test_a_copy_of_a_held_out_row_leaves_training(tokenizer: Any) -> None:
    import numpy as np

    from training.data import Example
    from training.holdout import choose, without

    examples = [
        Example(None, line, line, b"", np.array([text]), np.array([True]))
        for line, text in enumerate([1, 2, 1, 3, 1, 2, 4, 5], start=1)
    ]
    held_out = choose(examples, 0.25, seed=0)
    assert len(held_out) == 2
    left = {int(example.input_ids[0]) for example in without(examples, held_out)}
    assert left == {1, 2, 3, 4, 5} - {int(example.input_ids[0]) for example in held_out}
    assert choose(examples[:1] * 4, 0.25, seed=0) == []


# The examination


@pytest.fixture
def counts(tmp_path: Path) -> Iterator[TokenCounts]:
    home = Home(tmp_path)
    home.prepare()
    counts = TokenCounts(home)
    yield counts
    counts.stop()


def test_what_is_shown_as_learned_is_what_the_trainer_learns(
    counts: TokenCounts, tokenizer: Any, tiny_model: Path, tmp_path: Path
) -> None:
    from training.data import MASKED

    rows = [
        *pairs(12),
        {"messages": [user("Ä ☕?"), assistant("Ü ☕ é")]},
        {"messages": [user("long " * 90), assistant("x")]},
    ]
    ref = dataset(tmp_path / "datasets" / "ds", rows, first_line=3)
    examination = counts.of(ref, model_ref(tiny_model), 64)
    fresh = examination.spans(12)
    examination.start()
    report = examination.result(timeout_s=120)
    assert (report.rows, report.count("trains_nothing"), report.codes["trains_nothing"].rows) == (14, 1, [13])
    assert "1 of 14 rows would train nothing within 64 tokens" in report.objection()
    assert examination.rows_by_length(0, 1) == [13]
    assert {(finding.row, finding.line) for finding in examination.findings() if finding.code == "trains_nothing"} == {
        (13, 16)
    }
    # Counted again at a context where all fit, from the cache; and now the trainer's view of the same rows.
    wide = counts.of(ref, model_ref(tiny_model), 512)
    wide.start()
    assert wide.result(timeout_s=120).objection() == ""
    examples = load(ref, tiny_model, None, Bench(tmp_path), max_tokens=512)
    assert wide.known().tokens == sum(len(example.input_ids) for example in examples)
    for row in (0, 12):
        labels = examples[row].labels
        shown = wide.spans(row).sequences[0]
        trained = "".join(piece.text for piece in shown if piece.trained)
        assert trained == tokenizer.decode(labels[labels != MASKED])
        assert sum(piece.tokens for piece in shown if piece.trained) == (labels != MASKED).sum()
        assert "".join(piece.text for piece in shown) == tokenizer.decode(examples[row].input_ids)
    assert fresh == examination.spans(12)
    assert any(piece.cut for piece in examination.spans(13).sequences[0])


def test_an_examination_that_is_cancelled_leaves_nothing_behind_that_counts(
    counts: TokenCounts, tiny_model: Path, tmp_path: Path
) -> None:
    from core.child import ChildFailed

    ref = dataset(tmp_path / "datasets" / "ds", pairs(30_000))
    examination = counts.of(ref, model_ref(tiny_model), 64)
    examination.start()
    assert counts.of(ref, model_ref(tiny_model), 64) is examination
    deadline = time.monotonic() + 120
    while not examination.progress.done:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert examination.progress.total == 30_000
    examination.cancel()
    with pytest.raises(ChildFailed, match="cancelled"):
        examination.result(timeout_s=30)
    assert examination.known() is None


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    """Whatever ends the web process: a child that waits on nothing else notices."""
    program = (
        "import sys, core.child, time; child = core.child.Child('training.examine', {'nothing': 1});"
        "print(child._process.pid, flush=True); time.sleep(600)"
    )
    sleepy = program.replace("'training.examine'", "'tests_sleepy'")
    (tmp_path / "tests_sleepy.py").write_text(
        "import time\nfrom storage.child_process import answer\nanswer(lambda request, teller: time.sleep(600))\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    sleepy = sleepy.replace("{'nothing': 1}", f"{{}}, {{'PYTHONPATH': '{ROOT}:{tmp_path}'}}")
    parent = subprocess.Popen([sys.executable, "-c", sleepy], env=environment, stdout=subprocess.PIPE, cwd=ROOT)
    child = int(parent.stdout.readline())
    with os.fdopen(os.pidfd_open(child)) as handle:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
        import select

        assert select.select([handle], [], [], 30)[0]


def test_a_reason_reaches_the_page(counts: TokenCounts, tmp_path: Path) -> None:
    from core.child import ChildFailed

    ref = dataset(tmp_path / "datasets" / "ds", pairs(12))
    examination = Examination(ref, model_ref(tmp_path / "nowhere"), 64, tmp_path / "cache" / "tokens")
    with pytest.raises(ChildFailed, match="is not there any more"):
        examination.result(timeout_s=60)
