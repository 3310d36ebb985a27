"""What the process tests share: a tiny real model with a real tokenizer, and runs of it."""

import itertools
import json
import os
import secrets
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standin import add_tiny_model

from core import start_folder
from core.home import Home
from storage.event_log import read_events
from storage.events import Event
from storage.methods import Lora
from storage.process import TOKEN_VARIABLE
from storage.retention import Checkpointing, sealed
from storage.rows import ROWS, Kind, RowsWriter
from storage.run_folder import Attempt, RunFolder
from storage.spec import Compute, DatasetRef, HoldOut, Hyperparameters, JobSpec, ModelRef, Objective, RunSpec, StartRef
from storage.trackers import Tracker

ROOT = Path(__file__).parents[2]
TINY_PUBLIC_ID = "tunesmith/tiny-llama"
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def tiny_rows(count: int = 24) -> list[dict[str, Any]]:
    """Conversations of different lengths, some of two turns."""
    rows = []
    for index in range(count):
        messages = [
            {"role": "user", "content": f"Question {index}: " + "why is the sky blue? " * (index % 5)},
            {"role": "assistant", "content": f"Answer {index}. " + "Because of the light. " * (index % 7)},
        ]
        if index % 4 == 0:
            messages += [{"role": "user", "content": "And?"}, {"role": "assistant", "content": "That is all."}]
        rows.append({"messages": messages})
    return rows


def tiny_pairs(count: int = 24) -> list[dict[str, Any]]:
    """Questions with a full answer and a curt one, of different lengths."""
    return [
        {
            "prompt": [{"role": "user", "content": f"Question {index}: " + "why is the sky blue? " * (index % 5)}],
            "chosen": [{"role": "assistant", "content": f"Answer {index}. " + "Because of the light. " * (index % 4)}],
            "rejected": [{"role": "assistant", "content": "Why? " * (1 + index % 3) + "That is all."}],
        }
        for index in range(count)
    ]


def tiny_prompts(count: int = 24) -> list[dict[str, Any]]:
    """Questions of different lengths; each knows the letter that is wanted."""
    return [
        {
            "messages": [{"role": "user", "content": f"Question {index}: " + "why is the sky blue? " * (index % 4)}],
            "item": {"wanted": "the"},
        }
        for index in range(count)
    ]


KINDS = {Objective.SFT: Kind.SUPERVISED, Objective.DPO: Kind.PREFERENCE, Objective.RFT: Kind.REINFORCEMENT}
ROWS_OF = {Objective.SFT: tiny_rows, Objective.DPO: tiny_pairs, Objective.RFT: tiny_prompts}


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer Llama with random weights and a byte-level BPE tokenizer, as a folder of the model store."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    with warnings.catch_warnings():
        # Other people's deprecations, on import and on save.
        warnings.simplefilter("ignore")
        import torch
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

        bpe = Tokenizer(models.BPE())
        bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        bpe.decoder = decoders.ByteLevel()
        texts = [message["content"] for row in tiny_rows() for message in row["messages"]]
        bpe.train_from_iterator(
            texts,
            trainers.BpeTrainer(
                vocab_size=384,
                special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
                initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                show_progress=False,
            ),
        )
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>", unk_token="<|endoftext|>"
        )
        tokenizer.chat_template = CHATML
        torch.manual_seed(0)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=384,
                hidden_size=64,
                intermediate_size=128,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=512,
                eos_token_id=2,
                pad_token_id=0,
                bos_token_id=None,
                tie_word_embeddings=True,
            )
        )
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    (folder / "model.json").write_text(json.dumps({"id": "tiny", "public_id": TINY_PUBLIC_ID}))
    return folder


@pytest.fixture
def tiny_home(tiny_model: Path, tmp_path: Path) -> Home:
    """A data folder whose only model is the tiny one."""
    home = Home(tmp_path / "home")
    home.prepare()
    add_tiny_model(home, tiny_model)
    return home


