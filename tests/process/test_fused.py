"""Turbo's own passes calculate what PEFT's and TRL's do: loss, entropy and every gradient, on the tiny model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import trl.trainer.utils
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM
from trl.trainer.utils import add_fused_lm_head

import training.run_trainer  # noqa: F401 - scores the learned tokens only, as our trainers do
from storage.events import Finished
from training.fused import AnswerLogProbs, fused

LENGTHS = (40, 33, 9)
#: Other people's deprecations.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def tuned(folder: Path, dtype: torch.dtype) -> PeftModel:
    """With a B that is not zero, else A has no gradient."""
    torch.manual_seed(1)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    model = get_peft_model(base, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    outputs = ("log_probs", "entropy", "is_top1")
    add_fused_lm_head(model.get_base_model(), outputs=outputs)
    return model.train()


def padded() -> dict[str, torch.Tensor]:
    """Rows of different lengths, padded on the right, whose first third is not learned."""
    torch.manual_seed(2)
    width = max(LENGTHS)
    real = torch.arange(width)[None] < torch.tensor(LENGTHS)[:, None]
    ids = torch.randint(3, 380, real.shape).where(real, torch.zeros(()).long())
    learned = real & (torch.arange(width)[None] >= torch.tensor(LENGTHS)[:, None] // 3)
    return {"input_ids": ids, "attention_mask": real.long(), "labels": ids.where(learned, torch.tensor(-100))}


def step(model: PeftModel, *, dtype: torch.dtype, active: bool) -> dict[str, torch.Tensor]:
    model.zero_grad()
    with fused(model, active=active), torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16):
        out = model(**padded(), fused_lm_head=True)
    out.loss.backward()
    told = {"loss": out.loss.detach(), "entropy": out.entropy, "best": out.is_top1.float()}
    return told | {name: each.grad for name, each in model.named_parameters() if each.requires_grad}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.03)])
def test_the_same_loss_and_the_same_gradients(tiny_model: Path, dtype: torch.dtype, tolerance: float) -> None:
    model = tuned(tiny_model, dtype)
    plain, ours = (step(model, dtype=dtype, active=active) for active in (False, True))
    assert plain.keys() == ours.keys()
    assert len(plain) > 20
    for name in plain.keys() - {"best"}:
        apart = (plain[name] - ours[name]).norm() / plain[name].norm()
        assert apart < tolerance, f"{name} is {apart:.4f} apart"
    assert (plain["best"] == ours["best"]).float().mean() > 0.95


def test_afterwards_everything_is_as_it_was(tiny_model: Path) -> None:
    model = tuned(tiny_model, torch.float32)
    theirs = trl.trainer.utils._ChunkedLogProbFunction
    before = model(**padded()).logits
    with fused(model, active=True):
        assert trl.trainer.utils._ChunkedLogProbFunction is AnswerLogProbs
    assert trl.trainer.utils._ChunkedLogProbFunction is theirs
    assert torch.equal(model(**padded()).logits, before)


def test_what_is_not_plain_keeps_the_pass_of_peft(tiny_model: Path) -> None:
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    config = LoraConfig(r=4, target_modules=["q_proj"], use_dora=True, task_type="CAUSAL_LM")
    model = get_peft_model(base, config)
    with fused(model, active=True):
        assert not any("forward" in vars(layer) for layer in model.modules() if hasattr(layer, "lora_A"))


def test_the_head_of_a_model_that_is_tuned_in_full_keeps_its_gradient(tiny_model: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    with fused(model, active=True):
        assert trl.trainer.utils._ChunkedLogProbFunction is not AnswerLogProbs


def test_a_model_that_is_tuned_in_full_can_be_asked_in_between(tiny_model: Path) -> None:
    """Prompts of different lengths are padded on the left, where a mask is needed."""
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()
    ids, mask = torch.tensor([[0, 0, 5, 6], [7, 8, 9, 10]]), torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])
    asked = {"input_ids": ids, "attention_mask": mask, "max_new_tokens": 4, "do_sample": False, "output_logits": True}
    before = model.generate(**asked, return_dict_in_generate=True)
    with fused(model, active=True):
        inside = model.generate(**asked, return_dict_in_generate=True)
    assert torch.equal(torch.stack(before.logits), torch.stack(inside.logits))


def test_a_whole_run_ends_at_the_same_loss(tiny_run: Callable[..., Any]) -> None:
    """Turbo's promise: within a hundredth on held-out rows, after three epochs."""
    plain, ours = (tiny_run(epochs=3, fused=active) for active in (False, True))
    ended = [run.finish() for run in (plain, ours)]
    for event, run in zip(ended, (plain, ours), strict=True):
        assert isinstance(event, Finished), run.log()
    first, last = ([event.facts[f"eval_loss_{when}"] for event in ended] for when in ("first", "last"))
    assert last[0] < 0.95 * first[0]
    assert last[1] == pytest.approx(last[0], rel=0.01)


@pytest.mark.parametrize(("softcap", "scale", "temperature"), [(None, 1.0, 1.0), (5.0, 0.5, 0.7)])
def test_the_answers_loss_is_that_of_trl(softcap: float | None, scale: float, temperature: float) -> None:
    """More tokens than are looked at at once, and every way in which a model may bend its logits."""
    torch.manual_seed(3)
    weight, targets = torch.randn(50, 16), torch.randint(0, 50, (300,))
    theirs = trl.trainer.utils._ChunkedLogProbFunction
    results = []
    for function in (theirs, AnswerLogProbs):
        hidden = torch.randn(300, 16, generator=torch.Generator().manual_seed(4)).requires_grad_()
        arguments = (hidden, weight, None, targets, temperature, 1024, softcap, scale, ("entropy", "is_top1"))
        log_probs, entropy, _, _, is_best = function.apply(*arguments)
        (log_probs * torch.linspace(0, 1, 300)).sum().backward()
        results.append((log_probs, entropy, is_best.float(), hidden.grad))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
