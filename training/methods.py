"""The five methods: what each makes trainable in a loaded model."""

import math

import torch
from peft import LoraConfig, PeftModel, PrefixTuningConfig, get_peft_model
from peft.tuners.cartridge.utils import prompt_embeddings_from_past_key_values
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from storage.methods import Adapter, Full, Lora, LowRank, Method, Prefix, Qlora
from training.adapter_layers import BottleneckConfig, places, targets
from training.dropout import quicken_dropout
from training.failures import Unsupported

TASK = "CAUSAL_LM"
#: What a prefix stands for before it has learned anything; repeated or cut to its length.
OPENING = "You are a helpful assistant. Answer the user's question. "


def with_method(
    model: PreTrainedModel | PeftModel, method: Method, tokenizer: PreTrainedTokenizerBase
) -> PreTrainedModel | PeftModel:
    """A model that has its adapter already is trained on as it is."""
    if isinstance(model, PeftModel):
        return model
    match method:
        case Lora() | Qlora():
            # Not PEFT's prepare_model_for_kbit_training: it would train beside float32 norms and embeddings that nobody
            # who loads the adapter has.
            return low_rank(model, method)
        case Prefix():
            return prefix(model, method, tokenizer)
        case Adapter():
            return adapter_layers(model, method)
        case Full():
            return model.requires_grad_(True)


def without_dropout(method: Method) -> Method:
    """For objectives that compare the model with itself: dropout would be measured as a change."""
    return method.model_copy(update={"dropout": 0.0}) if isinstance(method, LowRank) else method


def low_rank(model: PreTrainedModel, method: LowRank) -> PeftModel:
    names = method.targets.split(",")
    config = LoraConfig(
        r=method.rank,
        lora_alpha=method.alpha,
        lora_dropout=method.dropout,
        target_modules=method.targets if names == ["all-linear"] else names,
        use_rslora=method.rslora,
        use_dora=method.dora,
        task_type=TASK,
    )
    tuned = get_peft_model(model, config)
    if model.device.type == "cpu" and not method.dora:  # DoRA looks at the dropout's type
        quicken_dropout(tuned)
    return tuned


def prefix(model: PreTrainedModel, method: Prefix, tokenizer: PreTrainedTokenizerBase) -> PeftModel:
    """Begins as the keys and values of a real opening, not at random: the first loss is near the base model's.

    Li & Liang 2021 (section 7.4) found the same; for preference tuning a random prefix starts far from its reference.
    """
    tuned = get_peft_model(model, PrefixTuningConfig(num_virtual_tokens=method.length, task_type=TASK))
    text = tokenizer(OPENING * method.length, add_special_tokens=False)["input_ids"][: method.length]
    with torch.no_grad():
        cache = model(input_ids=torch.tensor([text], device=model.device), use_cache=True).past_key_values
    start = prompt_embeddings_from_past_key_values(cache, num_virtual_tokens=method.length)
    tuned.prompt_encoder[tuned.active_adapter].load_prompt_embeddings(start.float())
    return tuned


def adapter_layers(model: PreTrainedModel, method: Adapter) -> PeftModel:
    """Raises Unsupported where the model's layers have names that we do not know."""
    found = places(model, method.placement)
    layers: int = model.config.get_text_config().num_hidden_layers
    expected = layers * (2 if method.placement == "houlsby" else 1)
    if len(found) != expected:
        raise Unsupported(
            f"Adapter layers of the {method.placement} kind need {expected} places in this {type(model).__name__}, but "
            f"{len(found)} were found. Choose LoRA, which knows more kinds of models."
        )
    config = BottleneckConfig(
        size=method.size,
        activation=method.activation,
        target_modules=targets(method.placement),
        task_type=TASK,
    )
    return get_peft_model(model, config)


def in_base_dtype(
    model: PreTrainedModel | PeftModel, dtype: torch.dtype = torch.bfloat16
) -> PreTrainedModel | PeftModel:
    """A fully tuned model in the type that its kind is published in; an adapter stays as it was trained.

    Before it is kept and asked: what answers is then what was kept. Weights only: the positions' buffers stay float32,
    as whoever loads the model has them.
    """
    if not isinstance(model, PeftModel):
        for parameter in model.parameters():
            parameter.data = parameter.data.to(dtype)
        model.config.dtype = dtype
    return model


def parameter_counts(model: PreTrainedModel | PeftModel) -> dict[str, float]:
    """Trained and all weights; a 4-bit weight counts once, though two share a byte."""
    counts = [(weights_in(parameter), parameter.requires_grad) for parameter in model.parameters()]
    return {
        "trainable_parameters": sum(count for count, trainable in counts if trainable),
        "total_parameters": sum(count for count, _ in counts),
    }


def weights_in(parameter: torch.nn.Parameter) -> int:
    state = getattr(parameter, "quant_state", None)
    return math.prod(state.shape) if state is not None else parameter.numel()
