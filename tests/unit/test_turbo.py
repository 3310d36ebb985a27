"""What Turbo Mode chooses for a device, and what it says of it. A GPU's part is a choice only: none has run it here."""

import pytest

from core.people import Actor
from core.studio import Studio
from core.turbo import PACKAGES, faster
from storage.methods import Adapter, Full, Lora, Method, Prefix, Qlora
from storage.spec import Change, Compute, JobSpec, ModelRef, Objective

PROCESSOR = Compute(device="cpu", threads=2, weights_dtype="bfloat16", micro_batch_tokens=2048)
GPU = PROCESSOR.model_copy(update={"device": "cuda"})
ALICE = Actor("Alice", "alice@example.org")


def chosen(
    compute: Compute,
    method: Method,
    packages: tuple[str, ...] = (),
    objective: Objective = Objective.SFT,
    *,
    passes_asked: bool = False,
) -> tuple[Method, Compute, dict[str, Change]]:
    changes: list[Change] = []
    found = faster(objective, method, compute, frozenset(packages), changes, passes_asked=passes_asked)
    return *found, {change.field: change for change in changes}


def test_on_a_processor_passes_are_short_and_our_own() -> None:
    method, compute, changes = chosen(PROCESSOR, Lora(dropout=0.1))
    assert compute == PROCESSOR.model_copy(update={"micro_batch_tokens": 512, "fused": True})
    assert method == Lora(dropout=0)
    assert (changes["LoRA Dropout"].asked, changes["LoRA Dropout"].runs) == ("0.1", "0")
    assert "512 tokens" in changes["Turbo Mode"].runs
    assert "bfloat16 weights" in changes["Turbo Mode"].reason


def test_a_chosen_size_of_pass_stays() -> None:
    _, compute, changes = chosen(PROCESSOR, Lora(), passes_asked=True)
    assert compute.micro_batch_tokens == 2048
    assert "tokens, which" not in changes["Turbo Mode"].runs


@pytest.mark.parametrize(
    ("method", "fused"),
    [(Qlora(), True), (Full(), True), (Lora(dora=True), True), (Prefix(), False), (Adapter(), False)],
)
def test_what_needs_its_mask_keeps_it(method: Method, fused: bool) -> None:
    _, compute, _ = chosen(PROCESSOR, method)
    assert compute.fused is fused


def test_doras_dropout_stays_since_its_pass_does() -> None:
    assert chosen(PROCESSOR, Lora(dora=True, dropout=0.1))[0] == Lora(dora=True, dropout=0.1)


@pytest.mark.parametrize("objective", [Objective.DPO, Objective.RFT])
def test_other_objectives_only_get_shorter_passes(objective: Objective) -> None:
    method, compute, changes = chosen(PROCESSOR, Lora(), objective=objective)
    assert not compute.fused
    assert compute.micro_batch_tokens == 512
    assert method == Lora()
    assert "LoRA Dropout" not in changes


def test_on_a_gpu_only_what_is_installed_is_used() -> None:
    _, compute, changes = chosen(GPU, Lora())
    assert compute == GPU
    assert changes["Turbo Mode"].runs == "as Off"
    _, compute, changes = chosen(GPU, Lora(dropout=0.1), PACKAGES)
    assert (compute.attention, compute.liger, compute.compiled) == ("flash_attention_2", True, False)
    assert compute.optimizer == "adamw_torch_fused"
    assert changes.keys() == {"Turbo Mode"}
    assert changes["Turbo Mode"].runs == "flash attention; Liger's kernels"


def test_an_8_bit_optimizer_is_for_full_fine_tuning_and_compiling_for_want_of_liger() -> None:
    _, compute, _ = chosen(GPU, Full(), ("bitsandbytes", "triton"))
    assert (compute.optimizer, compute.compiled, compute.attention) == ("adamw_bnb_8bit", True, "sdpa")


def test_a_job_lists_what_turbo_changes(studio: Studio, model: ModelRef) -> None:
    [dataset] = studio.datasets.all() or [studio.datasets.add_starter(ALICE)]
    asked = JobSpec(model="tiny", dataset=dataset.id)
    plain, turbo = (studio.runs.preview(asked.model_copy(update={"turbo": on})) for on in (False, True))
    assert not plain.compute.fused
    assert "Turbo Mode" not in {change.field for change in plain.changes}
    assert {"Turbo Mode", "LoRA Dropout"} <= {change.field for change in turbo.changes}
    assert turbo.compute.fused == (turbo.compute.device == "cpu")
