"""A simulated vLLM: speaks the protocol of vLLM's OpenAI server without a model or a GPU, and misbehaves on request.

`python simulated_vllm.py serve MODEL --uds PATH …`, with the options and the answers of vLLM 0.33.0 that we use; any
other option ends it, as there. Chosen by TUNESMITH_SIMULATED_VLLM, a JSON object with any of:
    starting_s           how long loading takes
    token_s              how long each token takes
    says, fail           write this to stderr; and exit with this code instead of answering
    refuse               adapters whose folder's name is listed are refused, as vLLM refuses what it cannot load

Its answers are made of what it was asked: `base model of 21 tokens. base model of 21 tokens. …`; with an adapter its
folder's name stands for `base model`. Only tests ask for it.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

Json = dict[str, Any]
MOOD: Json = json.loads(os.environ.get("TUNESMITH_SIMULATED_VLLM") or "{}")
#: A word is a token; its number is its place here.
WORDS: list[str] = []


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vllm", allow_abbrev=False)
    parser.add_argument("serve", choices=["serve"])
    parser.add_argument("model")
    for name in (
        "uds", "served-model-name", "load-format", "dtype", "generation-config", "structured-outputs-config",
        "chat-template", "uvicorn-log-level",
    ):  # fmt: skip
        parser.add_argument(f"--{name}")
    for name in ("max-model-len", "max-num-seqs", "max-loras", "max-cpu-loras", "max-lora-rank"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--gpu-memory-utilization", type=float)
    parser.add_argument("--enable-lora", action="store_true")
    parser.add_argument("--disable-uvicorn-access-log", action="store_true")
    return parser


class Refused(Exception):
    def __init__(self, status: HTTPStatus, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


class SimulatedVllm:
    def __init__(self, asked: argparse.Namespace) -> None:
        self._asked = asked
        self._adapters: dict[str, Path] = {}
        self._running = 0

    def app(self) -> Starlette:
        routes = [
            Route("/health", lambda _: Response()),
            Route("/metrics", self._metrics),
            Route("/v1/models", self._models),
            Route("/v1/completions", self._complete, methods=["POST"]),
        ]
        # As vLLM: without this variable these routes are not there.
        if os.environ.get("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "").lower() in ("true", "1"):
            routes += [
                Route("/v1/load_lora_adapter", self._load, methods=["POST"]),
                Route("/v1/unload_lora_adapter", self._unload, methods=["POST"]),
            ]
        return Starlette(routes=routes, exception_handlers={Refused: told})

    async def _metrics(self, _request: Request) -> Response:
        return PlainTextResponse(f"vllm:num_requests_running {self._running}.0\n")

    async def _models(self, request: Request) -> Response:
        self._require_key(request)
        return JSONResponse({"data": [{"id": name} for name in (self._asked.served_model_name, *self._adapters)]})

    async def _load(self, request: Request) -> Response:
        self._require_key(request)
        body = await request.json()
        name, folder = body["lora_name"], Path(body["lora_path"])
        if name in self._adapters:
            raise Refused(
                HTTPStatus.BAD_REQUEST, "InvalidUserInput", f"The lora adapter '{name}' has already been loaded."
            )
        if not (folder / "adapter_config.json").exists():
            raise Refused(HTTPStatus.NOT_FOUND, "NotFoundError", f"No adapter found for {folder}")
        config = json.loads((folder / "adapter_config.json").read_text())
        if folder.name in MOOD.get("refuse", ()):
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError", "Its target modules are not there.")
        if config["r"] > self._asked.max_lora_rank:
            message = f"LoRA rank {config['r']} is greater than max_lora_rank {self._asked.max_lora_rank}."
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError", message)
        self._adapters[name] = folder
        return PlainTextResponse(f"Success: LoRA adapter '{name}' added successfully.")

    async def _unload(self, request: Request) -> Response:
        self._require_key(request)
        name = (await request.json())["lora_name"]
        if name not in self._adapters:
            raise Refused(HTTPStatus.NOT_FOUND, "NotFoundError", f"The lora adapter '{name}' cannot be found.")
        del self._adapters[name]
        return PlainTextResponse(f"Success: LoRA adapter '{name}' removed successfully.")

    async def _complete(self, request: Request) -> Response:
        self._require_key(request)
        body = await request.json()
        if body["model"] != self._asked.served_model_name and body["model"] not in self._adapters:
            raise Refused(HTTPStatus.NOT_FOUND, "NotFoundError", f"The model `{body['model']}` does not exist.")
        if body.get("logit_bias", {}).get("-1"):
            raise Refused(HTTPStatus.BAD_REQUEST, "BadRequestError", "token_id -1 in logit_bias is out of range")
        read = len(body["prompt"])
        if read + body["max_tokens"] > self._asked.max_model_len:
            message = f"This model's maximum context length is {self._asked.max_model_len} tokens."
            raise Refused(HTTPStatus.BAD_REQUEST, "BadRequestError", message)
        who = self._adapters[body["model"]].name if body["model"] in self._adapters else "base model"
        return StreamingResponse(self._written(body, who, read), media_type="text/event-stream")

    async def _written(self, body: Json, who: str, read: int) -> AsyncIterator[str]:
        words = f"{who} of {read} tokens.".split(" ")
        if "structured_outputs" in body:
            words = [json.dumps({"sky": "blue", "day": True})]
        text, ended = "", ""
        self._running += 1
        try:
            for at in range(body["max_tokens"]):
                await asyncio.sleep(MOOD.get("token_s", 0))
                word = words[at % len(words)] + ("" if "structured_outputs" in body else " ")
                stop = next((stop for stop in body["stop"] if stop in text + word), "")
                shown = (text + word)[: (text + word).index(stop)][len(text) :] if stop else word
                text += word
                ended = "stop" if stop or "structured_outputs" in body else ""
                ended = ended or ("length" if at + 1 == body["max_tokens"] else "")
                yield event(body, {"text": shown, "token_ids": [number(word)], "finish_reason": ended or None}, word)
                if ended:
                    break
            yield "data: [DONE]\n\n"
        finally:
            self._running -= 1

    def _require_key(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {os.environ['VLLM_API_KEY']}":
            raise Refused(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")


def number(word: str) -> int:
    if word not in WORDS:
        WORDS.append(word)
    return 100 + WORDS.index(word)


def event(body: Json, choice: Json, word: str) -> str:
    if body.get("logprobs") is not None:
        top = {word: -0.25} | {f"other {at}": -2.0 - at for at in range(body["logprobs"])}
        choice["logprobs"] = {
            "tokens": [word], "token_logprobs": [-0.25], "top_logprobs": [top], "text_offset": [0],
        }  # fmt: skip
    told = {"id": "cmpl-1", "object": "text_completion", "model": body["model"], "choices": [{"index": 0, **choice}]}
    return f"data: {json.dumps(told)}\n\n"


async def told(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Refused)
    said = {"message": str(problem), "type": problem.kind, "param": None, "code": int(problem.status)}
    return JSONResponse({"error": said}, status_code=int(problem.status))


def main() -> int:
    asked = options().parse_args()
    # vLLM's EngineCore: a process of its own that nobody may leave behind.
    core = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(1e6)  # simulated EngineCore"], start_new_session=True
    )
    sys.stderr.write("Loading safetensors checkpoint shards:   0% Completed | 0/1\n")
    time.sleep(MOOD.get("starting_s", 0))
    if said := MOOD.get("says"):
        sys.stderr.write(f"{said}\n")
    if code := MOOD.get("fail"):
        core.kill()
        return int(code)
    uvicorn.run(SimulatedVllm(asked).app(), uds=asked.uds, log_level="warning", access_log=False)
    core.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
