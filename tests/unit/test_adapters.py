"""Adapters that people bring: laid against their base, kept without anything strange, gone on from; the refusals."""

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, Conflict, NotFound
from core.people import Actor
from core.studio import Studio
from storage import manifest
from storage.files import read_json, write_json
from storage.methods import Lora
from storage.spec import JobSpec, ModelRef, Way

ALICE = Actor("Alice", "alice@example.org")
LAYER = "model.layers.0.self_attn.q_proj"
CONFIG = {
    "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "nobody/tiny", "r": 2, "lora_alpha": 4.0,
    "lora_dropout": 0.05, "target_modules": ["q_proj"], "bias": "none", "megatron_core": "os.path",
}  # fmt: skip


def safetensors(shapes: dict[str, tuple[int, ...]]) -> bytes:
    """A file of zeros in that shape."""
    header: dict[str, Any] = {}
    at = 0
    for name, shape in shapes.items():
        size = 4
        for width in shape:
            size *= width
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


def lora(rank: int = 2, layer: str = LAYER, out: int = 8) -> bytes:
    name = f"base_model.model.{layer}.lora_"
    return safetensors({f"{name}A.weight": (rank, 16), f"{name}B.weight": (out, rank)})


@pytest.fixture
def base(studio: Studio, model: ModelRef) -> ModelRef:
    """The library's model, with weights that an adapter can be laid against."""
    folder = Path(model.path)
    (folder / "MANIFEST.json").unlink()
    (folder / "model.safetensors").write_bytes(safetensors({f"{LAYER}.weight": (8, 16)}))
    partial = folder.with_name("tiny.partial")
    folder.rename(partial)
    manifest.seal(partial, folder)
    return studio.models.get("tiny")


@pytest.fixture
def adapter(tmp_path: Path) -> Callable[..., Path]:
    def make(weights: bytes | None = None, **changed: Any) -> Path:
        folder = tmp_path / "Polite"
        folder.mkdir(exist_ok=True)
        write_json(folder / "adapter_config.json", CONFIG | changed)
        (folder / "adapter_model.safetensors").write_bytes(lora() if weights is None else weights)
        (folder / "README.md").write_text("# Polite <script>")
        return folder

    return make


def test_an_adapter_is_kept_with_the_fields_that_are_known_and_no_other(
    studio: Studio, base: ModelRef, adapter: Callable[..., Path]
) -> None:
    added = studio.model_arrivals.add(adapter(), actor=ALICE)
    assert added.is_adapter
    kept = studio.adapters.get(added.id)
    assert (kept.name, kept.base_id, kept.base_revision) == ("Polite", "tiny", "r1")
    assert kept.method == Lora(rank=2, alpha=4, dropout=0.05, targets="q_proj")
    folder = studio.adapters.folder(added.id)
    assert manifest.damage(folder) is None
    assert "megatron_core" not in (read_json(folder / "adapter_config.json") or {})
    [shown] = studio.custom_models.all("polite tiny")
    assert (shown.id, shown.objective, shown.method) == (added.id, None, "lora")
    tagged = studio.custom_models.set_tags(added.id, ["  kind ", "kind", "draft"], actor=ALICE)
    assert tagged.tags == ("kind", "draft")
    found = studio.custom_models.lineage(added.id, studio.home.models)
    assert (found.base_is_here, found.card, found.facts) == (True, "# Polite <script>", {})


