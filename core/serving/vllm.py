"""Whether vLLM is there to be used. Looked up by name: the web process imports nothing of it.

It names one version of PyTorch, as we do, and seldom the same: it has an environment of its own as a rule.
"""

import importlib.metadata
import os
import re
from pathlib import Path

from core.serving.settings import OFF, VLLM_VARIABLE, Settings
from storage.serving import NOT_INSTALLED, SIMULATED_VLLM_VARIABLE

#: The first one with every option and field that serving/vllm_command.py and serving/vllm_words.py name.
OLDEST = (0, 11)


def why_not(settings: Settings) -> str:
    """Why vLLM is not used here, as a sentence; empty where it is."""
    if settings.vllm == OFF:
        return f"vLLM is left out, because {VLLM_VARIABLE} is “{OFF}”."
    if os.environ.get(SIMULATED_VLLM_VARIABLE):
        return ""
    if settings.vllm:
        return why_not_by(Path(settings.vllm))
    try:
        return too_old(importlib.metadata.version("vllm"))
    except importlib.metadata.PackageNotFoundError:
        return NOT_INSTALLED


def why_not_by(python: Path) -> str:
    """`python` is the interpreter of an environment; what is installed there is read off its folders."""
    said = f"{VLLM_VARIABLE} is “{str(python)[:200]}”"
    if not (python.is_absolute() and os.access(python, os.X_OK) and python.is_file()):
        return f"{said}, and no program is there. Name the Python of vLLM's environment by its whole path, or “{OFF}”."
    found = python.parent.parent.glob("lib*/python*/site-packages/vllm-*.dist-info")
    versions = [match[1] for folder in found if (match := re.fullmatch(r"vllm-(.+)\.dist-info", folder.name))]
    return too_old(versions[0]) if versions else f"{said}, and vLLM is not installed there."


def too_old(version: str) -> str:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers >= OLDEST:
        return ""
    return f"vLLM {version[:40]} is installed, and {'.'.join(map(str, OLDEST))} is the oldest that we know how to ask."
