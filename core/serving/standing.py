"""How a deployment stands: one of four states, and the sentence that says why."""

import math
import time
from dataclasses import dataclass
from enum import StrEnum

from core.devices import CPU
from core.serving.slot import Phase, Slot
from core.serving.targets import Place

ENGINES = {"llama.cpp": "llama.cpp", "openvino": "OpenVINO", "transformers": "Transformers", "vllm": "vLLM"}


class State(StrEnum):
    #: It is being loaded; requests wait for it.
    STARTING = "starting"
    #: It answers. What nobody has asked for lately is loaded again by the next request.
    READY = "ready"
    #: It does not answer now, and the reason says why and what happens next.
    DEGRADED = "degraded"
    #: Somebody has stopped it.
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """`memory_bytes` are the worker's, which other deployments may share."""

    state: State
    reason: str
    memory_bytes: int = 0
    engine: str = ""
    shares: int = 0


def standing(place: Place, slot: Slot | None) -> Standing:
    """Of a deployment that is wanted. Call it with the pool's lock held, or on a copy."""
    engine = ENGINES[place.base.engine]
    if slot is None or slot.phase is Phase.EMPTY:
        reason = (slot.reason if slot else "") or "Not in memory yet; the first request loads it."
        return Standing(state=State.READY, reason=reason, engine=engine)
    if slot.phase is Phase.RESTING:
        return Standing(state=State.DEGRADED, reason=resting(slot), engine=engine)
    if slot.phase is Phase.LOADING:
        doing = slot.worker.doing if slot.worker else ""
        if slot.crashes:
            again = f"{slot.reason} It is being loaded again (crash {slot.crashes})."
            return Standing(state=State.DEGRADED, reason=again, engine=engine)
        reason = f"Loading {place.base.title}" + (f": {doing}" if doing else ".")
        return Standing(state=State.STARTING, reason=reason, engine=engine)
    engine = ENGINES.get(slot.worker.engine, engine) if slot.worker else engine
    device = "this machine's processor" if place.base.device == CPU else f"a GPU ({slot.device_uuid})"
    instead = slot.worker.instead if slot.worker else ""
    why = f" {ENGINES[place.base.engine]} could not be used: {instead}" if instead else ""
    loaded = Standing(
        state=State.READY,
        reason=f"Answers with {engine} on {device}.{why}",
        memory_bytes=slot.memory_bytes,
        engine=engine,
        shares=len(slot.adapters),
    )
    return with_adapter(loaded, place, slot)


def with_adapter(loaded: Standing, place: Place, slot: Slot) -> Standing:
    held = slot.adapters.get(place.adapter.name) if place.adapter else None
    if held is None or held.loaded is None:
        return loaded
    if not held.loaded.done():
        return Standing(
            state=State.STARTING,
            reason="The base model is loaded; the adapter is being put on it.",
            memory_bytes=loaded.memory_bytes,
            engine=loaded.engine,
        )
    if error := held.loaded.exception():
        return Standing(
            state=State.DEGRADED,
            reason=f"The adapter could not be loaded: {error}",
            memory_bytes=loaded.memory_bytes,
            engine=loaded.engine,
        )
    return loaded


def resting(slot: Slot) -> str:
    if slot.has_given_up:
        return f"{slot.reason} It has crashed {slot.crashes} times in a row, so it is not started again by itself."
    wait_s = max(math.ceil(slot.retry_at - time.monotonic()), 1)
    return f"{slot.reason} It is started again in {wait_s} s (crash {slot.crashes})."
