"""How a deployment stands: one of four states, and the sentence that says why."""

import math
import time
from dataclasses import dataclass
from enum import StrEnum

from core.devices import CPU
from core.sentence import Sentence, together
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
            again = Sentence(
                "{reason} It is being loaded again (crash {number}).", reason=slot.reason, number=slot.crashes
            )
            return Standing(state=State.DEGRADED, reason=again, engine=engine)
        reason = (
            Sentence("Loading {model}: {doing}", model=place.base.title, doing=doing)
            if doing
            else Sentence("Loading {model}.", model=place.base.title)
        )
        return Standing(state=State.STARTING, reason=reason, engine=engine)
    engine = ENGINES.get(slot.worker.engine, engine) if slot.worker else engine
    here = Sentence("this machine's processor")
    device = here if place.base.device == CPU else Sentence("a GPU ({id})", id=slot.device_uuid)
    answers = Sentence("Answers with {engine} on {device}.", engine=engine, device=device)
    instead = slot.worker.instead if slot.worker else ""
    why = Sentence("{engine} could not be used: {reason}", engine=ENGINES[place.base.engine], reason=instead)
    loaded = Standing(
        state=State.READY,
        reason=together([answers, why]) if instead else answers,
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
            reason=Sentence("The adapter could not be loaded: {error}", error=error),
            memory_bytes=loaded.memory_bytes,
            engine=loaded.engine,
        )
    return loaded


def resting(slot: Slot) -> str:
    if slot.has_given_up:
        return Sentence(
            "{reason} It has crashed {number} times in a row, so it is not started again by itself.",
            reason=slot.reason,
            number=slot.crashes,
        )
    wait_s = max(math.ceil(slot.retry_at - time.monotonic()), 1)
    again = "{reason} It is started again in {seconds} s (crash {number})."
    return Sentence(again, reason=slot.reason, seconds=wait_s, number=slot.crashes)
