"""What a method saves, and the learning rate it begins with: by arithmetic, each figure marked as what it is."""

import pytest

from core import learning_rates
from core.efficiency import Figure, efficiency
from core.hardware import Hardware
from core.method_figures import figures
from storage.methods import Adapter, Full, Lora, Prefix, Qlora
from storage.spec import ModelRef, Objective, RunSpec

STARTER = ModelRef(
    id="smollm2-135m", name="SmolLM2", path="/nowhere", revision="", context_length=8192, parameters=134_515_008,
    hidden_size=576, layers=30, intermediate_size=1536, attention_heads=9, key_value_heads=3, head_size=64,
    vocabulary=49152,
)  # fmt: skip
MACHINE = Hardware(
    cores=2, memory_bytes=16 * 2**30, available_bytes=8 * 2**30, fast_bfloat16=True, gpus=(),
)  # fmt: skip


def test_the_cards_figures_order_the_methods_as_everybody_knows_them() -> None:
    found = figures([Lora(), Qlora(), Prefix(), Adapter(), Full()], STARTER, MACHINE)
    trained = {kind: each.trainable for kind, each in found.items()}
    assert trained["prefix"] < trained["lora"] == trained["qlora"] < trained["adapter"] < trained["full"]
    assert found["full"].share == 1
    assert found["full"].saved_memory == 0
    assert 0 < found["lora"].saved_memory < 1
    assert found["prefix"].memory_bytes < found["lora"].memory_bytes < found["full"].memory_bytes


def test_before_the_first_step_everything_is_an_estimate(run_spec: RunSpec) -> None:
    found = efficiency(run_spec.model_copy(update={"model": STARTER}), {}, None)
    assert found.trainable == Figure(2_442_240, False)
    assert found.output_bytes == Figure(2_442_240 * 4, False)
    assert (found.peak_memory_bytes, found.tokens_per_second, found.step_seconds) == (None, None, None)
    assert found.share == pytest.approx(0.01816, abs=1e-5)


def test_what_the_trainer_tells_is_measured(run_spec: RunSpec) -> None:
    told = {"trainable_parameters": 10.0, "total_parameters": 1010.0, "peak_memory_bytes": 7.0, "step_seconds": 2.0}
    found = efficiency(run_spec, told, kept_bytes=40)
    assert (found.trainable, found.total, found.share) == (Figure(10, True), 1000, 0.01)
    assert (found.output_bytes, found.peak_memory_bytes) == (Figure(40, True), Figure(7, True))
    whole = efficiency(run_spec.model_copy(update={"method": Full()}), told | {"trainable_parameters": 1010.0}, 40)
    assert whole.share == 1


@pytest.mark.parametrize(
    ("objective", "method", "parameters", "known", "rate"),
    [
        (Objective.SFT, "lora", 7_000_000_000, None, 1e-4),
        (Objective.SFT, "full", 7_000_000_000, None, 1e-5),
        (Objective.SFT, "lora", 134_515_008, 1e-3, 1e-3),
        (Objective.SFT, "prefix", 134_515_008, 1e-3, 5e-2),
        (Objective.DPO, "lora", 134_515_008, 1e-3, 5e-4),
        (Objective.DPO, "lora", 7_000_000_000, None, 1e-5),
        (Objective.RFT, "lora", 134_515_008, 1e-3, 3e-4),
    ],
)
def test_each_objective_and_method_begins_at_its_own_rate(
    objective: Objective, method: str, parameters: int, known: float | None, rate: float
) -> None:
    found = learning_rates.suggested(objective, method, parameters, known)
    assert found == rate
    assert found in learning_rates.SUGGESTED
