"""A worker's life: load, say that it is ready, serve until told to end."""

import asyncio
import logging
from pathlib import Path

import torch
import uvicorn

from serving.engine import Engine
from serving.failures import ServingError
from serving.service import Service
from storage.files import read_json, write_json
from storage.methods import Lora
from storage.serving import FAILED, READY, SOCKET, SPEC, WorkerSpec
from storage.spec import Compute
from training.failures import explain
from training.model import load_model
from training.tokenizer import load_tokenizer


def serve(folder: Path) -> int:
    """Returns the exit code; `failed.json` has the cause where it is not 0."""
    spec = WorkerSpec.model_validate(read_json(folder / SPEC))
    try:
        torch.set_num_threads(spec.threads)
        tokenizer = load_tokenizer(spec.model)
        engine = engine_of(spec)
    except Exception as error:  # the process edge: every failure becomes a named cause
        logging.getLogger(__name__).exception("The model could not be loaded.")
        cause = explain(error)
        said = str(error) if isinstance(error, ServingError) else cause.message
        write_json(folder / FAILED, {"cause": cause.cause, "message": said})
        return 1
    asyncio.run(listen(Service(engine, tokenizer, spec.base_name), folder))
    engine.close()
    return 0


async def listen(service: Service, folder: Path) -> None:
    socket = folder / SOCKET
    socket.unlink(missing_ok=True)
    config = uvicorn.Config(service.app(), uds=str(socket), log_level="warning", access_log=False, lifespan="off")
    server = uvicorn.Server(config)

    async def tell() -> None:
        while not server.started:
            await asyncio.sleep(0.01)
        socket.chmod(0o600)
        write_json(folder / READY, {})

    await asyncio.gather(server.serve(), tell())


def engine_of(spec: WorkerSpec) -> Engine:
    # Each brings its own libraries, seconds of imports: only the one that is used.
    if spec.engine == "llama.cpp":
        from serving.llama_engine import LlamaEngine, Settings

        return LlamaEngine(
            Settings(
                Path(spec.weights),
                context_length=spec.context_length,
                slots=spec.slots,
                threads=spec.threads,
                adapters={adapter.name: Path(adapter.folder) for adapter in spec.adapters},
            )
        )
    from serving.transformers_engine import TransformersEngine

    compute = Compute(device=spec.device, threads=spec.threads, weights_dtype=spec.weights_dtype, micro_batch_tokens=1)
    engine = TransformersEngine(load_model(spec.model, compute, Lora()), load_tokenizer(spec.model), slots=spec.slots)
    for adapter in spec.adapters:
        engine.load_adapter(adapter.name, Path(adapter.folder))
    return engine
