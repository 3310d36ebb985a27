"""Why vLLM did not start or broke off, out of what it wrote; and how far it is with starting."""

import re

#: `ValueError: …` behind a process's name, a time and a place; or what its command line does not understand.
ERROR = re.compile(r"(?:^|[\s\]])((?:\w+\.)*\w*(?:Error|Exception|Exit)): (.+)$")
USAGE = re.compile(r"^vllm[\w -]*: error: (.+)$")
#: pydantic's lines about one value of the model's settings.
VALUE = re.compile(r"Value error, (.+?)(?: \[type=.*)?$")
#: Says only that the reason stands above it.
GENERIC = ("Engine core initialization failed", "See root cause above", "validation error for")
#: Names that say nothing beside their sentence.
PLAIN = ("ValueError", "RuntimeError", "Exception")
STEPS = {
    "Capturing CUDA graph": "vLLM records the model's steps (CUDA graphs)",
    "torch.compile": "vLLM compiles the model",
    "Loading safetensors checkpoint": "vLLM loads the weights",
}
STARTS = "vLLM starts"


def cause_of(log: str) -> str:
    """The root cause in one sentence's words; the last line where there is none; empty where nothing was written."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    found = [said for line in lines if (said := said_by(line))]
    telling = [said for said in found if not any(words in said for words in GENERIC)]
    chosen = (telling or found or lines[-1:] or [""])[-1]
    return chosen[:300].rstrip(". ")


def said_by(line: str) -> str:
    if value := VALUE.search(line) or USAGE.search(line):
        return value[1]
    if error := ERROR.search(line):
        name = error[1].rpartition(".")[2]
        return error[2] if name in PLAIN else f"{name}: {error[2]}"
    return ""


def doing(log: str) -> str:
    """What it says that it does, the latest thing that we know words for."""
    places = {log.rfind(words): said for words, said in STEPS.items()}
    last = max(places)
    return places[last] if last >= 0 else STARTS
