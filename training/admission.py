"""`python -m training.admission`: whether a stranger's model can be trained here, found out without loading a weight.

The model is built without memory for its weights, and its files' names and shapes are laid against it. Its chat
template renders one short conversation. All of that is somebody else's text, so time and memory have limits.
"""

import logging
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from storage import manifest
from storage.child_process import Json, Teller, answer
from storage.files import bytes_of, write_json
from training.failures import TrainingError, Unsupported
from training.limits import TooSlow, cpu_limit, limit_memory

log = logging.getLogger(__name__)

#: Seconds of processor time for everything but the hashing; the kernel ends what takes longer.
CPU_S = 300
TEMPLATE_CPU_S = 5.0
#: What a template raises by itself or on purpose.
REFUSALS = (TemplateError, TypeError, ValueError, LookupError, AttributeError, RuntimeError, ArithmeticError)
LONGEST_RENDERED = 1_000_000
SHOWN_KEYS = 3


def work(request: Json, teller: Teller) -> Json:
    """`folder` becomes `final`, with what was found and `about` in its model.json."""
    folder, name = Path(request["folder"]), str(request["about"]["name"])
    teller.progress("Looking at the model", 0, 0)
    with processor_limit(CPU_S):
        found = look(folder, name)
    write_json(folder / "model.json", {**found, "format": "safetensors", **request["about"]})
    teller.progress("Sealing", 0, bytes_of(folder))
    manifest.seal(folder, Path(request["final"]))
    return found


def look(folder: Path, name: str) -> Json:
    """What the model store needs to know without loading anything. Raises Unsupported."""
    # Imported here: transformers and torch take seconds, and have to be within the limits.
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as KNOWN

    quiet()
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise Unsupported(f"transformers cannot read the configuration of {name}: {_line(error)}") from error
    if config.model_type not in KNOWN:
        raise Unsupported(
            f"{name} is of the type “{config.model_type}”, which transformers does not know as a language model that "
            "writes text. Choose another model."
        )
    try:
        model, told = AutoModelForCausalLM.from_pretrained(
            folder, config=config, local_files_only=True, trust_remote_code=False, use_safetensors=True,
            device_map="meta", output_loading_info=True,
        )  # fmt: skip
    except Exception as error:  # the file is a stranger's; whatever transformers makes of it, the model cannot be used
        raise Unsupported(
            f"{name} ({config.model_type}) cannot be built by this transformers: {_line(error)}"
        ) from error
    _require_weights(told, name)
    return {
        "model_type": config.model_type,
        "parameters": model.num_parameters(),
        **_shape(config.get_text_config()),
        "has_template": _template(folder, name),
    }


def _require_weights(told: dict[str, Any], name: str) -> None:
    """transformers would fill what is missing with random numbers, with a warning at most."""
    missing, misfits = sorted(told["missing_keys"]), sorted(map(str, told["mismatched_keys"]))
    if missing or misfits:
        shown = ", ".join((missing or misfits)[:SHOWN_KEYS])
        wrong = f"lack {len(missing)}" if missing else f"have {len(misfits)} of another shape"
        raise Unsupported(f"{name} is not whole: its files {wrong} of the model's weights ({shown}). Get it again.")


def _shape(config: Any) -> dict[str, int]:
    names = {"context_length": "max_position_embeddings", "hidden_size": "hidden_size", "layers": "num_hidden_layers"}
    sizes = {field: getattr(config, name, None) for field, name in (names | {"vocab_size": "vocab_size"}).items()}
    return {
        field: value if type(value) is int and value > 0 else DEFAULTS.get(field, 0) for field, value in sizes.items()
    }


#: A model whose configuration names no limit (Mamba and its like) reads on and on.
DEFAULTS = {"context_length": 131_072}


def _template(folder: Path, name: str) -> bool:
    """Whether there is a chat template. One that takes for ever, or writes without end, refuses the model."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # as above
        raise Unsupported(f"The tokenizer of {name} cannot be read by this transformers: {_line(error)}") from error
    if not tokenizer.is_fast:
        raise Unsupported(f"{name} has no fast tokenizer (tokenizer.json), so its tokens cannot be placed.")
    if not tokenizer.chat_template:
        return False
    rendered: Any = ""
    try:
        with processor_limit(2 * int(TEMPLATE_CPU_S)), cpu_limit(TEMPLATE_CPU_S):
            rendered = tokenizer.apply_chat_template(
                [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}], tokenize=False
            )
    except (TooSlow, MemoryError) as error:
        raise Unsupported(
            f"{name} is refused: its chat template takes more than {TEMPLATE_CPU_S:.0f} s, or too much memory, for one "
            "greeting. Choose another model."
        ) from error
    except REFUSALS as error:  # a job's rows will say it, by their line; a template of one's own may take its place
        log.warning("The chat template of %s does not render a greeting: %s", name, _line(error))
    if len(rendered) > LONGEST_RENDERED:
        raise Unsupported(f"{name} is refused: its chat template makes {len(rendered):,} characters of one greeting.")
    return True


@contextmanager
def processor_limit(seconds: int) -> Iterator[None]:
    """The kernel ends this process when it takes longer, inside of C too. A soft limit, so that it can be lifted."""
    before = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)


def quiet() -> None:
    """Bars on standard error would be taken for last words."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


if __name__ == "__main__":
    limit_memory()
    sys.exit(answer(work, refusals=(TrainingError,)))
