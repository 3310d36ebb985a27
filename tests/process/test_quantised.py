"""QLoRA's gradients, which the quantisation's own library can silently spoil."""

from pathlib import Path

import pytest

from storage.methods import Qlora
from storage.spec import Compute, ModelRef

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("bits", [4, 8])
def test_answering_in_between_changes_no_gradient(bits: int, tiny_model: Path) -> None:
    """bitsandbytes repacks weights that only answer, for a kernel without a backward pass; where the CPU has AVX512."""
    import torch

    from training.methods import with_method
    from training.model import load_model
    from training.tokenizer import load_tokenizer

    model_ref = ModelRef(
        id="tiny", name="Tiny", path=str(tiny_model), revision="0",
        context_length=512, parameters=0, hidden_size=64, layers=2,
    )  # fmt: skip
    compute = Compute(device="cpu", threads=1, weights_dtype="float32", micro_batch_tokens=512)
    method = Qlora(dropout=0, bits=bits)
    model = with_method(load_model(model_ref, compute, method), method, load_tokenizer(model_ref))
    tokens = torch.arange(5, 45)[None]

    def gradient() -> torch.Tensor:
        model.train().zero_grad()
        model(input_ids=tokens, labels=tokens).loss.backward()
        return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.requires_grad])

    before = gradient()
    with torch.no_grad():
        model.eval()(input_ids=tokens)
    assert torch.nn.functional.cosine_similarity(gradient(), before, dim=0) > 0.999
