"""Graders: what scores a sampled answer, in OpenAI's forms (fine-tuning API, "graders") and four of our own.

A text of a grader is a template of `{{ item.… }}` (the row's columns) and `{{ sample.… }}` (output_text, output_json,
output_tools). Scores are 0 to 1 except where a grader says otherwise.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from storage.methods import Record

Text = Annotated[str, Field(max_length=100_000)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class StringCheck(Record):
    """1 where `input` stands in this relation to `reference`, else 0."""

    type: Literal["string_check"] = "string_check"
    name: Name = "string_check"
    input: Text = "{{ sample.output_text }}"
    reference: Text
    operation: Literal["eq", "ne", "like", "ilike"] = "eq"


class TextSimilarity(Record):
    """How alike two texts are."""

    type: Literal["text_similarity"] = "text_similarity"
    name: Name = "text_similarity"
    input: Text = "{{ sample.output_text }}"
    reference: Text
    evaluation_metric: Literal[
        "fuzzy_match", "bleu", "gleu", "rouge_1", "rouge_2", "rouge_3", "rouge_4", "rouge_5", "rouge_l"
    ] = "fuzzy_match"


class GraderMessage(Record):
    role: Literal["system", "developer", "user", "assistant"]
    content: Text


class ScoreModel(Record):
    """Another model's number, through any OpenAI-compatible endpoint. Its key is the studio's secret, never here."""

    type: Literal["score_model"] = "score_model"
    name: Name = "score_model"
    model: str = Field(min_length=1, max_length=200)
    input: tuple[GraderMessage, ...] = Field(min_length=1)
    range: tuple[float, float] = (0.0, 1.0)
    sampling_params: dict[str, Any] = Field(default_factory=dict)
    endpoint: str = Field("", max_length=500, description="Base address; empty = the studio's own or OPENAI_BASE_URL")


class Python(Record):
    """`def grade(sample, item) -> float`, in a locked child process; only where an admin allows it."""

    type: Literal["python"] = "python"
    name: Name = "python"
    source: str = Field(max_length=256_000)


class Regex(Record):
    """1 where the pattern is found in `input`, else 0; with a `reference`, where group 1 equals it."""

    type: Literal["regex"] = "regex"
    name: Name = "regex"
    input: Text = "{{ sample.output_text }}"
    pattern: str = Field(min_length=1, max_length=2000)
    reference: Text = ""


class JsonSchema(Record):
    """1 where `input` is JSON that fits the schema, else 0."""

    type: Literal["json_schema"] = "json_schema"
    name: Name = "json_schema"
    input: Text = "{{ sample.output_text }}"
    json_schema: dict[str, Any]


class NumericAnswer(Record):
    """1 where the last number of `input` equals the last number of `reference`, else 0."""

    type: Literal["numeric_answer"] = "numeric_answer"
    name: Name = "numeric_answer"
    input: Text = "{{ sample.output_text }}"
    reference: Text
    tolerance: float = Field(1e-6, ge=0)


class Length(Record):
    """1 within `least` to `most` words, falling linearly to 0 at nothing and at twice `most`."""

    type: Literal["length"] = "length"
    name: Name = "length"
    input: Text = "{{ sample.output_text }}"
    least: int = Field(0, ge=0)
    most: int = Field(200, ge=1)


SingleGrader = Annotated[
    StringCheck | TextSimilarity | ScoreModel | Python | Regex | JsonSchema | NumericAnswer | Length,
    Field(discriminator="type"),
]


class Multi(Record):
    """A formula over named graders: `0.8 * correct + 0.2 * brief`."""

    type: Literal["multi"] = "multi"
    name: Name = "multi"
    graders: dict[str, SingleGrader] = Field(min_length=1, max_length=20)
    calculate_output: str = Field(min_length=1, max_length=1000)


Grader = Annotated[
    StringCheck | TextSimilarity | ScoreModel | Python | Regex | JsonSchema | NumericAnswer | Length | Multi,
    Field(discriminator="type"),
]
