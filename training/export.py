"""`output/`: the adapter or the whole model, its tokenizer, and a card that says where it comes from."""

import json
import re
import shutil
from importlib.metadata import version
from pathlib import Path

from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from storage import manifest
from storage.methods import Adapter, Full
from storage.run_folder import RunFolder
from storage.spec import RunSpec
from training.model import public_id
from training.start import ADAPTER, START

PACKAGES = ("torch", "transformers", "trl", "peft")


def seal_output(
    spec: RunSpec,
    run: RunFolder,
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    facts: dict[str, float],
) -> None:
    partial = run.output.with_name(run.output.name + manifest.PARTIAL)
    for left_by_an_earlier_attempt in (partial, run.output):
        shutil.rmtree(left_by_an_earlier_attempt, ignore_errors=True)
    if isinstance(model, PeftModel):
        # PEFT put the folder on this machine here; the adapter is to name a model that others can find.
        model.peft_config["default"].base_model_name_or_path = public_id(spec.model)
        # "auto" would look that name up on the network.
        model.save_pretrained(partial, save_embedding_layers=False)
    else:
        model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    if beneath := run.lies_on(spec):
        manifest.link(beneath, partial / START)
    (partial / "README.md").write_text(card(spec, facts, beneath), encoding="utf-8")
    manifest.seal(partial, run.output)


def card(spec: RunSpec, facts: dict[str, float], beneath: Path | None = None) -> str:
    """The model card. Names are other people's text: quoted in the YAML, escaped in the prose."""
    base = public_id(spec.model)
    method = spec.method.model_dump()
    front = {
        "base_model": base,
        "library_name": "transformers" if isinstance(spec.method, Full) else "peft",
        "pipeline_tag": "text-generation",
        "tags": [spec.objective.value, method["kind"], "tunesmith"],
    }
    return "\n".join(
        [
            "---",
            *(f"{name}: {json.dumps(value)}" for name, value in front.items()),
            "---",
            "",
            f"# {plain(spec.output_name)}",
            "",
            f"{plain(base)}, fine-tuned on {plain(spec.dataset.name)} with Tunesmith.",
            "",
            *table("Origin", origin(spec, base)),
            *table("Method", method),
            *table("Hyperparameters", spec.hyperparameters.model_dump()),
            *table("Results", {name: round(value, 4) for name, value in facts.items()}),
            *table("Versions", {**{name: version(name) for name in PACKAGES}, **spec.versions}),
            "## Use",
            "",
            model_usage() if isinstance(spec.method, Full) else adapter_usage(spec, base, beneath),
        ]
    )


def origin(spec: RunSpec, base: str) -> dict[str, object]:
    return {
        "Base model": base,
        "Base revision": spec.model.revision,
        "Dataset": f"{spec.dataset.name} ({spec.dataset.rows} rows)",
        "Dataset sha256": spec.dataset.sha256,
        **({"Began with": f"{spec.start.name} ({spec.start.job_id})"} if spec.start else {}),
        "Run": spec.job_id,
        "Created": spec.created_at.isoformat(timespec="seconds"),
    }


def table(title: str, entries: dict[str, object]) -> list[str]:
    lines = [f"| {plain(str(name))} | {plain(str(value))} |" for name, value in entries.items()]
    return [f"## {title}", "", "| | |", "|---|---|", *lines, ""]


def adapter_usage(spec: RunSpec, base: str, beneath: Path | None) -> str:
    loading = [*start_usage(beneath, START, base), "model = PeftModel.from_pretrained(base, folder)"]
    if beneath:
        loading.insert(0, f"# This adapter lies on top of another output, which is in the folder {START}/.")
    plugin = "from training import adapter_layers  # Tunesmith's PEFT method\n"
    return usage(
        f"from peft import PeftModel\n{plugin if isinstance(spec.method, Adapter) else ''}", "\n".join(loading)
    )


def start_usage(output: Path | None, place: str, base: str) -> list[str]:
    """How to load what lies in the folder `place` of an output, as a model that an adapter can be put on."""
    if output is None or not output.is_dir():
        return [f"base = AutoModelForCausalLM.from_pretrained({json.dumps(base)})"]
    if not (output / ADAPTER).is_file():
        return [f'base = AutoModelForCausalLM.from_pretrained(folder + "/{place}")']
    *before, last = start_usage(output / START, f"{place}/{START}", base)
    exact = last if "float32" in last or "Peft" in last else last.removesuffix(")") + ', dtype="float32")'
    return [*before, exact, f'base = PeftModel.from_pretrained(base, folder + "/{place}").merge_and_unload()']


def model_usage() -> str:
    return usage("", "model = AutoModelForCausalLM.from_pretrained(folder)")


def usage(imports: str, loading: str) -> str:
    return f"""```python
{imports}from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "."  # where this file lies
tokenizer = AutoTokenizer.from_pretrained(folder)
{loading}
prompt = [{{"role": "user", "content": "Hello!"}}]
asked = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=False)
inputs = tokenizer(asked, add_special_tokens=False, return_tensors="pt")
print(tokenizer.decode(model.generate(**inputs, max_new_tokens=80)[0]))
```
"""


def plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", " ".join(text.split()))
