"""A worker's life: load, say that it is ready, serve until told to end.

llama.cpp's worker imports neither torch nor transformers: its prompts are written by a child, which loads beside it.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import orjson
import uvicorn

from serving.engine import Engine
from serving.failures import CannotHold, ServingError
from serving.merged import with_merged
from serving.prompt_writer import PromptWriter
from serving.service import Service
from storage.files import read_json, write_atomic, write_json
from storage.serving import CANNOT_HOLD, FAILED, PROGRESS, READY, SOCKET, SPEC, WorkerSpec
from training.failures import ModelMissing, explain

#: Not more often than somebody looks.
PROGRESS_S = 0.2


class Progress:
    """`progress.json`: what the worker does while it loads."""

    def __init__(self, folder: Path) -> None:
        self._path, self._said = folder / PROGRESS, 0.0

    def tell(self, detail: str, done: int = 0, total: int = 0) -> None:
        now = time.monotonic()
        if now - self._said >= PROGRESS_S or done == 0:
            self._said = now
            told = orjson.dumps({"detail": detail, "done": done, "total": total})
            write_atomic(self._path, told, durable=False)

    def on(self, detail: str) -> Callable[[int, int], None]:
        return lambda done, total: self.tell(detail, done, total)


def serve(folder: Path) -> int:
    """Returns the exit code; `failed.json` has the cause where it is not 0."""
    spec = WorkerSpec.model_validate(read_json(folder / SPEC))
    try:
        if not Path(spec.model.path).is_dir():
            raise ModelMissing(f"The folder of {spec.model.name} is not there any more: {spec.model.path}.")
        asyncio.run(run(with_merged(spec, folder, Progress(folder).tell), folder))
    except Exception as error:  # the process edge: every failure becomes a named cause
        logging.getLogger(__name__).exception("The model could not be served.")
        write_json(folder / FAILED, failure(error))
        return 1
    return 0


def failure(error: Exception) -> dict[str, str]:
    if isinstance(error, CannotHold):
        return {"cause": CANNOT_HOLD, "message": str(error)}
    cause = explain(error)
    return {"cause": cause.cause, "message": str(error) if isinstance(error, ServingError) else cause.message}


async def run(spec: WorkerSpec, folder: Path) -> None:
    prompts = PromptWriter(spec.model, spec.context_length)
    broken: Future[None] = Future()
    try:
        # The child's imports and the model's bytes at the same time.
        loading = asyncio.to_thread(engine_of, spec, folder, broken)
        (engine, instead), _ = await asyncio.gather(loading, prompts.start())
        serving = asyncio.ensure_future(listen(Service(engine, prompts, spec), folder, instead))
        await asyncio.wait({serving, asyncio.wrap_future(broken)}, return_when=asyncio.FIRST_COMPLETED)
        if broken.done():
            serving.cancel()  # answers that are being written break off
            broken.result()
        await serving
        await asyncio.to_thread(engine.close)
    finally:
        await prompts.close()


async def listen(service: Service, folder: Path, instead: str) -> None:
    socket = folder / SOCKET
    socket.unlink(missing_ok=True)
    config = uvicorn.Config(service.app(), uds=str(socket), log_level="warning", access_log=False, lifespan="off")
    server = uvicorn.Server(config)

    async def tell() -> None:
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        socket.chmod(0o600)
        write_json(folder / READY, service.health() | {"instead": instead})

    await asyncio.gather(server.serve(), tell())


def engine_of(spec: WorkerSpec, folder: Path, broken: "Future[None]") -> tuple[Engine, str]:
    """The one that was asked for; transformers where that one cannot be had, and why. `broken` hears of a later end.

    core chooses by the model's settings and the method; what a tokenizer is like, or whether vLLM starts, shows here.
    """
    progress, reason = Progress(folder), ""
    try:
        if spec.engine != "transformers":
            return faster_engine(spec, folder, progress, broken), ""
    except CannotHold as cannot:
        reason = str(cannot)
        logging.getLogger(__name__).warning("transformers answers instead of %s: %s", spec.engine, reason)
    from serving.transformers_engine import transformers_engine

    return transformers_engine(spec, progress.tell), reason


def faster_engine(spec: WorkerSpec, folder: Path, progress: Progress, broken: "Future[None]") -> Engine:
    """Raises CannotHold. Each brings its own libraries, seconds of imports: only the one that is used."""
    if spec.engine == "vllm":
        from serving.vllm_engine import vllm_engine

        return vllm_engine(spec, folder, progress.tell, broken)
    if spec.engine == "openvino":
        from serving.openvino_engine import openvino_engine

        return openvino_engine(spec, progress.tell)
    from serving.llama_engine import llama_engine

    return llama_engine(spec, progress.tell)
