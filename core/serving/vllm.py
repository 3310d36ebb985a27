"""Whether vLLM is there to be used. Looked up by name: the web process imports nothing of it."""

import importlib.metadata
import importlib.util
import os

from core.serving.settings import VLLM_VARIABLE, Settings
from storage.serving import NOT_INSTALLED, SIMULATED_VLLM_VARIABLE

#: The first one with every option and field that serving/vllm_command.py and serving/vllm_words.py name.
OLDEST = (0, 11)


def why_not(settings: Settings) -> str:
    """Why vLLM is not used here, as a sentence; empty where it is."""
    if not settings.vllm:
        return f"vLLM is left out, because {VLLM_VARIABLE} is “off”."
    if os.environ.get(SIMULATED_VLLM_VARIABLE):
        return ""
    if importlib.util.find_spec("vllm") is None:
        return NOT_INSTALLED
    return too_old(importlib.metadata.version("vllm"))


def too_old(version: str) -> str:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers >= OLDEST:
        return ""
    return f"vLLM {version[:40]} is installed, and {'.'.join(map(str, OLDEST))} is the oldest that we know how to ask."
