"""What a model answers to the shown prompts: before training and after."""

from collections.abc import Callable

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, StoppingCriteriaList

from storage.events import Phase, Sample
from training.conversations import Conversation
from training.data import Example
from training.render import Renderer
from training.workbench import Workbench

MAX_NEW_TOKENS = 80


def show_answers(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: list[Example],
    bench: Workbench,
    *,
    tuned: bool,
    held_out: bool,
) -> None:
    """Ask the shown prompts, greedily and all in one batch, and tell what came."""
    phase = Phase(
        name="sampling",
        detail="The tuned model's answers" if tuned else "The base model's answers",
        total=MAX_NEW_TOKENS,
    )
    bench.emit(phase)
    conversations = [example.conversation for example in examples]
    answers = generate(
        model, tokenizer, conversations, on_token=lambda done: bench.progress(phase.model_copy(update={"done": done}))
    )
    for index, (conversation, answer) in enumerate(zip(conversations, answers, strict=True)):
        bench.emit(
            Sample(
                index=index,
                step=bench.step if tuned else 0,
                prompt=readable(conversation),
                expected=conversation.expected,
                answer=answer,
                tuned=tuned,
                held_out=held_out,
            )
        )


def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    conversations: list[Conversation],
    on_token: Callable[[int], None],
) -> list[str]:
    renderer = Renderer(tokenizer)
    texts = [renderer.prompt(conversation) for conversation in conversations]
    is_text = any(conversation.text is not None for conversation in conversations)
    return complete(model, tokenizer, texts, on_token, adds_special=is_text)


def complete(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: list[str],
    on_token: Callable[[int], None],
    *,
    adds_special: bool,
    max_new_tokens: int = MAX_NEW_TOKENS,
) -> list[str]:
    """Go on from each text, greedily and all in one batch. `on_token(done)` may raise to stop."""
    # Padded on the left: generation goes on from the right end.
    inputs = tokenizer(texts, add_special_tokens=adds_special, padding=True, padding_side="left", return_tensors="pt")
    inputs = inputs.to(model.device)

    def never_done(input_ids: torch.Tensor, _scores: object, **_: object) -> torch.Tensor:
        on_token(input_ids.shape[1] - inputs["input_ids"].shape[1])
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)

    was_training = model.training
    model.eval()
    try:
        output = model.generate(
            **inputs,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
            stopping_criteria=StoppingCriteriaList([never_done]),
        )
    finally:
        model.train(was_training)
    written = output[:, inputs["input_ids"].shape[1] :]
    return [text.strip() for text in tokenizer.batch_decode(written, skip_special_tokens=True)]


def readable(conversation: Conversation) -> str:
    """One user message as it is; a longer conversation with its roles."""
    if conversation.text is not None:
        return conversation.opening
    prompt = conversation.prompt
    if len(prompt) == 1:
        return str(prompt[0]["content"])
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in prompt)
