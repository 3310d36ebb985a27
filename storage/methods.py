"""The five ways to change a model's weights, each with its own parameters.

Every field carries its default, its bounds and the sentence that the form, the command line and the docs show.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
    """Base of every value in the spec: frozen, and closed to unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LowRank(Record):
    """What LoRA and QLoRA share: two thin matrices beside each frozen one."""

    rank: int = Field(
        8, ge=1, le=256, title="LoRA Rank (r)",
        description="Lower = faster, Higher = better quality (typical: 8-64)",
    )  # fmt: skip
    alpha: int = Field(
        16, ge=1, le=1024, title="LoRA Alpha (α)",
        description="Scaling parameter (typically 2x rank)",
    )  # fmt: skip
    dropout: float = Field(
        0.1, ge=0, le=0.9, title="LoRA Dropout",
        description="Prevents overfitting (0.0-0.3 recommended)",
    )  # fmt: skip
    targets: str = Field(
        "all-linear", pattern=r"^[\w.,\-]+$", title="Target Modules",
        description="Which layers get an adapter: all-linear, or names such as q_proj,v_proj",
    )  # fmt: skip
    rslora: bool = Field(
        False, title="Rank-Stabilised (rsLoRA)",
        description="Scales by alpha / √rank, so that high ranks learn as well as low ones",
    )  # fmt: skip
    dora: bool = Field(
        False, title="Weight-Decomposed (DoRA)",
        description="Learns each weight's size apart from its direction: often better at low rank, slower",
    )  # fmt: skip


class Lora(LowRank):
    """Low-Rank Adaptation (Hu et al. 2021, arXiv:2106.09685)."""

    kind: Literal["lora"] = "lora"


class Qlora(LowRank):
    """LoRA over a base model held in 4 or 8 bits (Dettmers et al. 2023, arXiv:2305.14314)."""

    kind: Literal["qlora"] = "qlora"
    bits: Literal[4, 8] = Field(4, title="Quantisation", description="Bits per frozen weight: 4 (nf4) or 8")
    double_quantisation: bool = Field(
        True, title="Double quantisation",
        description="Quantises the quantisation constants too: about 0.4 bits less per weight",
    )  # fmt: skip


class Prefix(Record):
    """Prefix tuning: trained key/value vectors before every layer (Li & Liang 2021, arXiv:2101.00190)."""

    kind: Literal["prefix"] = "prefix"
    length: int = Field(
        16, ge=1, le=512, title="Prefix Length",
        description="Virtual tokens before the prompt; longer = more capacity, less room for text",
    )  # fmt: skip


class Adapter(Record):
    """Bottleneck adapter layers (Houlsby et al. 2019, arXiv:1902.00751; Pfeiffer et al. 2020, arXiv:2005.00247)."""

    kind: Literal["adapter"] = "adapter"
    size: int = Field(64, ge=1, le=4096, title="Adapter Size", description="Width of the bottleneck")
    activation: Literal["gelu", "relu", "silu", "tanh"] = Field(
        "gelu", title="Activation", description="The function inside the bottleneck"
    )  # fmt: skip
    placement: Literal["houlsby", "pfeiffer"] = Field(
        "houlsby", title="Placement", description="After attention and MLP (houlsby), or after the MLP only (pfeiffer)"
    )  # fmt: skip


class Full(Record):
    """Every weight is trained."""

    kind: Literal["full"] = "full"


Method = Annotated[Lora | Qlora | Prefix | Adapter | Full, Field(discriminator="kind")]
