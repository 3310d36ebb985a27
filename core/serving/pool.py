"""The workers: loaded on demand, unloaded when nobody asks, started again when they crash, within a memory budget."""

import logging
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.devices import CPU, GB, Device
from core.errors import Unavailable
from core.memory import host_memory
from core.serving.adapter_desk import AdapterDesk
from core.serving.cache import Cache
from core.serving.gpus import Gpus
from core.serving.launch import Launch
from core.serving.settings import Settings
from core.serving.slot import MOST_CRASHES, Held, Phase, Slot
from core.serving.targets import Base, Kind, Place
from core.serving.vllm import why_not
from core.serving.worker import State, Worker
from storage.methods import Method
from storage.serving import NOT_ASKED_FOR, Wanted, cannot_hold, engine_for
from storage.spec import ModelRef

TICK_S = 0.5
#: Of the folder that holds the workers' folders.
LONGEST_PATH = 80
#: When what nobody means to ask for any more was used last.
LET_GO = float("-inf")
#: Beside the weights: what the program itself takes, and the context of the answers that are written.
OVERHEAD_BYTES = 400 * 1000**2
OVERHEAD_SHARE = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seat:
    """A request's place on a worker, which is not unloaded before it is left."""

    slot: Slot
    held: Held | None
    adapter: str
    socket: "Future[Path]"
    loaded: "Future[None] | None"

    def wait(self, timeout_s: float | None = None) -> Path:
        """Until it can be asked, and through which socket. Raises StudioError where that does not come."""
        socket = self.socket.result(timeout_s)
        if self.loaded:
            self.loaded.result(timeout_s)
        return socket


