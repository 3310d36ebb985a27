"""`python -m training` as the launcher starts it: a real supervisor, a real trainer, a tiny real model."""

import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import manifest
from storage.events import Failed, Finished, Metric, Sample
from storage.files import read_json
from storage.run_folder import Request
from storage.spec import Objective
from storage.status import Cause

pytestmark = pytest.mark.process


def values(run, name: str) -> list[float]:
    return [event.values[name] for event in run.events if isinstance(event, Metric) and name in event.values]


def test_a_run_from_the_first_event_to_the_sealed_adapter(tiny_run: Callable, tiny_model: Path) -> None:
    run = tiny_run(epochs=3)
    last = run.finish()
    assert isinstance(last, Finished), run.log()
    assert last.outcome == "completed"

    # The story is whole: no gap, every step once, the curve falls, answers before and after.
    assert [event.seq for event in run.events] == list(range(len(run.events)))
    steps = [event.step for event in run.events if isinstance(event, Metric) and "loss" in event.values]
    assert steps == list(range(1, last.step + 1))
    assert len(values(run, "eval_loss")) == 4
    assert last.facts["eval_loss_last"] < last.facts["eval_loss_first"]
    assert last.facts["tokens"] > 0
    answers = [(event.index, event.tuned) for event in run.events if isinstance(event, Sample)]
    assert answers == [(index, tuned) for tuned in (False, True) for index in range(3)]

    ending = run.attempt.exit()
    assert (ending.returncode, ending.signal, ending.cause) == (0, None, None)
    assert run.attempt.heartbeat.exists()

    # What is left on disk is sealed, says where it comes from, and holds no path of this machine.
    output = run.folder.output
    assert manifest.damage(output) is None
    sealed = sorted(path.name for path in run.folder.checkpoints.iterdir())
    assert sealed == [f"step-{last.step * epoch // 3:08d}" for epoch in (2, 3)]
    assert all(manifest.damage(run.folder.checkpoints / name) is None for name in sealed)
    assert read_json(output / "adapter_config.json")["base_model_name_or_path"] == "tunesmith/tiny-llama"
    assert not any(str(tiny_model.parent) in path.read_text() for path in output.glob("*.json"))
    card = (output / "README.md").read_text()
    assert 'base_model: "tunesmith/tiny-llama"' in card
    assert "<b>" not in card.replace(r"\<b\>", "")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        base = AutoModelForCausalLM.from_pretrained(tiny_model)
        tuned = PeftModel.from_pretrained(base, output)
    trained = [parameter for name, parameter in tuned.named_parameters() if "lora_B" in name]
    assert trained
    assert all(parameter.abs().sum() > 0 for parameter in trained)


def test_three_micro_batches_are_one_big_one(tiny_run: Callable) -> None:
    """The loss is weighted by tokens, so how a step is cut must not show in its loss or its gradient."""
    results = []
    for micro_batch_tokens in (100_000, 300):
        run = tiny_run(micro_batch_tokens=micro_batch_tokens, batch_size=4000, weights_dtype="float32")
        assert run.finish().type == "finished", run.log()
        passes = next(event.detail for event in run.events if getattr(event, "name", "") == "training")
        tokenised = [event for event in run.events if getattr(event, "name", "") == "tokenising"]
        cached = [event for event in run.events if "from the cache" in getattr(event, "message", "")]
        # The second job reads the tokens that the first one made.
        assert (bool(tokenised), bool(cached)) == ((False, True) if results else (True, False))
        results.append((passes, values(run, "loss"), values(run, "grad_norm"), values(run, "eval_loss")))
    (whole, *one), (cut, *several) = results
    assert "takes 1 forward pass" in whole
    assert "takes 1 forward" not in cut
    for expected, found in zip(one, several, strict=True):
        assert found == pytest.approx(expected, rel=1e-4)


def test_cancel_ends_the_run_at_the_next_step(tiny_run: Callable) -> None:
    run = tiny_run(epochs=1000)
    run.wait_for("metric")
    run.attempt.request(Request.CANCEL)
    last = run.finish(timeout_s=30)
    assert isinstance(last, Finished), run.log()
    assert last.outcome == "cancelled"
    assert run.attempt.exit().returncode == 0
    assert run.attempt.exit().cause is None
    assert not run.folder.output.exists()


