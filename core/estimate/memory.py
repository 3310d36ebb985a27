"""How much memory a run takes at its peak, part by part. Estimates: marked as such wherever they are shown."""

from dataclasses import dataclass

from core.estimate.activations import FLOAT32, activation_bytes, loss_bytes, number_bytes
from core.estimate.parameters import trainable_parameters
from core.estimate.shape import Shape, shape_of
from core.estimate.traffic import Traffic
from storage.methods import Full, Method, Qlora
from storage.objectives import Rft
from storage.spec import Compute, ModelRef, Objective, RunSpec

#: What CUDA itself takes on a GPU before the first tensor is there.
CUDA_CONTEXT_BYTES = 600 * 1024**2
#: What Python, torch, TRL and PEFT take of the host's memory: measured with the rows as tokens and no weight loaded.
PROCESS_BYTES = 570 * 1024**2
#: bitsandbytes' blocks: 64 weights share a float32; with double quantisation a byte, and 256 of those a float32.
BLOCK, CONSTANTS_BLOCK = 64, 256
#: Of a weight in the file of a model: bfloat16 nearly always.
FILE_BYTES = 2
#: Adam's two moments in float32, or in a byte each.
ADAM_BYTES, ADAM_8_BIT_BYTES = 8, 2


@dataclass(frozen=True, slots=True)
class Part:
    """`key` is for code and colours, `name` for people."""

    key: str
    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Parts of the peak on each device; for a CPU of each process."""

    parts: tuple[Part, ...]

    @property
    def total_bytes(self) -> int:
        """What the kernel counts, or the driver."""
        return sum(part.size_bytes for part in self.parts)

    @property
    def needed_bytes(self) -> int:
        """Without pages of a file, which the kernel takes back when memory gets short."""
        return self._without("mapped")

    def peak_bytes(self, compute: Compute) -> int:
        """What the trainer reports: its resident set, or on a GPU torch's tensors, without the driver's part."""
        return self.total_bytes if compute.device == "cpu" else self._without("process")

    def _without(self, key: str) -> int:
        return sum(part.size_bytes for part in self.parts if part.key != key)


def memory_of(run: RunSpec, traffic: Traffic) -> Memory:
    return memory(run.method, run.model, run.compute, traffic, run.rft if run.objective is Objective.RFT else None)


def memory(method: Method, model: ModelRef, compute: Compute, traffic: Traffic, rft: Rft | None = None) -> Memory:
    """The peak is where a pass turns back: everything it keeps, and the learned tokens' scores beside it."""
    shape = shape_of(model)
    trained = trainable_parameters(method, model)
    activations = activation_bytes(method, shape, compute, traffic)
    loss = loss_bytes(method, shape, compute, traffic)
    gradients = trained * FLOAT32 * (2 if compute.devices > 1 else 1)  # and once more in the buckets that are sent
    if traffic.passes == 1:
        # They grow while the activations go: of a single pass only what is more than those counts.
        gradients = max(0, gradients - activations - loss)
    sampling = max(0, sampling_bytes(shape, compute, traffic, rft) - activations - loss) if rft else 0
    parts = (
        Part("process", "The program itself", process_bytes(compute)),
        Part("weights", "Weights", weight_bytes(method, shape, compute)),
        Part("mapped", "The model’s file", mapped_bytes(method, shape, compute)),
        Part("adapter", "Adapter", 0 if isinstance(method, Full) else trained * FLOAT32),
        Part("reference", "Reference model", shape.parameters * FLOAT32 if needs_copy(method, rft) else 0),
        Part("gradients", "Gradients", gradients),
        Part("optimiser", "Optimiser", trained * (ADAM_8_BIT_BYTES if "8bit" in compute.optimizer else ADAM_BYTES)),
        Part("activations", "Activations", activations),
        Part("loss", "Loss", loss),
        Part("sampling", "Sampling", sampling),
    )
    return Memory(tuple(part for part in parts if part.size_bytes))


def process_bytes(compute: Compute) -> int:
    return CUDA_CONTEXT_BYTES if compute.device == "cuda" else PROCESS_BYTES


def weight_bytes(method: Method, shape: Shape, compute: Compute) -> int:
    """The base model in the type that it is held in: float32 where it is trained, packed for QLoRA."""
    if isinstance(method, Full):
        return shape.parameters * FLOAT32
    if not isinstance(method, Qlora):
        return shape.parameters * number_bytes(compute)
    packed = shape.linear_weights
    return int((shape.parameters - packed) * number_bytes(compute) + packed * bytes_per_packed_weight(method))


def mapped_bytes(method: Method, shape: Shape, compute: Compute) -> int:
    """On a CPU the embeddings that QLoRA leaves alone hold the file in memory, with the weights that it packed."""
    return shape.linear_weights * FILE_BYTES if isinstance(method, Qlora) and compute.device == "cpu" else 0


def bytes_per_packed_weight(method: Qlora) -> float:
    """A weight and its share of the constants."""
    if method.bits == 8:
        return 1.0  # one float32 a row: nothing beside rows of hundreds
    if method.double_quantisation:
        return 0.5 + 1 / BLOCK + FLOAT32 / (BLOCK * CONSTANTS_BLOCK)
    return 0.5 + FLOAT32 / BLOCK


def needs_copy(method: Method, rft: Rft | None) -> bool:
    """An adapter is turned off to see the model as it was; a fully tuned one is held to a second model."""
    return isinstance(method, Full) and rft is not None and rft.kl_beta > 0


def sampling_bytes(shape: Shape, compute: Compute, traffic: Traffic, rft: Rft) -> int:
    """While answers are sampled: keys and values of all of a step's answers, and their next tokens' scores."""
    b = number_bytes(compute)
    answers = rft.prompts_per_step * rft.group_size
    kept = 2 * shape.key_width * shape.layers * b * (traffic.width + rft.max_completion_tokens)
    return answers * (kept + shape.vocabulary * FLOAT32 * 4)
