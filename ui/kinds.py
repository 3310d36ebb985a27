"""What each kind of dataset is called on the pages, and how its format is explained."""

import json
from dataclasses import dataclass
from typing import Any

from storage.rows import Kind
from storage.spec import Objective


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """`examples` names the rows ("Labeled Examples"), `unit` counts them ("pairs")."""

    tab: str
    title: str
    description: str
    badge: str
    tone: str
    examples: str
    unit: str
    objective: Objective | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadWords:
    """The upload page of one kind."""

    title: str
    description: str
    card_title: str
    card_text: str
    points: tuple[str, ...]
    format_title: str
    format_line: str
    example_title: str
    example: str
    clarity: tuple[tuple[str, str], ...]


def _example(value: dict[str, Any]) -> str:
    """JSON with one message a line, as one would write it by hand."""
    if "messages" not in value:
        return json.dumps(value, indent=2, ensure_ascii=False)
    others = {key: part for key, part in value.items() if key != "messages"}
    lines = ",\n".join(f"    {json.dumps(message, ensure_ascii=False)}" for message in value["messages"])
    tail = "".join(f",\n  {json.dumps(key)}: {json.dumps(part, ensure_ascii=False)}" for key, part in others.items())
    return f'{{\n  "messages": [\n{lines}\n  ]{tail}\n}}'


WORDS = {
    Kind.SUPERVISED: Words(
        tab="Supervised",
        title="Supervised Training Datasets",
        description="Manage labeled examples for supervised fine-tuning (input → output pairs)",
        badge="Supervised",
        tone="violet",
        examples="Labeled Examples",
        unit="pairs",
        objective=Objective.SFT,
    ),
    Kind.REINFORCEMENT: Words(
        tab="Reinforcement",
        title="Reinforcement Training Datasets",
        description="Manage prompts whose answers are graded (prompt → columns that a grader compares with)",
        badge="Reinforcement",
        tone="blue",
        examples="Graded Prompts",
        unit="prompts",
        objective=Objective.RFT,
    ),
    Kind.PREFERENCE: Words(
        tab="Preference",
        title="Preference Training Datasets",
        description="Manage pairs of a preferred and a rejected answer (prompt → chosen, rejected)",
        badge="Preference",
        tone="amber",
        examples="Preference Pairs",
        unit="pairs",
        objective=Objective.DPO,
    ),
    Kind.UNPAIRED: Words(
        tab="Rated answers",
        title="Datasets of Rated Answers",
        description="Manage single answers that are marked as wanted or unwanted (prompt → answer, thumbs up or down)",
        badge="Rated answers",
        tone="grey",
        examples="Rated Answers",
        unit="answers",
        objective=None,
    ),
    Kind.TEXT: Words(
        tab="Plain text",
        title="Plain Text Datasets",
        description="Manage texts without questions and answers; a model learns all of their words",
        badge="Plain text",
        tone="grey",
        examples="Texts",
        unit="texts",
        objective=Objective.SFT,
    ),
}

UPLOADS = {
    Kind.SUPERVISED: UploadWords(
        title="Upload Supervised Training Dataset",
        description="Provide labeled examples to teach your AI model through supervised learning",
        card_title="Upload Labeled Examples",
        card_text="Upload a file with input→output pairs for supervised learning",
        points=(
            "Best for prepared labeled datasets",
            "Each example: question + desired answer",
            "Supports JSONL, CSV, JSON formats",
            "Minimum 10 labeled examples required",
        ),
        format_title="Supervised Learning Format",
        format_line="Each example shows: INPUT (user question) → OUTPUT (desired response)",
        example_title="Example labeled pair:",
        example=_example(
            {
                "messages": [
                    {"role": "system", "content": "Context/instructions"},
                    {"role": "user", "content": "INPUT: What is AI?"},
                    {"role": "assistant", "content": "OUTPUT: AI is..."},
                ]
            }
        ),
        clarity=(
            ("User messages", "Inputs (what you want to handle)"),
            ("Assistant messages", "Outputs (how you want to respond)"),
            ("System messages", "Context/instructions for the model"),
        ),
    ),
    Kind.REINFORCEMENT: UploadWords(
        title="Upload Reinforcement Training Dataset",
        description="Provide prompts and what a grader needs to score the answers that your AI model will try",
        card_title="Upload Graded Prompts",
        card_text="Upload a file with prompts and the columns that graders compare answers with",
        points=(
            "Best for tasks whose answers can be checked",
            "Each example: prompt + reference for the grader",
            "Supports JSONL, CSV, JSON formats",
            "Minimum 10 prompts required",
        ),
        format_title="Reinforcement Learning Format",
        format_line="Each example shows: INPUT (prompt) → ITEM (what a grader compares the model's own answer with)",
        example_title="Example graded prompt:",
        example=_example(
            {
                "messages": [{"role": "user", "content": "INPUT: A pen costs €2. What do 3 cost?"}],
                "reference_answer": "ITEM: 6",
            }
        ),
        clarity=(
            ("The last message", "A user's question; the model writes the answers itself"),
            ("All other columns", "Item columns, which graders read as item.NAME"),
            ("System messages", "Context/instructions for the model"),
        ),
    ),
    Kind.PREFERENCE: UploadWords(
        title="Upload Preference Training Dataset",
        description="Provide pairs of answers, one preferred and one rejected, to teach your AI model what people like",
        card_title="Upload Preference Pairs",
        card_text="Upload a file with a preferred and a rejected answer to each prompt",
        points=(
            "Best for answers that people have compared",
            "Each example: prompt + preferred answer + rejected answer",
            "Supports JSONL, CSV, JSON formats",
            "Minimum 10 preference pairs required",
        ),
        format_title="Preference Learning Format",
        format_line="Each example shows: INPUT (prompt) → CHOSEN (the better answer), REJECTED (the worse one)",
        example_title="Example preference pair:",
        example=_example(
            {
                "prompt": "INPUT: What is AI?",
                "chosen": "CHOSEN: AI is software that learns from examples.",
                "rejected": "REJECTED: Look it up.",
            }
        ),
        clarity=(
            ("prompt", "Input (what you want to handle)"),
            ("chosen", "The answer to move towards"),
            ("rejected", "The answer to move away from; it must differ from the chosen one"),
        ),
    ),
}

#: Kinds that share the page of another one: their files are detected all the same.
UPLOADED_AS = {Kind.UNPAIRED: Kind.PREFERENCE, Kind.TEXT: Kind.SUPERVISED}


def kind_named(name: str) -> Kind:
    """The kind of an address; supervised where there is none of that name."""
    return Kind(name) if name in set(Kind) else Kind.SUPERVISED