class TinyRun:
    """One attempt at a run of the tiny model, trained by a real `python -m training`."""

    def __init__(self, folder: RunFolder, number: int = 1) -> None:
        self.folder = folder
        self.attempt: Attempt = folder.attempt(number)
        self.token = secrets.token_hex(16)
        self.attempt.claim(self.token)
        with (self.attempt.path / "supervisor.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "training", str(self.attempt.path)],
                cwd=ROOT,
                env={**os.environ, TOKEN_VARIABLE: self.token},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def events(self) -> tuple[Event, ...]:
        return read_events(self.attempt.events).events

    def resume(self) -> "TinyRun":
        """A further attempt at the same run."""
        return TinyRun(self.folder, self.attempt.number + 1)

    def wait_for(self, kind: str, timeout_s: float = 120) -> None:
        """Until an event of this type is there."""
        deadline = time.monotonic() + timeout_s
        while not any(event.type == kind for event in self.events):
            assert time.monotonic() < deadline, f"No {kind} event within {timeout_s} s: {self.log()}"
            assert self.process.poll() is None, f"Ended before a {kind} event: {self.log()}"
            time.sleep(0.05)

    def finish(self, timeout_s: float = 180) -> Event:
        """The last event, once supervisor and trainer are gone."""
        self.process.wait(timeout_s)
        assert self.events, self.log()
        return self.events[-1]

    def log(self) -> str:
        paths = (self.attempt.path / "supervisor.log", self.attempt.stderr)
        return "\n".join(path.read_text()[-3000:] for path in paths if path.exists())


@pytest.fixture
def tiny_folder(tiny_model: Path, tmp_path: Path) -> Callable[..., RunFolder]:
    """A run of the tiny model that nobody has started yet; `tiny_run` lists what can be said of it."""
    (tmp_path / "runs").mkdir()
    numbers = itertools.count()

    def create(
        rows: list[dict[str, Any]] | None = None,
        *,
        objective: Objective = Objective.SFT,
        epochs: int = 1,
        micro_batch_tokens: int = 512,
        batch_size: int = 600,
        learning_rate: float = 1e-2,
        method: Any = None,
        weights_dtype: str = "bfloat16",
        model: Path = tiny_model,
        devices: int = 1,
        fused: bool = False,
        eval_steps: int = 0,
        hyperparameters: dict[str, Any] | None = None,
        rehearsal: Any = "auto",
        gradient_checkpointing: bool = False,
        retention: Checkpointing | None = None,
        chat_template: str = "",
        trackers: tuple[Tracker, ...] = (),
        start: StartRef | None = None,
        **objectives: Any,
    ) -> RunFolder:
        number = next(numbers)
        dataset = tmp_path / "datasets" / f"rows-{number}"
        dataset.mkdir(parents=True)
        with closing(RowsWriter(dataset)) as writer:
            for line, row in enumerate(rows or ROWS_OF[objective](), start=1):
                writer.add(row, line)
        spec = RunSpec(
            job_id=f"tiny-{number}",
            output_name="tiny tuned",
            created_at=datetime.now(UTC),
            created_by="tests",
            asked=JobSpec(model="tiny", dataset="rows", trackers=trackers),
            objective=objective,
            method=method or Lora(dropout=0),
            hyperparameters=Hyperparameters(
                epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, max_context_length=256,
                eval_steps=eval_steps, **(hyperparameters or {}),
            ),
            model=ModelRef(
                id="tiny", name="Tiny", path=str(model), revision="0",
                context_length=512, parameters=0, hidden_size=64, layers=2, chat_template=chat_template,
            ),
            dataset=DatasetRef(
                id="rows", name="rows | *of* <b>tests</b>", path=str(dataset / ROWS), kind=KINDS[objective],
                sha256=writer.sha256, format="openai", rows=writer.rows, tokens_estimate=0,
            ),
            evaluation=HoldOut(share=0.2),
            retention=retention or Checkpointing(),
            start=start,
            compute=Compute(
                device="cpu", devices=devices, threads=1, weights_dtype=weights_dtype,
                micro_batch_tokens=micro_batch_tokens, rehearsal=rehearsal, fused=fused,
                gradient_checkpointing=gradient_checkpointing,
            ),
            **objectives,
        )  # fmt: skip
        folder = RunFolder.create(tmp_path / "runs", spec)
        if start:
            other = RunFolder(tmp_path / "runs" / start.job_id)
            source = sealed(other.checkpoints)[start.step] if start.step else other.output
            start_folder.take(source, start.step, other.lies_on(other.spec()), folder.start)
        return folder

    return create


@pytest.fixture
def tiny_run(tiny_folder: Callable[..., RunFolder]) -> Iterator[Callable[..., TinyRun]]:
    """Start a run of the tiny model: `tiny_run(rows=…, epochs=…, micro_batch_tokens=…)`."""
    started: list[TinyRun] = []

    def start(rows: list[dict[str, Any]] | None = None, **asked: Any) -> TinyRun:
        started.append(TinyRun(tiny_folder(rows, **asked)))
        return started[-1]

    yield start
    for run in started:
        run.process.kill()
        run.process.wait()
        for identity in run.attempt.processes():
            if identity.is_alive:
                os.kill(identity.pid, 9)
