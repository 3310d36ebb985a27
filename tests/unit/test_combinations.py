"""What does not go together is said before anything starts; what is changed has its reason in the same table."""

from pathlib import Path

import pytest

from core.combinations import RULES, Export, Setting, can_checkpoint, export_objection, objections
from core.people import Actor
from core.studio import Studio
from storage.methods import Adapter, Full, Lora, Method, Prefix, Qlora
from storage.objectives import Dpo, Rft
from storage.spec import Hyperparameters, JobSpec, ModelRef, Objective

ALICE = Actor("Alice", "alice@example.org")
METHODS: tuple[Method, ...] = (Lora(), Qlora(), Prefix(), Adapter(), Full())
MODEL = ModelRef(
    id="tiny", name="Tiny", path="/nowhere", revision="1", context_length=512, parameters=1, hidden_size=64, layers=2
)


def said(*, quantises: bool = True, model: ModelRef | None = MODEL, **asked: object) -> list[tuple[str, str]]:
    spec = JobSpec.model_validate({"model": "tiny", "dataset": "rows"} | asked)
    return list(objections(spec, model, quantises=quantises))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.kind)
@pytest.mark.parametrize("objective", [Objective.SFT, Objective.DPO])
def test_every_method_runs_with_every_objective(
    studio: Studio, asked: JobSpec, tmp_path: Path, method: Method, objective: Objective
) -> None:
    if objective is Objective.DPO:
        pairs = Path(__file__).parents[2] / "examples" / "support-preferences.jsonl"
        asked = asked.model_copy(update={"dataset": studio.datasets.add(pairs, name=None, actor=ALICE).id})
    job = studio.runs.submit(asked.model_copy(update={"method": method, "objective": objective}), actor=ALICE)
    assert job.method == method.kind
    assert studio.runs.run_spec(job.id).method.kind == method.kind


def test_what_cannot_run_says_why_and_what_to_do() -> None:
    assert said(method=Qlora(), quantises=False) == [
        (
            "method.kind",
            "QLoRA without the package bitsandbytes cannot be: it holds the base model in 4 or 8 bits by that package, "
            "which is not installed here. Run scripts/install, or choose LoRA.",
        )
    ]
    [(field, sentence)] = said(method=Prefix(length=500))
    assert field == "method.length"
    assert (
        "A prefix of 500 virtual tokens with Tiny cannot be: it leaves fewer than 16 of the model's 512 tokens"
        in sentence
    )
    [(field, sentence)] = said(objective="dpo", dpo=Dpo(loss="apo_zero", reference_free=True))
    assert (field, "The loss apo_zero without a reference" in sentence) == ("dpo.reference_free", True)


def test_nothing_is_refused_that_runs() -> None:
    assert said(method=Lora(), quantises=False) == []
    assert said(method=Prefix(length=496)) == []
    assert said(method=Prefix(length=500), model=None) == []  # no model is chosen yet
    assert said(objective="sft", dpo=Dpo(loss="apo_zero", reference_free=True)) == []


def test_a_prefix_takes_its_tokens_from_the_context(studio: Studio, asked: JobSpec) -> None:
    asked = asked.model_copy(update={"method": Prefix(length=12)})
    runs = studio.runs.preview(asked)
    assert runs.hyperparameters.max_context_length == 500
    [change] = [change for change in runs.changes if change.field == "Max Context Length"]
    assert change.reason == "the model's limit, less the prefix of 12"


def test_only_a_prefix_cannot_be_computed_twice() -> None:
    assert [method.kind for method in METHODS if not can_checkpoint(method)] == ["prefix"]


def test_what_a_method_can_be_exported_as() -> None:
    offered = {
        method.kind: [export.value for export in Export if not export_objection(method, export)] for method in METHODS
    }
    assert offered == {
        "lora": ["adapter", "model", "gguf", "vllm"],
        "qlora": ["adapter", "model", "gguf", "vllm"],
        "prefix": ["adapter"],
        "adapter": ["adapter"],
        "full": ["model", "gguf"],
    }
    assert "vLLM loads no DoRA" in export_objection(Lora(dora=True), Export.VLLM)


def test_every_rule_applies_to_something_and_can_be_said() -> None:
    noisy = Hyperparameters(neftune_alpha=5)
    asked = [
        JobSpec(
            model="tiny",
            dataset="rows",
            method=method,
            objective=objective,
            hyperparameters=noisy,
            dpo=dpo,
            rft=Rft(max_completion_tokens=65536),
            devices=2,
        )
        for method in (*METHODS, Prefix(length=500))
        for objective in Objective
        for dpo in (Dpo(label_smoothing=0.1), Dpo(loss="apo_zero", reference_free=True))
    ]
    settings = [Setting(spec=spec, model=MODEL, quantises=False) for spec in asked]
    for rule in RULES:
        applied = [setting for setting in settings if rule.applies(setting)]
        assert 0 < len(applied) < len(settings), rule.what
        assert rule.sentence(applied[0]).endswith((".", "bfloat16."))
