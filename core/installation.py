"""What this installation is: its version, its folder and what lies there, and what its environment says."""

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from core.datasets.roots import VARIABLE as ROOTS_VARIABLE
from core.datasets.uploads import DEFAULT_LIMIT_MB, LIMIT_VARIABLE
from core.home import HOME_VARIABLE, Home
from core.launcher import RUNNER_VARIABLE
from core.mounts import ALLOW_VARIABLE
from core.remembered import Remembered
from core.sentence import Sentence
from core.serving.settings import (
    BITS_VARIABLE,
    CACHE_GB,
    CACHE_VARIABLE,
    ENGINE_VARIABLE,
    IDLE_MINUTES,
    IDLE_VARIABLE,
    LORA_RANK,
    MEMORY_SHARE,
    MEMORY_VARIABLE,
    VLLM_VARIABLE,
)
from core.spare import SPARE_VARIABLE
from storage.serving import LORA_RANK_VARIABLE

#: Every file of the folder is looked at, so a page that is reloaded is told the same again.
FRESH_S = 60.0


@dataclass(frozen=True, slots=True)
class Variable:
    """`value` is empty where the environment does not set it."""

    name: str
    meaning: str
    default: str
    value: str


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of the data folder takes."""

    title: str
    bytes: int


class Installation:
    def __init__(self, home: Home) -> None:
        self._home = home
        self._parts: Remembered[tuple[Part, ...]] = Remembered(fresh_s=FRESH_S)

    @property
    def version(self) -> str:
        try:
            return metadata.version("tunesmith")
        except metadata.PackageNotFoundError:  # run from a copy that was never installed
            return "unknown"

    @property
    def python(self) -> str:
        return Sentence(
            "{version} on {system}",
            version=platform.python_version(),
            system=f"{platform.system()} {platform.release()}",
        )

    def parts(self) -> tuple[Part, ...]:
        """The largest first. Looks at every file: seconds in a large folder."""
        return self._parts.get(None, lambda: tuple(sorted(self._measure(), key=lambda part: -part.bytes)))

    def _measure(self) -> Iterator[Part]:
        seen: set[tuple[int, int]] = set()
        known = {
            self._home.runs: "Runs, with checkpoints and outputs",
            self._home.models: "Base models",
            self._home.adapters: "Brought adapters",
            self._home.datasets: "Datasets",
            self._home.uploads: "Uploads on their way",
            self._home.path / "cache": "Caches (can be made again)",
            self._home.backups: "Backups of the index",
            self._home.trash: "Trash (emptied after a week)",
        }
        for path, title in known.items():
            yield Part(title, _size(path, seen))
        others = (path for path in self._home.path.iterdir() if path not in known)
        yield Part("Index and everything else", sum(_size(path, seen) for path in others))

    @staticmethod
    def variables(environment: Mapping[str, str] = os.environ) -> tuple[Variable, ...]:
        """What can be set before the studio starts, and what is set."""
        return tuple(Variable(*about, environment.get(about[0], "")[:200]) for about in _VARIABLES)


#: Name, meaning, default.
_VARIABLES = (
    (HOME_VARIABLE, "The data folder; --data-dir comes before it", "the platform's own place"),
    (SPARE_VARIABLE, "Whether a trainer waits with its imports done: on or off", Sentence("on")),
    (LIMIT_VARIABLE, "The largest file that may be uploaded, in MB", f"{DEFAULT_LIMIT_MB}"),
    (ROOTS_VARIABLE, "Folders of this machine from which files may be taken, separated by colons", Sentence("none")),
    (IDLE_VARIABLE, "Minutes until a model that nobody asks leaves the memory", f"{IDLE_MINUTES:g}"),
    (
        MEMORY_VARIABLE,
        "Memory that models may take to answer, in GB",
        Sentence("{share:.0%} of the machine's", share=MEMORY_SHARE),
    ),
    (ENGINE_VARIABLE, "What answers on a processor: llama.cpp or openvino", "llama.cpp"),
    (BITS_VARIABLE, "Bits of a weight where one of these two answers: 8 or 16", "16"),
    (CACHE_VARIABLE, "Disk that may be taken by what is made of models so that they answer, in GB", f"{CACHE_GB}"),
    (VLLM_VARIABLE, "The Python of an environment with vLLM, or “off”", "the studio's own, if vLLM is there"),
    (LORA_RANK_VARIABLE, "The highest LoRA rank that vLLM keeps room for", f"{LORA_RANK}"),
    (RUNNER_VARIABLE, "“required”: jobs wait for the runner's service", "the server starts them where there is none"),
    (ALLOW_VARIABLE, "1: a data folder on a network file system is taken, at your risk", Sentence("refused")),
)


def _size(path: Path, seen: set[tuple[int, int]]) -> int:
    """A file with several names counts where it is met first; what vanishes meanwhile counts as nothing."""
    total = 0
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        try:
            found = file.lstat()
        except FileNotFoundError:
            continue
        if (found.st_dev, found.st_ino) not in seen and file.is_file() and not file.is_symlink():
            seen.add((found.st_dev, found.st_ino))
            total += found.st_size
    return total
