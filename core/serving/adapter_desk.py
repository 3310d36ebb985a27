"""Adapters on workers: put there at the first request for them, taken away when nobody asks for them any more."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import httpx

from core.errors import BadInput, StudioError, Unavailable
from core.serving.slot import Held, Phase, Slot
from storage.serving import ServedAdapter

log = logging.getLogger(__name__)

#: A large adapter on a slow disk, converted first.
LOAD_TIMEOUT_S = 600.0


class AdapterDesk:
    """`lock` is the pool's; the worker is asked outside of it."""

    def __init__(self, lock: threading.RLock, changed: Callable[[], None]) -> None:
        self._lock = lock
        self._changed = changed
        # One at a time: an adapter that is dropped and asked for again must come after it has gone.
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="adapters")

    def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def hold(self, slot: Slot, adapter: ServedAdapter, now: float) -> Held:
        """One request more for this adapter. One that could not be loaded is tried again."""
        held = slot.adapters.setdefault(adapter.name, Held(adapter.folder))
        held.users, held.used_at = held.users + 1, now
        if held.loaded is None or (held.loaded.done() and held.loaded.exception()):
            held.loaded = Future()
            if slot.phase is Phase.READY:
                self._threads.submit(self._load, slot, adapter.name, held, held.loaded)
        return held

    def load_all(self, slot: Slot) -> None:
        """What is asked for of a worker that has just become ready."""
        for name, held in slot.adapters.items():
            if held.loaded and not held.loaded.done():
                self._threads.submit(self._load, slot, name, held, held.loaded)

    def drop_idle(self, slot: Slot, since: float) -> None:
        for name, held in list(slot.adapters.items()):
            if not held.users and held.used_at < since:
                del slot.adapters[name]
                self._threads.submit(self._drop, slot, name)

    def _load(self, slot: Slot, name: str, held: Held, loaded: "Future[None]") -> None:
        error: StudioError | None = None
        try:
            answer = ask(slot, "PUT", f"/adapters/{name}", {"folder": held.folder})
            if answer.status_code >= 400:
                error = BadInput(sentence(answer))
        except httpx.HTTPError as trouble:
            error = Unavailable(
                "The adapter could not be loaded: the worker did not answer ({trouble}).", trouble=trouble
            )
        except Exception as trouble:  # a thread's edge: whoever waits for it must hear that nothing comes
            log.exception("An adapter could not be loaded.")
            error = Unavailable("The adapter could not be loaded ({trouble}).", trouble=trouble)
        with self._lock:
            if not loaded.done():
                loaded.set_exception(error) if error else loaded.set_result(None)
        self._changed()

    def _drop(self, slot: Slot, name: str) -> None:
        try:
            ask(slot, "DELETE", f"/adapters/{name}")
        except httpx.HTTPError:
            return  # it is going, and its adapters with it


def ask(slot: Slot, method: str, path: str, content: dict[str, str] | None = None) -> httpx.Response:
    if not slot.socket.done() or slot.socket.exception():
        raise httpx.ConnectError("it is not there any more")
    transport = httpx.HTTPTransport(uds=str(slot.socket.result()), verify=False)
    with httpx.Client(transport=transport, trust_env=False, timeout=LOAD_TIMEOUT_S) as client:
        return client.request(method, f"http://worker{path}", json=content)


def sentence(answer: httpx.Response) -> str:
    """What the worker's error envelope says."""
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"The worker refused the adapter with status {answer.status_code}."
