"""What each form of grader is called, what it is good for, and what a new one begins with."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from storage.graders import Grader, SingleGrader

Content = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    title: str
    text: str
    #: Beside the defaults of the form.
    start: Content


OUTPUT = "{{ sample.output_text }}"
QUESTION = "Rate this answer from 0 to 1, as one number.\n\nAnswer: {{ sample.output_text }}"
PROGRAM = 'def grade(sample, item):\n    return float(str(item["answer"]) in sample["output_text"])\n'

FORMS = {
    "string_check": Form(
        title="String check", text="The answer equals or holds a text.", start={"reference": "", "operation": "ilike"}
    ),
    "text_similarity": Form(
        title="Text similarity", text="The answer is like a reference, more or less.", start={"reference": ""}
    ),
    "numeric_answer": Form(
        title="Numeric answer", text="The last number in the answer is the right one.", start={"reference": ""}
    ),
    "regex": Form(
        title="Regular expression",
        text="A pattern is found in the answer.",
        start={"pattern": r"<answer>(.*?)</answer>", "reference": ""},
    ),
    "json_schema": Form(
        title="JSON schema", text="The answer is JSON of a certain shape.", start={"json_schema": {"type": "object"}}
    ),
    "length": Form(title="Length", text="The answer has so many words.", start={}),
    "score_model": Form(
        title="Another model",
        text="A model behind an OpenAI-compatible endpoint gives the score.",
        start={"model": "", "input": [{"role": "user", "content": QUESTION}]},
    ),
    "python": Form(title="Python program", text="A function of your own, locked away.", start={"source": PROGRAM}),
    "multi": Form(title="Several graders, one formula", text="Named graders, put together by a formula.", start={}),
}


def model_of(kind: str) -> type[BaseModel]:
    models: dict[str, type[BaseModel]] = {
        model.model_fields["type"].default: model for model in get_args(get_args(Grader)[0])
    }
    return models[kind]


def single_titles() -> dict[str, str]:
    """The forms that can be a member of several."""
    kinds = {model.model_fields["type"].default for model in get_args(get_args(SingleGrader)[0])}
    return {kind: form.title for kind, form in FORMS.items() if kind in kinds}


def new_content(kind: str, before: Content | None = None) -> Content:
    """A grader of this form; the text and reference of the one `before` it stay. A single one becomes a member."""
    before = before or {}
    if kind == "multi":
        member = before if before.get("type") in single_titles() else new_content("string_check")
        name = str(member["type"])
        return {"type": "multi", "graders": {name: deepcopy(member)}, "calculate_output": name}
    content: Content = {"type": kind, **deepcopy(FORMS[kind].start)}
    for name, field in model_of(kind).model_fields.items():
        if name not in content and not field.is_required():
            content[name] = deepcopy(field.get_default(call_default_factory=True))
    content.pop("name", None)
    kept = ("reference",) if kind == "score_model" else ("input", "reference")
    content |= {name: before[name] for name in kept if name in content and isinstance(before.get(name), str)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in content.items()}