def test_a_signal_to_the_whole_group_is_a_request_too(tiny_run: Callable) -> None:
    run = tiny_run(epochs=1000)
    run.wait_for("metric")
    os.killpg(run.process.pid, signal.SIGTERM)
    last = run.finish(timeout_s=30)
    assert isinstance(last, Finished), run.log()
    assert last.outcome == "cancelled"
    assert run.attempt.exit().returncode == 0


def test_a_killed_trainer_leaves_its_signal_behind(tiny_run: Callable) -> None:
    run = tiny_run(epochs=1000)
    run.wait_for("phase")
    supervisor, trainer = run.attempt.processes()
    assert (supervisor.pid, supervisor.is_alive, trainer.is_alive) == (run.process.pid, True, True)
    os.kill(trainer.pid, signal.SIGKILL)
    run.finish(timeout_s=30)
    ending = run.attempt.exit()
    assert (ending.returncode, ending.signal) == (None, signal.SIGKILL)
    assert ending.cause in (Cause.KILLED_EXTERNALLY, Cause.OOM_HOST)


def test_a_bad_row_is_named_by_its_line(tiny_run: Callable) -> None:
    good = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    run = tiny_run([good, good, {"messages": [{"role": "user", "content": "Nobody answers"}]}])
    last = run.finish()
    assert isinstance(last, Failed), run.log()
    assert last.cause is Cause.BAD_DATASET
    assert "Line 3" in last.message
    assert run.attempt.exit().returncode == 1


@pytest.mark.parametrize(
    ("changes", "cause", "words"),
    [
        ({"model": Path("/nowhere/tiny")}, Cause.MODEL_NOT_FOUND, "/nowhere/tiny"),
        ({"objective": Objective.RFT}, Cause.USER_CONFIG, "grader"),
    ],
)
def test_what_cannot_work_fails_with_a_named_cause(tiny_run: Callable, changes: dict, cause: Cause, words: str) -> None:
    run = tiny_run(**changes)
    last = run.finish()
    assert isinstance(last, Failed), run.log()
    assert last.cause is cause
    assert words in last.message


def test_a_log_never_outgrows_its_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training import supervisor

    monkeypatch.setattr(supervisor, "LOG_BYTES", 1000)
    monkeypatch.setattr(supervisor, "LOG_CHECK_S", 0.01)
    for name in ("stdout.log", "stderr.log"):
        (tmp_path / name).write_bytes(b"x" * 900)
    with (tmp_path / "stdout.log").open("ab", buffering=0) as trainer_writes:
        trainer_writes.write(b"old" * 100)
        supervisor.cap_logs(tmp_path, _OnceOnly())
        trainer_writes.write(b"new")
    assert (tmp_path / "stdout.log").read_bytes() == b"new"
    assert (tmp_path / "stdout.log.1").read_bytes().endswith(b"old" * 100)
    assert (tmp_path / "stderr.log").stat().st_size == 900


class _OnceOnly:
    """An Event that lets the loop turn once."""

    def __init__(self) -> None:
        self.turns = 0

    def wait(self, _timeout: float) -> bool:
        self.turns += 1
        return self.turns > 1


def test_quick_dropout_drops_as_often_and_scales_as_much_as_the_slow_one() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

        from training.dropout import QuickDropout
    torch.manual_seed(0)
    dropout = QuickDropout(0.1)
    x = torch.ones(1001, 999, requires_grad=True)
    y = dropout(x)
    assert y.mean().item() == pytest.approx(1, abs=2e-3)
    assert (y == 0).float().mean().item() == pytest.approx(0.1, abs=2e-3)
    assert set(y.unique().tolist()) == {0.0, y.max().item()}
    assert y.max().item() == pytest.approx(1 / 0.9, rel=1e-4)
    y.sum().backward()
    assert torch.equal(x.grad, y)
    assert not torch.equal(dropout(x), y)
    assert dropout.eval()(x) is x


def test_trl_still_has_the_switch_that_we_turn() -> None:
    """`run_trainer` sets a private name of TRL; setting one that is gone would change nothing, silently."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from trl.kernels import chunked_logprob
        from trl.trainer import utils
    assert callable(chunked_logprob._use_triton)
    assert "_use_triton(hidden_states.device)" in Path(utils.__file__).read_text()
