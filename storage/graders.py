"""Graders: what scores a sampled answer, in OpenAI's forms (fine-tuning API, "graders") and four of our own.

A text of a grader is a template of `{{ item.… }}` (the row's columns) and `{{ sample.… }}` (output_text, output_json,
output_tools). Scores are 0 to 1 except where a grader says otherwise.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from storage.methods import Record

MOST_TEXT = 100_000
Text = Annotated[str, Field(max_length=MOST_TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
TEXT_HELP = "What is judged; {{ sample.output_text }} is the model's answer"


class StringCheck(Record):
    """1 where `input` stands in this relation to `reference`, else 0."""

    type: Literal["string_check"] = "string_check"
    name: Name = "string_check"
    input: Text = Field("{{ sample.output_text }}", title="Text", description=TEXT_HELP)
    reference: Text = Field(title="Reference", description="What it is compared with: {{ item.NAME }} is a column")
    operation: Literal["eq", "ne", "like", "ilike"] = Field(
        "eq", title="Operation",
        description="eq: equal, ne: not equal, like: holds the reference, ilike: the same in any case",
    )  # fmt: skip


class TextSimilarity(Record):
    """How alike two texts are."""

    type: Literal["text_similarity"] = "text_similarity"
    name: Name = "text_similarity"
    input: Text = Field("{{ sample.output_text }}", title="Text", description=TEXT_HELP)
    reference: Text = Field(title="Reference", description="What it is compared with: {{ item.NAME }} is a column")
    evaluation_metric: Literal[
        "fuzzy_match", "bleu", "gleu", "rouge_1", "rouge_2", "rouge_3", "rouge_4", "rouge_5", "rouge_l"
    ] = Field("fuzzy_match", title="Metric", description="fuzzy_match compares letters, the others compare words")


class GraderMessage(Record):
    role: Literal["system", "developer", "user", "assistant"]
    content: Text


class ScoreModel(Record):
    """Another model's number, through any OpenAI-compatible endpoint. Its key is the studio's secret, never here."""

    type: Literal["score_model"] = "score_model"
    name: Name = "score_model"
    model: str = Field(min_length=1, max_length=200, title="Model", description="Its name at the endpoint")
    input: tuple[GraderMessage, ...] = Field(
        min_length=1, title="Messages", description="What it is asked; the last number of what it says is the score"
    )
    range: tuple[float, float] = Field((0.0, 1.0), title="Range", description="Scores beyond it are cut to it")
    sampling_params: dict[str, Any] = Field(
        default_factory=dict, title="Sampling Parameters",
        description="temperature, top_p, seed, max_completion_tokens, reasoning_effort",
    )  # fmt: skip
    endpoint: str = Field(
        "", max_length=500, title="Endpoint",
        description="Base address; empty = TUNESMITH_GRADER_URL, OPENAI_BASE_URL, else OpenAI's own",
    )  # fmt: skip


class Python(Record):
    """`def grade(sample, item) -> float`, in a locked child process; only where an admin allows it."""

    type: Literal["python"] = "python"
    name: Name = "python"
    source: str = Field(max_length=256_000, title="Source", description="def grade(sample, item) that returns a number")


class Regex(Record):
    """1 where the pattern is found in `input`, else 0; with a `reference`, where group 1 equals it."""

    type: Literal["regex"] = "regex"
    name: Name = "regex"
    input: Text = Field("{{ sample.output_text }}", title="Text", description=TEXT_HELP)
    pattern: str = Field(
        min_length=1, max_length=2000, title="Pattern", description="A regular expression, searched for in the text"
    )
    reference: Text = Field(
        "", title="Reference", description="Where given, the pattern's first group has to equal it (optional)"
    )


class JsonSchema(Record):
    """1 where `input` is JSON that fits the schema, else 0."""

    type: Literal["json_schema"] = "json_schema"
    name: Name = "json_schema"
    input: Text = Field("{{ sample.output_text }}", title="Text", description=TEXT_HELP)
    json_schema: dict[str, Any] = Field(title="JSON Schema", description="What the answer, read as JSON, has to fit")


class NumericAnswer(Record):
    """1 where the last number of `input` equals the last number of `reference`, else 0."""

    type: Literal["numeric_answer"] = "numeric_answer"
    name: Name = "numeric_answer"
    input: Text = Field("{{ sample.output_text }}", title="Text", description=TEXT_HELP)
    reference: Text = Field(title="Reference", description="Its last number is the right one")
    tolerance: float = Field(
        1e-6, ge=0, title="Tolerance", description="Part of the right number it may be away from it"
    )


class Length(Record):
    """1 within `least` to `most` words, falling linearly to 0 at nothing and at twice `most`."""

    type: Literal["length"] = "length"
    name: Name = "length"
    input: Text = Field("{{ sample.output_text }}", title="Text", description=TEXT_HELP)
    least: int = Field(0, ge=0, title="At Least", description="Words; fewer score less")
    most: int = Field(200, ge=1, title="At Most", description="Words; more score less, and twice as many nothing")


SingleGrader = Annotated[
    StringCheck | TextSimilarity | ScoreModel | Python | Regex | JsonSchema | NumericAnswer | Length,
    Field(discriminator="type"),
]


class Multi(Record):
    """A formula over named graders: `0.8 * correct + 0.2 * brief`."""

    type: Literal["multi"] = "multi"
    name: Name = "multi"
    graders: dict[Name, SingleGrader] = Field(min_length=1, max_length=20, title="Graders")
    calculate_output: str = Field(
        min_length=1, max_length=1000, title="Formula",
        description="Over the graders' names: + - * / ^, min, max, abs, floor, ceil, exp, sqrt, log",
    )  # fmt: skip


Grader = Annotated[
    StringCheck | TextSimilarity | ScoreModel | Python | Regex | JsonSchema | NumericAnswer | Length | Multi,
    Field(discriminator="type"),
]
