"""`python -m serving.prompt_child`: renders and tokenises for a worker, with limits on time and memory.

The first frame on stdin is the model and its context length; then one question a frame, one answer a frame. A frame
is a length in four bytes, big-endian, and so much JSON. The end of stdin is the end of the process.
"""

import sys
from typing import Any

import orjson

from serving.failures import ServingError
from training.limits import limit_memory

#: A large vocabulary takes half a gigabyte; the rest is for the template.
MEMORY_BYTES = 2 * 1024**3


def read() -> Any:
    """The next frame's value; None at the end."""
    head = sys.stdin.buffer.read(4)
    body = sys.stdin.buffer.read(int.from_bytes(head, "big"))
    return orjson.loads(body) if body else None


def write(value: dict[str, Any]) -> None:
    body = orjson.dumps(value)
    sys.stdout.buffer.write(len(body).to_bytes(4, "big") + body)
    sys.stdout.buffer.flush()


def main() -> None:
    from serving.prompts import Prompts
    from storage.spec import ModelRef
    from training.tokenizer import load_tokenizer

    begin = read()
    prompts = Prompts(load_tokenizer(ModelRef(**begin["model"])), int(begin["context_length"]))
    write({"ready": True})
    while question := read():
        try:
            if "messages" in question:
                write({"tokens": prompts.chat(question["messages"], question["tools"])})
            else:
                write({"tokens": prompts.text(question["prompt"])})
        except ServingError as problem:
            write({"refused": type(problem).__name__, "message": str(problem), "param": problem.param})
        except MemoryError:
            write({"refused": "BadRequest", "message": "The prompt takes too much memory.", "param": None})


if __name__ == "__main__":
    sys.modules["torch"] = None  # type: ignore[assignment]  # Python's way to say that there is none: it takes seconds
    limit_memory(MEMORY_BYTES)
    main()
