"""What workers make of models is kept within bounds: what was used longest ago goes, and nothing that may be in use."""

import os
import time
from pathlib import Path

from core.serving.cache import MERGE_OVERHEAD_BYTES, Cache
from core.serving.targets import Base
from storage.serving import merged_name
from storage.spec import ModelRef


def entry(folder: Path, name: str, days_ago: float, size: int = 1000) -> Path:
    path = folder / name
    if name.startswith("merged"):
        path.mkdir()
        (path / "model.safetensors").write_bytes(bytes(size))
    else:
        path.write_bytes(bytes(size))
    then = time.time() - days_ago * 86_400
    os.utime(path, (then, then))
    return path


def test_what_was_used_longest_ago_goes_until_the_rest_is_within_bounds(tmp_path: Path) -> None:
    for name, days in (("merged-a", 9), ("base-b.gguf", 8), ("merged-c", 2), ("lora-d.gguf", 1)):
        entry(tmp_path, name, days)
    Cache(tmp_path, 4000).tidy()
    assert len(list(tmp_path.iterdir())) == 4
    Cache(tmp_path, 2500).tidy()
    assert {path.name for path in tmp_path.iterdir()} == {"merged-c", "lora-d.gguf"}


def test_what_was_used_since_the_studio_started_stays(tmp_path: Path) -> None:
    old = entry(tmp_path, "merged-old", 1)
    cache = Cache(tmp_path, 0)
    taken = entry(tmp_path, "base-taken.gguf", -1)
    cache.tidy()
    assert (old.exists(), taken.exists()) == (False, True)
    Cache(tmp_path / "not there yet", 0).tidy()


def test_merging_takes_32_bits_a_weight_until_it_is_done(tmp_path: Path, model: ModelRef) -> None:
    cache, billion = Cache(tmp_path, 0), model.model_copy(update={"parameters": 10**9})
    plain = Base(model=billion, engine="llama.cpp", device="cpu")
    on_top = Base(model=billion, engine="llama.cpp", device="cpu", beneath="/an/adapter")
    assert cache.bytes_to_merge(plain) == 0
    assert cache.bytes_to_merge(on_top) == 4 * 10**9 + MERGE_OVERHEAD_BYTES
    (tmp_path / merged_name(billion, "/an/adapter")).mkdir()
    assert cache.bytes_to_merge(on_top) == 0
