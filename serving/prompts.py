"""Messages and texts into the tokens that a model reads; rendered by the very code that training renders with."""

from typing import Any

from transformers import PreTrainedTokenizerBase

from serving.failures import BadRequest
from training.conversations import Conversation, Refused
from training.render import TEMPLATE_ERRORS, Renderer

ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def chat_prompt(
    tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None
) -> tuple[int, ...]:
    """Raises BadRequest where the model's chat template refuses the conversation."""
    said = [plain(message, at) for at, message in enumerate(messages)]
    renderer = Renderer(tokenizer)
    if not renderer.has_template:
        raise BadRequest("This model has no chat template. Ask it through /v1/completions.", param="messages")
    try:
        rendered = renderer.render(Conversation(line=1, messages=said, tools=tools or [], asks=True))
    except (Refused, *TEMPLATE_ERRORS) as problem:
        raise BadRequest(f"The model's chat template refuses it: {problem}", param="messages") from problem
    return tuple(tokenizer(rendered.text, add_special_tokens=False)["input_ids"])


def plain(message: dict[str, Any], at: int) -> dict[str, Any]:
    """A message with its text in one piece; pictures and sounds are refused."""
    role = message.get("role")
    if role not in ROLES:
        raise BadRequest(f"“{str(role)[:40]}” is no role; there are {', '.join(ROLES)}.", param=f"messages.{at}.role")
    content = message.get("content")
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        if any(part.get("type") not in ("text", "refusal") for part in parts):
            raise BadRequest("Only text is understood, no pictures or sounds.", param=f"messages.{at}.content")
        content = "".join(str(part.get("text") or part.get("refusal") or "") for part in parts)
    return {**message, "content": "" if content is None else str(content)}


def plain_prompt(tokenizer: PreTrainedTokenizerBase, prompt: str | list[int]) -> tuple[int, ...]:
    if isinstance(prompt, str):
        return tuple(tokenizer(prompt)["input_ids"]) or (int(tokenizer.bos_token_id or tokenizer.eos_token_id),)
    unknown = [token for token in prompt if not 0 <= token < len(tokenizer)]
    if unknown or not prompt:
        raise BadRequest(f"The prompt holds a token that this model does not know: {unknown[:1]}.", param="prompt")
    return tuple(prompt)