def test_a_job_goes_on_from_it_and_needs_it_no_more(
    studio: Studio, base: ModelRef, asked: JobSpec, adapter: Callable[..., Path]
) -> None:
    added = studio.model_arrivals.add(adapter(), actor=ALICE)
    method = studio.runs.before(added.id).method
    wanted = asked.model_copy(update={"start_from": added.id, "method": method})
    run = studio.runs.folder(studio.runs.submit(wanted, actor=ALICE).id)
    start = run.spec().start
    assert start is not None
    assert (start.job_id, start.name, start.way) == (added.id, "Polite", Way.CONTINUE)
    studio.adapters.objections.append(lambda adapter_id: f"{adapter_id} is deployed.")
    with pytest.raises(Conflict, match="is deployed"):
        studio.adapters.remove(added.id, actor=ALICE)
    studio.adapters.objections.pop()
    studio.adapters.remove(added.id, actor=ALICE)
    assert manifest.damage(run.start) is None
    assert studio.custom_models.all() == []
    with pytest.raises(NotFound):
        studio.adapters.get(added.id)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "of the type PREFIX_TUNING; LoRA is what can be brought"),
        ({"modules_to_save": ["lm_head"]}, "uses modules_to_save"),
        ({"megatron_config": {"a": 1}}, "uses megatron_config"),
        ({"bias": "all"}, "trains biases"),
        ({"lora_alpha": 1.5}, r"lora_alpha is 1\.5"),
        ({"lora_alpha": 1e999}, "lora_alpha is inf"),
        ({"r": 10_000}, "figures that no LoRA has"),
        ({"base_model_name_or_path": "acme/unknown"}, "made for acme/unknown, which is not in the library"),
        ({"base_model_name_or_path": "../../etc"}, "is not in the library"),
        ({"base_model_name_or_path": None}, "names no base model"),
        ({"r": 4}, "not of rank 4"),
    ],
)
def test_what_would_be_calculated_in_another_way_is_refused(
    studio: Studio, base: ModelRef, adapter: Callable[..., Path], changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        studio.model_arrivals.add(adapter(**changed), actor=ALICE)
    assert list(studio.home.adapters.iterdir()) == []


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (lora(layer="model.layers.7.mlp"), r"changes model\.layers\.7\.mlp, and Tiny has no such layer"),
        (lora(out=9), "as 9 x 16, and in Tiny it is 8 x 16"),
        (safetensors({"lm_head.weight": (8, 8)}), "is no tensor of a LoRA"),
        (safetensors({}), "is empty"),
        (lora()[:-4], "no whole safetensors file"),
        (struct.pack("<Q", 2**40) + b"{}", "no whole safetensors file"),
        (b"\x80\x04pickle", "no whole safetensors file"),
    ],
)
def test_what_does_not_fit_its_base_is_refused(
    studio: Studio, base: ModelRef, adapter: Callable[..., Path], weights: bytes, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        studio.model_arrivals.add(adapter(weights), actor=ALICE)


def packed(names: dict[str, bytes], *, tar: bool = False) -> bytes:
    out = io.BytesIO()
    if tar:
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            for name, data in names.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            link = tarfile.TarInfo("polite/evil.json")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
    else:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
            for name, data in names.items():
                zipped.writestr(name, data)
    return out.getvalue()


def uploaded(studio: Studio, name: str, data: bytes) -> str:
    upload = studio.uploads.create(name, len(data), "browser", is_export=True)
    with studio.uploads.receive(upload.id, "browser", 0) as chunk:
        chunk.write(data)
    return studio.uploads.finish(upload.id, "browser").id


@pytest.mark.parametrize("tar", [False, True], ids=["zip", "tar.gz"])
def test_an_upload_is_unpacked_by_name_only(studio: Studio, base: ModelRef, tar: bool) -> None:
    """Whatever path a member has, only its name counts; links and programs are left behind."""
    inside = {
        "../../polite/adapter_config.json": json.dumps(CONFIG).encode(),
        "../../polite/adapter_model.safetensors": lora(),
        "../../polite/handler.py": b"import os",
    }
    name = "polite.tar.gz" if tar else "polite.zip"
    if tar:
        inside = {path.removeprefix("../../"): data for path, data in inside.items()}
    added = studio.model_arrivals.add_upload(uploaded(studio, name, packed(inside, tar=tar)), actor=ALICE)
    assert added.name == "polite"
    kept = {path.name for path in studio.adapters.folder(added.id).iterdir()}
    assert kept == {"adapter_config.json", "adapter_model.safetensors", "adapter.json", "MANIFEST.json"}
    assert list(studio.home.uploads.iterdir()) == []
    assert [path.name for path in studio.home.models.iterdir()] == ["tiny"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (packed({"a/adapter_model.bin": b"pickle"}), "holds weights as a pickle only"),
        (packed({"a/x.json": b"{}", "b/x.json": b"{}"}), "does not hold one folder"),
        (packed({"a/x.json": bytes(100 * 1024**2)}), "would unpack to"),
        (packed({"a/adapter_config.json": json.dumps(CONFIG).encode()}), "taken as safetensors only"),
        (packed({"a/x.json": b"{}"})[:-30], "cannot be unpacked"),
        (b"hello world", "neither a zip archive nor"),
    ],
    ids=["pickle", "two folders", "bomb", "no weights", "cut", "text"],
)
def test_an_archive_without_an_adapter_says_so(studio: Studio, base: ModelRef, data: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        studio.model_arrivals.add_upload(uploaded(studio, "x.zip", data), actor=ALICE)
    assert [path.name for path in studio.home.models.iterdir()] == ["tiny"]
