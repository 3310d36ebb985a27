"""Messages and texts into the tokens that a model reads; rendered by the very code that training renders with.

Runs in a process of its own (`serving.prompt_child`): a chat template is a program of somebody else's.
"""

from typing import Any

from transformers import PreTrainedTokenizerBase

from serving.failures import BadRequest, TooLong
from training.conversations import Conversation, Refused
from training.render import TEMPLATE_ERRORS, Renderer

ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class Prompts:
    """One model's. `context_length`: tokens that a prompt and its answer share."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, context_length: int) -> None:
        self._tokenizer, self._context_length = tokenizer, context_length
        self._renderer = Renderer(tokenizer)
        self._longest_token = max(map(len, tokenizer.get_vocab()))

    def chat(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> list[int]:
        """Raises BadRequest where the model's chat template refuses the conversation."""
        said = [plain(message, at) for at, message in enumerate(messages)]
        if not self._renderer.has_template:
            raise BadRequest("This model has no chat template. Ask it through /v1/completions.", param="messages")
        try:
            rendered = self._renderer.render(Conversation(line=1, messages=said, tools=tools, asks=True))
        except Refused as problem:
            raise BadRequest(str(problem), param="messages") from problem
        except TEMPLATE_ERRORS as problem:
            raise BadRequest(f"The model's chat template refuses it: {problem}", param="messages") from problem
        if tools and "template_ignores_tools" in rendered.notes:
            raise BadRequest("This model's chat template has no place for tools.", param="tools")
        return self._tokens(rendered.text, "messages", special=False)

    def text(self, prompt: str | list[int]) -> list[int]:
        if isinstance(prompt, str):
            return self._tokens(prompt, "prompt", special=True) or [self._beginning]
        unknown = [token for token in prompt if not 0 <= token < len(self._tokenizer)]
        if unknown or not prompt:
            raise BadRequest(f"The prompt holds a token that this model does not know: {unknown[:1]}.", param="prompt")
        return prompt

    @property
    def _beginning(self) -> int:
        return int(self._tokenizer.bos_token_id or self._tokenizer.eos_token_id or 0)

    def _tokens(self, text: str, param: str, *, special: bool) -> list[int]:
        # Counting the tokens of megabytes takes seconds; that they are too many is known before.
        least = len(text) // self._longest_token
        tokens = [] if least >= self._context_length else self._tokenizer(text, add_special_tokens=special)["input_ids"]
        count = len(tokens) if tokens else least
        if count >= self._context_length:
            many = f"{count}" if tokens else f"at least {count}"
            raise TooLong(
                f"The prompt has {many} tokens, and this model's context holds {self._context_length} "
                "with the answer. Shorten the prompt.",
                param=param,
            )
        return list(tokens)


def plain(message: dict[str, Any], at: int) -> dict[str, Any]:
    """A message with its text in one piece; pictures and sounds are refused."""
    role = message.get("role")
    if role not in ROLES:
        raise BadRequest(f"“{str(role)[:40]}” is no role; there are {', '.join(ROLES)}.", param=f"messages.{at}.role")
    content = message.get("content")
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        strange = next(
            (str(part.get("type"))[:40] for part in parts if part.get("type") not in ("text", "refusal")), ""
        )
        if strange or len(parts) < len(content):
            raise BadRequest(f"Only text is understood, no {strange or 'other parts'}.", param=f"messages.{at}.content")
        content = "".join(str(part.get("text") or part.get("refusal") or "") for part in parts)
    if content is not None and not isinstance(content, str):
        raise BadRequest("A message's content is a text or a list of parts.", param=f"messages.{at}.content")
    return {**message, "content": content or ""}