class Pool:
    """`changed()` is called after every change of a state, from whatever thread made it."""

    def __init__(
        self, workers: Path, settings: Settings, gpus: Gpus, launch: Launch, changed: Callable[[], None]
    ) -> None:
        self._workers = workers
        self._settings = settings
        self._gpus = gpus
        self._launch = launch
        self._cache = Cache(launch.cache, settings.cache_bytes)
        self._changed = changed
        self._lock = threading.RLock()
        self._slots: dict[Base, Slot] = {}
        self._adapters = AdapterDesk(self._lock, changed)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="serving", daemon=True)

    @property
    def is_open(self) -> bool:
        return self._thread.is_alive() and not self._stopping.is_set()

    def start(self) -> None:
        shutil.rmtree(self._workers, ignore_errors=True)
        self._workers.mkdir(mode=0o700, exist_ok=True)
        if len(os.fsencode(self._workers)) > LONGEST_PATH:
            # A socket's address has 108 bytes. What is in a worker's folder is of no use after it.
            self._workers = Path(tempfile.mkdtemp(prefix="tunesmith-"))
        self._gpus.release_all()
        self._thread.start()

    def stop(self) -> None:
        """Every worker is gone when this returns; answers that are being written break off."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)
        with self._lock:
            slots = list(self._slots.values())
        threads = [threading.Thread(target=self._unload, args=(slot, "The studio has ended.")) for slot in slots]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._adapters.stop()
        shutil.rmtree(self._workers, ignore_errors=True)

    def base_for(self, model: ModelRef, config: dict[str, Any], method: Method | None) -> Base:
        """Where the model is or would be loaded with an adapter of this kind.

        A worker that has it on a GPU already is shared if it can hold that; another would need a GPU of its own.
        """
        wanted = Wanted(
            config=config,
            method=method,
            device="cuda",
            no_vllm=why_not(self._settings),
            no_openvino="" if self._settings.engine == "openvino" else NOT_ASKED_FOR,
            lora_rank=self._settings.lora_rank,
        )
        with self._lock:
            slots = [slot for slot in self._slots.values() if slot.phase is not Phase.EMPTY]
        loaded = [slot.base for slot in slots if slot.base.model == model]
        for base in loaded:
            if base.device == "cuda" and not cannot_hold(base.engine, wanted):
                return base
        is_on_processor = any(base.device == CPU for base in loaded)
        size = needed(Base(model=model, engine="transformers", device="cpu"))
        device: Kind = "cpu" if is_on_processor else self._gpus.kind_for(size)
        return Base(model=model, engine=engine_for(replace(wanted, device=device)), device=device)

    def enter(self, place: Place) -> Seat:
        """Load what is not loaded yet. Raises Unavailable while a worker that has crashed is not back."""
        if not self.is_open:
            raise Unavailable("This studio does not serve models now.")
        now = time.monotonic()
        with self._lock:
            slot = self._slots.setdefault(place.base, Slot(place.base))
            if refusal := slot.refusal(now):
                raise refusal
            slot.used_at, slot.users = now, slot.users + 1
            held = self._adapters.hold(slot, place.adapter, now) if place.adapter else None
            if slot.phase in (Phase.EMPTY, Phase.RESTING):
                self._begin(slot)
            name = place.adapter.name if place.adapter else ""
            return Seat(slot, held, name, slot.socket, held.loaded if held else None)

    def leave(self, seat: Seat) -> None:
        now = time.monotonic()
        with self._lock:
            for used in (seat.slot, seat.held):
                if used:
                    used.users -= 1
                    used.used_at = now if used.used_at > LET_GO else LET_GO

    def let_go(self, place: Place, *, base_too: bool) -> None:
        """Nobody means to ask for it any more: its memory goes as soon as the last answer is written."""
        with self._lock:
            if slot := self._slots.get(place.base):
                slot.used_at = LET_GO if base_too else slot.used_at
                held = slot.adapters.get(place.adapter.name) if place.adapter else None
                if held:
                    held.used_at = LET_GO

    def try_again(self, place: Place) -> None:
        """Somebody has pressed Start: earlier crashes count no more."""
        with self._lock:
            slot = self._slots.get(place.base)
            if slot and slot.phase is Phase.RESTING:
                slot.empty()

    def slot(self, place: Place) -> Slot | None:
        with self._lock:
            return self._slots.get(place.base)

    def _begin(self, slot: Slot) -> None:
        slot.begin()
        threading.Thread(target=self._load, args=(slot,), name=f"load {slot.base.title}", daemon=True).start()
        self._changed()

    def _load(self, slot: Slot) -> None:
        token = f"serving-{secrets.token_hex(8)}"
        gpu: Device | None = None
        try:
            self._make_room(slot)
            self._cache.tidy()
            if slot.base.device == "cuda":
                gpu = self._gpus.take(slot.base.title, token, needed(slot.base))
                if gpu is None:
                    raise Unavailable("The GPU that was free a moment ago is in use by now.")
                slot.device_uuid, slot.token = gpu.uuid, token
            with self._lock:
                if self._stopping.is_set():
                    raise Unavailable("The studio has ended.")
                folder = self._workers / token[-8:]
                slot.worker = self._launch.start(folder, slot.base, gpu, self._on_worker)
        except Unavailable as error:
            self._crash(slot, str(error))
        except Exception as error:  # a thread's edge: whoever waits for it must hear that nothing comes
            log.exception("A worker could not be started.")
            self._crash(slot, f"The worker could not be started ({error}).")

    def _make_room(self, slot: Slot) -> None:
        """Unload what has not been asked for longest. Raises Unavailable where that is not enough."""
        budget, need = self._settings.memory_bytes, needed(slot.base)
        if need > budget:
            raise Unavailable(
                "{model} needs about {need:.1f} GB of memory (estimate), and all models together may take {budget:.1f} "
                "GB. Raise TUNESMITH_SERVING_MEMORY_GB where the machine has more.",
                model=slot.base.title,
                need=need / GB,
                budget=budget / GB,
            )
        free = host_memory().free_bytes
        if slot.base.device == CPU and free < need:
            raise Unavailable(
                "{model} needs about {need:.1f} GB of memory (estimate), and this machine has {free:.1f} GB free now. "
                "Other programs or a training have the rest.",
                model=slot.base.title,
                need=need / GB,
                free=free / GB,
            )
        if (merging := self._cache.bytes_to_merge(slot.base)) > free:
            raise Unavailable(
                "{model} lies on another job's adapter, which is merged into the base model first. That takes about "
                "{merging:.1f} GB of memory for a moment (estimate), and this machine has {free:.1f} GB free now. "
                "Other programs or a training have the rest.",
                model=slot.base.title,
                merging=merging / GB,
                free=free / GB,
            )
        while True:
            with self._lock:
                others = [other for other in self._slots.values() if other is not slot and other.phase in LOADED]
                taken = sum(max(other.memory_bytes, needed(other.base)) for other in others)
                if taken + need <= budget:
                    return
                idle = [other for other in others if not other.users and other.phase is Phase.READY]
                if not idle:
                    raise Unavailable(
                        "{model} needs about {need:.1f} GB of memory (estimate), and the models that are answering "
                        "now leave too little of {budget:.1f} GB.",
                        model=slot.base.title,
                        need=need / GB,
                        budget=budget / GB,
                    )
                oldest = min(idle, key=lambda other: other.used_at)
            why = f"Unloaded to make room for {slot.base.title}; the next request loads it again."
            self._unload(oldest, why, unless_used=True)

    def _unload(self, slot: Slot, reason: str, *, unless_used: bool = False) -> None:
        with self._lock:
            worker = slot.worker
            if unless_used and slot.users:
                return
            slot.empty(reason)
        if worker:
            worker.stop()
        self._release(slot)
        self._changed()

    def _release(self, slot: Slot) -> None:
        if slot.device_uuid:
            self._gpus.release(slot.token)
            slot.device_uuid = ""

    def _on_worker(self, worker: Worker) -> None:
        with self._lock:
            slot = next((slot for slot in self._slots.values() if slot.worker is worker), None)
            if slot is None:
                return  # it was we who ended it
            if worker.state is State.READY:
                slot.become_ready(worker.socket, time.monotonic())
                slot.memory_bytes = worker.memory_bytes()
                self._adapters.load_all(slot)
        if worker.is_over:
            self._crash(slot, worker.reason)
        self._changed()

    def _crash(self, slot: Slot, reason: str) -> None:
        self._release(slot)
        with self._lock:
            slot.crash(reason, time.monotonic())
        log.warning("%s is not served: %s", slot.base.title, reason)
        self._changed()

    def _run(self) -> None:
        while not self._stopping.wait(TICK_S):
            try:
                self._tick(time.monotonic())
            except Exception:  # a thread's edge: one bad slot must not end all others
                log.exception("The workers could not be looked after; they are again in a moment.")

    def _tick(self, now: float) -> None:
        for_gpu, for_memory = self._wanted_by_jobs()
        unload: list[tuple[Slot, str]] = []
        with self._lock:
            for slot in self._slots.values():
                if slot.phase is Phase.RESTING and now >= slot.retry_at and slot.crashes < MOST_CRASHES:
                    self._begin(slot)
                elif not slot.users and (why := self._leaves(slot, now, for_gpu=for_gpu, for_memory=for_memory)):
                    unload.append((slot, f"{why}; the next request loads it again."))
                    for_memory = for_memory and slot.device_uuid != ""  # one, then a look at what that has freed
                elif slot.phase is Phase.READY and slot.worker:
                    slot.memory_bytes = slot.worker.memory_bytes()
                    self._adapters.drop_idle(slot, now - self._settings.idle_s)
        for slot, why in unload:
            self._unload(slot, why, unless_used=True)

    def _wanted_by_jobs(self) -> tuple[bool, bool]:
        """Whether a job waits for a GPU, and whether one waits for memory, that models have."""
        with self._lock:
            loaded = [slot for slot in self._slots.values() if slot.phase in LOADED]
        for_gpu = any(slot.device_uuid for slot in loaded) and self._gpus.is_waited_for()
        return for_gpu, any(not slot.device_uuid for slot in loaded) and self._gpus.memory_is_waited_for()

    def _leaves(self, slot: Slot, now: float, *, for_gpu: bool, for_memory: bool) -> str:
        """Why a model that nobody asks now is unloaded; empty where it stays."""
        idle_s, gives_way_s = self._settings.idle_s, self._settings.gives_way_s
        if slot.phase is Phase.READY and now - slot.used_at > idle_s:
            return f"Unloaded after {idle_s / 60:g} minutes without a request"
        if slot.phase not in LOADED or now - slot.used_at <= gives_way_s:
            return ""
        if slot.device_uuid:
            return "Unloaded for a job that waits for its GPU" if for_gpu else ""
        return "Unloaded for a job that waits for memory" if for_memory else ""


LOADED = (Phase.LOADING, Phase.READY)


def needed(base: Base) -> int:
    """An estimate of the memory that the model takes, in bytes."""
    return int(base.bytes * (1 + OVERHEAD_SHARE)) + OVERHEAD_BYTES
