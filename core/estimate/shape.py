"""A model's sizes as the estimates need them: known ones from its configuration, others guessed from what is known."""

from collections.abc import Iterator
from dataclasses import dataclass

from storage.spec import ModelRef

#: A Llama's usual proportions, for models whose configuration does not say.
INTERMEDIATE_TO_HIDDEN = 8 / 3
QUERIES_TO_KEYS = 3
USUAL_HEAD = 64
USUAL_VOCABULARY = 32_000


@dataclass(frozen=True, slots=True)
class Linear:
    """One linear module of a block. `writes` marks those that write into the residual stream."""

    name: str
    inputs: int
    outputs: int

    @property
    def weights(self) -> int:
        return self.inputs * self.outputs


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A decoder of equal blocks: attention with grouped keys and values, and a gated MLP."""

    parameters: int
    hidden: int
    layers: int
    intermediate: int
    heads: int
    key_width: int
    query_width: int
    vocabulary: int
    tied: bool

    @property
    def linears(self) -> tuple[Linear, ...]:
        """Of one block."""
        return (
            Linear("q_proj", self.hidden, self.query_width),
            Linear("k_proj", self.hidden, self.key_width),
            Linear("v_proj", self.hidden, self.key_width),
            Linear("o_proj", self.query_width, self.hidden),
            Linear("gate_proj", self.hidden, self.intermediate),
            Linear("up_proj", self.hidden, self.intermediate),
            Linear("down_proj", self.intermediate, self.hidden),
        )

    def targets(self, names: str) -> Iterator[Linear]:
        """Of one block, those that `names` means; a name that Llamas do not have counts as hidden × hidden."""
        if names == "all-linear":
            yield from self.linears
            return
        known = {linear.name: linear for linear in self.linears}
        for name in names.split(","):
            yield known.get(name, Linear(name, self.hidden, self.hidden))

    @property
    def linear_weights(self) -> int:
        """What quantisation packs: the blocks' linear modules. Embeddings, norms and the head stay as they are."""
        return min(self.parameters, self.layers * sum(linear.weights for linear in self.linears))

    @property
    def embedding_weights(self) -> int:
        return self.vocabulary * self.hidden * (1 if self.tied else 2)


def shape_of(model: ModelRef) -> Shape:
    """Zeros in the reference mean: not known, so guessed."""
    head = model.head_size or (model.hidden_size // model.attention_heads if model.attention_heads else USUAL_HEAD)
    heads = model.attention_heads or max(1, model.hidden_size // head)
    keys = model.key_value_heads or (model.attention_heads or max(1, heads // QUERIES_TO_KEYS))
    return Shape(
        parameters=model.parameters,
        hidden=model.hidden_size,
        layers=model.layers,
        intermediate=model.intermediate_size or round(model.hidden_size * INTERMEDIATE_TO_HIDDEN),
        heads=heads,
        key_width=keys * head,
        query_width=heads * head,
        vocabulary=model.vocabulary or min(USUAL_VOCABULARY, model.parameters // max(2 * model.hidden_size, 1)),
        tied=model.tied_embeddings,
    )
