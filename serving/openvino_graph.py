"""A decoder as an OpenVINO graph, out of safetensors: the families that our llama.cpp files are made of.

Written as OpenVINO's own converters write it: a growing cache of keys and values for each layer. What runs it turns it
into one in pages (`serving.openvino_pass`). Layers that read the same states are one matrix product: query, key and
value; gate and up. That, and one scale for each row of 8-bit weights, is what makes it fast.
"""

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import Node, Output, PartialShape, Type
from openvino import opset15 as ops
from openvino.op.util import Variable, VariableInfo

from serving.ends import object_of
from serving.failures import CannotHold
from serving.safetensors_file import tensors_of
from storage import manifest
from storage.serving import not_in_openvino

#: The graph of a cache folder.
GRAPH = "model.xml"
#: The node whose states the output layer reads, by name.
STATES = "states"
#: What is one product here, and the modules that it is made of: `layers.0 qkv` by name.
JOINTS = {
    "qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "o": ("self_attn.o_proj",),
    "up": ("mlp.gate_proj", "mlp.up_proj"),
    "down": ("mlp.down_proj",),
}
#: Told after each layer: how many are done, of how many.
Told = Callable[[int, int], None]
Value = Node | Output


def write_graph(model: Path, target: Path, *, bits: int = 8, told: Told = lambda done, total: None) -> None:
    """`target`, a folder, is whole or not there. Raises CannotHold for a family that is not known."""
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.tmp")
    partial.mkdir(parents=True)
    try:
        ov.save_model(Decoder(model, bits=bits).graph(told), partial / GRAPH, compress_to_fp16=False)
        manifest.seal(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class Decoder:
    """`model`: a folder as transformers writes it."""

    def __init__(self, model: Path, *, bits: int) -> None:
        self.config = object_of(model / "config.json")
        if reason := not_in_openvino(self.config):
            raise CannotHold(reason)
        self._stored = {tensor.name: tensor for tensor in tensors_of(model)}
        self._used: set[str] = set()
        self._bits = bits
        self._sinks: list[Node] = []
        self.heads = int(self.config["num_attention_heads"])
        self.groups = int(self.config.get("num_key_value_heads") or self.heads)
        self.size = int(self.config.get("head_dim") or self.config["hidden_size"] // self.heads)

    def graph(self, told: Told = lambda done, total: None) -> ov.Model:
        """Raises CannotHold where the folder has other weights than such a decoder."""
        layers = int(self.config["num_hidden_layers"])
        tokens, self._positions = parameter("input_ids", Type.i64, -1, -1), parameter("position_ids", Type.i64, -1, -1)
        seen, self._rows = parameter("attention_mask", Type.i64, -1, -1), parameter("beam_idx", Type.i32, -1)
        self._count = ops.gather(ops.shape_of(tokens), whole(0), whole(0))
        self._mask = mask_of(tokens, seen)
        self._cos, self._sin = self._rotations()
        embedding = self._read("model.embed_tokens.weight")
        states: Value = ops.gather(self._weight(embedding), tokens, whole(0))
        for layer in range(layers):
            states = self._layer(f"layers.{layer}", states)
            told(layer + 1, layers)
        states = self._norm(states, "model.norm")
        states.set_friendly_name(STATES)
        if self.config.get("tie_word_embeddings"):
            self._used.add("lm_head.weight")
        else:
            embedding = self._read("lm_head.weight")
        scores = ops.result(ops.matmul(states, self._weight(embedding), False, True))
        scores.output(0).get_tensor().set_names({"logits"})
        if left := sorted(self._stored.keys() - self._used):
            raise CannotHold(f"Our OpenVINO graph has no place for the weights {left[0][:100]}.")
        return ov.Model([scores], self._sinks, [tokens, seen, self._positions, self._rows], "decoder")

    def _layer(self, name: str, states: Value) -> Value:
        mixed = self._attention(name, self._norm(states, f"model.{name}.input_layernorm"))
        states = ops.add(states, self._product(f"{name} o", mixed))
        inner = self._product(f"{name} up", self._norm(states, f"model.{name}.post_attention_layernorm"))
        gate, up = split(inner, *[int(self.config["intermediate_size"])] * 2)
        return ops.add(states, self._product(f"{name} down", ops.multiply(ops.swish(gate), up)))

    def _attention(self, name: str, states: Value) -> Value:
        width = self.groups * self.size
        query, key, value = split(self._product(f"{name} qkv", states), self.heads * self.size, width, width)
        at = f"model.{name}.self_attn"
        query = self._rotated(self._normed(self._in_heads(query, self.heads), f"{at}.q_norm"))
        key = self._rotated(self._normed(self._in_heads(key, self.groups), f"{at}.k_norm"))
        keys = self._remembered(key, f"{name}.key")
        values = self._remembered(self._in_heads(value, self.groups), f"{name}.value")
        mixed = ops.scaled_dot_product_attention(
            query, self._for_each_head(keys), self._for_each_head(values), self._mask
        )
        return ops.reshape(ops.transpose(mixed, whole(0, 2, 1, 3)), whole(0, 0, -1), True)

    def _product(self, name: str, states: Value) -> Value:
        layer, _, joint = name.rpartition(" ")
        modules = [f"model.{layer}.{module}" for module in JOINTS[joint]]
        product = ops.matmul(states, self._weight(self._read(*(f"{module}.weight" for module in modules))), False, True)
        product.set_friendly_name(name)
        if f"{modules[0]}.bias" in self._stored:
            return ops.add(product, ops.constant(self._read(*(f"{module}.bias" for module in modules))))
        return product

    def _weight(self, array: np.ndarray) -> Value:
        if self._bits == 16:
            return ops.convert(ops.constant(array.astype(np.float16)), "f32")
        scales = np.maximum(np.abs(array).max(axis=1, keepdims=True) / 127, 1e-12).astype(np.float32)
        return ops.multiply(
            ops.convert(ops.constant(np.round(array / scales).astype(np.int8)), "f32"), ops.constant(scales)
        )

    def _norm(self, states: Value, name: str, rank: int = 3) -> Node:
        one = (1,) * rank
        squares = ops.reduce_mean(ops.power(states, number(2.0, one)), whole(-1), True)
        root = ops.sqrt(ops.add(squares, number(self.config["rms_norm_eps"], one)))
        scale = ops.constant(self._read(f"{name}.weight").reshape(*one[1:], -1))
        return ops.multiply(ops.multiply(states, ops.divide(number(1.0, one), root)), scale)

    def _normed(self, states: Value, name: str) -> Value:
        """Qwen3 norms each head's query and key; the other families do not."""
        return self._norm(states, name, rank=4) if f"{name}.weight" in self._stored else states

    def _in_heads(self, states: Value, heads: int) -> Value:
        return ops.transpose(ops.reshape(states, whole(0, 0, heads, self.size), True), whole(0, 2, 1, 3))

    def _rotations(self) -> tuple[Value, Value]:
        theta = float((self.config.get("rope_parameters") or self.config).get("rope_theta", 10_000))
        frequencies = (1 / theta ** (np.arange(0, self.size, 2) / self.size)).astype(np.float32)
        positions = ops.convert(ops.unsqueeze(self._positions, whole(1)), "f32")
        angles = ops.transpose(
            ops.matmul(ops.constant(frequencies[None, :, None]), positions, False, False), whole(0, 2, 1)
        )
        angles = ops.concat([angles, angles], -1)
        return ops.unsqueeze(ops.cos(angles), whole(1)), ops.unsqueeze(ops.sin(angles), whole(1))

    def _rotated(self, states: Value) -> Value:
        half, end = self.size // 2, 2**62
        first, second = (
            ops.slice(states, whole(start), whole(stop), whole(1), whole(3)) for start, stop in ((0, half), (half, end))
        )
        turned = ops.concat([ops.multiply(second, number(-1.0, (1, 1, 1, 1))), first], -1)
        return ops.add(ops.multiply(states, self._cos), ops.multiply(turned, self._sin))

    def _remembered(self, states: Value, name: str) -> Value:
        """All keys or values of a layer so far, and these."""
        info = VariableInfo()
        info.data_shape, info.data_type = PartialShape([-1, self.groups, -1, self.size]), Type.f32
        info.variable_id = name
        variable = Variable(info)
        nothing = ops.concat([self._count, whole(self.groups), whole(0), whole(self.size)], 0)
        before = ops.gather(ops.read_value(ops.broadcast(number(0.0), nothing), variable), self._rows, whole(0))
        states = ops.concat([before, states], 2)
        self._sinks.append(ops.assign(states, variable))
        return states

    def _for_each_head(self, states: Value) -> Value:
        """Several heads of the query share one of key and value."""
        if self.heads == self.groups:
            return states
        length = ops.gather(ops.shape_of(states), whole(2), whole(0))
        shape = [self._count, whole(self.groups), whole(self.heads // self.groups), length, whole(self.size)]
        repeated = ops.broadcast(ops.unsqueeze(states, whole(2)), ops.concat(shape, 0), "BIDIRECTIONAL")
        return ops.reshape(repeated, whole(0, self.heads, -1, self.size), True)

    def _read(self, *names: str) -> np.ndarray:
        """One below the other, in 32 bits."""
        if missing := [name for name in names if name not in self._stored]:
            raise CannotHold(f"The weights {missing[0][:100]} are not in the model's files.")
        self._used.update(names)
        return np.concatenate([self._stored[name].read() for name in names])


def parameter(name: str, kind: Type, *shape: int) -> Node:
    """An input of the graph; -1 where its size is not known before."""
    made = ops.parameter(PartialShape(list(shape)), kind, name=name)
    made.output(0).get_tensor().set_names({name})
    return made


def mask_of(tokens: Value, seen: Value) -> Value:
    """What each token may look at; the form in which OpenVINO's pages expect it."""
    zero, one = ops.constant(np.int64(0)), ops.constant(np.int64(1))
    total, count = (ops.gather(ops.shape_of(value), ops.constant(np.int64(1)), zero) for value in (seen, tokens))
    columns = ops.unsqueeze(ops.range(zero, total, one, "i64"), whole(0))
    rows = ops.unsqueeze(ops.range(ops.subtract(total, count), total, one, "i64"), whole(1))
    is_there = ops.unsqueeze(ops.greater(seen, whole(0)), whole(1, 2))
    return ops.select(
        ops.logical_and(ops.less_equal(columns, rows), is_there), number(0.0), number(np.finfo(np.float32).min)
    )


def split(states: Value, *widths: int) -> list[Output]:
    return list(ops.variadic_split(states, whole(-1), whole(*widths)).outputs())


def whole(*values: int) -> Node:
    return ops.constant(np.array(values, np.int64))


def number(value: float, shape: tuple[int, ...] = ()) -> Node:
    return ops.constant(np.full(shape, value, np.float32))
