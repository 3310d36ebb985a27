"""LoRA adapters beside an OpenVINO decoder's products: inputs of its graph, so that they come and go without compiling.

All adapters of a pass lie one below the other, and `lora_rows` says which ranks are for which token: answers of
different adapters and of the base share a pass. Where nobody has an adapter, there are no ranks.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import Type
from openvino import opset15 as ops

from serving.ends import object_of
from serving.failures import CannotHold
from serving.gguf_adapters import require_plain_lora
from serving.openvino_graph import JOINTS, parameter
from serving.safetensors_file import tensors_of

MODULE = re.compile(r"base_model\.model\.model\.(layers\.\d+)\.(.+)\.lora_([AB])\.weight")
PRODUCT = re.compile(r"layers\.\d+ (\w+)")


@dataclass(frozen=True, eq=False)
class LoraArrays:
    """By module, `layers.0.self_attn.q_proj`: A [rank, in] and B [out, rank]."""

    rank: int
    scale: float
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray]]
    #: All of them share passes with everybody, and begin with nothing.
    lane: int = 0
    prefix_length: int = 0


@dataclass(frozen=True)
class Product:
    """One product of the graph: its modules with their rows, and how wide what it reads is."""

    name: str
    width: int
    rows: Mapping[str, int]


def read_lora(folder: Path, products: Sequence[Product]) -> LoraArrays:
    """Raises CannotHold for what these inputs cannot say, or what does not fit the base model."""
    asked = object_of(folder / "adapter_config.json")
    require_plain_lora(asked, "OpenVINO")
    rank, alpha = int(asked["r"]), float(asked["lora_alpha"])
    fits = {module: (rows, product.width) for product in products for module, rows in product.rows.items()}
    halves: dict[str, dict[str, np.ndarray]] = {}
    for tensor in tensors_of(folder):
        found = MODULE.fullmatch(tensor.name)
        rows, width = fits.get(f"{found[1]}.{found[2]}", (0, 0)) if found else (0, 0)
        if not found or tensor.shape != ((rank, width) if found[3] == "A" else (rows, rank)):
            raise CannotHold(f"Our OpenVINO graph has no place for the adapter's weights {tensor.name[:100]}.")
        halves.setdefault(f"{found[1]}.{found[2]}", {})[found[3]] = tensor.read()
    if not halves or any(len(pair) < 2 for pair in halves.values()):
        raise CannotHold("The adapter's folder lacks weights (adapter_model.safetensors).")
    scale = alpha / (rank**0.5 if asked.get("use_rslora") else rank)
    return LoraArrays(rank, scale, {module: (pair["A"], pair["B"]) for module, pair in halves.items()})


def add_lora(model: ov.Model) -> list[Product]:
    """Puts the inputs `A layers.0 qkv`, `B layers.0 qkv` … and `lora_rows` into the graph."""
    rows = parameter("lora_rows", Type.f32, -1, -1, -1)
    parameters, products = [rows], products_of(model)
    nodes = {node.get_friendly_name(): node for node in model.get_ops()}
    for product in products:
        node, outputs = nodes[product.name], sum(product.rows.values())
        readers = node.output(0).get_target_inputs()
        down = parameter(f"A {product.name}", Type.f32, -1, product.width)
        up = parameter(f"B {product.name}", Type.f32, outputs, -1)
        ranks = ops.matmul(node.input_value(0), down, False, True)
        chosen = ops.multiply(ranks, ops.concat([rows] * len(product.rows), -1))
        added = ops.add(node, ops.matmul(chosen, up, False, True))
        for reader in readers:
            reader.replace_source_output(added.output(0))
        parameters += [down, up]
    model.add_parameters(parameters)
    model.validate_nodes_and_infer_types()
    return products


def products_of(model: ov.Model) -> list[Product]:
    """Read off the graph: the rows of its modules are where it splits what comes out."""
    found = []
    for node in model.get_ordered_ops():
        name = node.get_friendly_name()
        if match := PRODUCT.fullmatch(name):
            layer, modules = name.partition(" ")[0], JOINTS[match[1]]
            width, outputs = (node.input_value(1).get_partial_shape()[at].get_length() for at in (1, 0))
            rows = rows_of(node, outputs) if len(modules) > 1 else [outputs]
            named = {f"{layer}.{module}": count for module, count in zip(modules, rows, strict=True)}
            found.append(Product(name, width, named))
    return found


def rows_of(node: ov.Node, outputs: int) -> list[int]:
    """The widths of the split that follows, perhaps behind a bias."""
    [reader] = [target.get_node() for target in node.output(0).get_target_inputs()]
    if reader.get_type_name() != "VariadicSplit":
        return rows_of(reader, outputs)
    widths: list[int] = reader.input_value(2).get_node().get_data().tolist()
    return widths


def stacked(products: Sequence[Product], adapters: Sequence[LoraArrays]) -> dict[str, np.ndarray]:
    """The graph's inputs for these adapters: ranks of the first module for all of them, then of the second."""
    inputs = {}
    ranks = sum(adapter.rank for adapter in adapters)
    for product in products:
        down = np.zeros((ranks * len(product.rows), product.width), np.float32)
        up = np.zeros((sum(product.rows.values()), ranks * len(product.rows)), np.float32)
        top = left = 0
        for module, rows in product.rows.items():
            for adapter in adapters:
                if pair := adapter.pairs.get(module):
                    down[left : left + adapter.rank] = pair[0]
                    up[top : top + rows, left : left + adapter.rank] = pair[1]
                left += adapter.rank
            top += rows
        inputs[f"A {product.name}"], inputs[f"B {product.name}"] = down, up
    return inputs
