"""The pool of serving workers, with stand-ins that fail, refuse and die. See tests/serving_standin.py."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from standin import add_hollow_model, submit

from core.errors import BadInput, Unavailable
from core.home import Home
from core.serving.gpus import Gpus
from core.serving.launch import Launch
from core.serving.pool import Pool, needed
from core.serving.settings import Settings
from core.serving.slot import Phase, Slot
from core.serving.standing import State, standing
from core.serving.targets import Base, Place
from core.studio import Studio
from storage.database import Database
from storage.files import write_json
from storage.process import SIMULATION_VARIABLE
from storage.serving import Engine, ServedAdapter
from storage.spec import ModelRef
from storage.tables import Job

pytestmark = pytest.mark.process

STANDIN = Path(__file__).parents[1] / "serving_standin.py"


class Machine:
    """A pool on a data folder, and what its workers are in the mood for."""

    def __init__(self, home: Home, **settings: Any) -> None:
        self.mood = home.path / "mood.json"
        self.studio = Studio(home)
        self.studio.open()
        found = Settings(**settings)
        command = (sys.executable, str(STANDIN), str(self.mood))
        gpus = Gpus(Database(home.database), self.studio.queue)
        self.pool = Pool(home.workers, found, gpus, Launch(home.served, found, command), lambda: None)
        self.pool.start()

    def place(self, name: str, *, adapter: str = "", device: str = "cpu", size_bytes: int = 1000) -> Place:
        folder = self.mood.parent / name
        folder.mkdir(exist_ok=True)
        (folder / "model.safetensors").write_bytes(bytes(size_bytes))
        model = ModelRef(
            id=name, name=name, path=str(folder), revision="0", context_length=512,
            parameters=1, hidden_size=1, layers=1,
        )  # fmt: skip
        served = ServedAdapter(name=adapter, folder="/nowhere") if adapter else None
        engine: Engine = "llama.cpp" if device == "cpu" else "transformers"
        base = Base(model=model, engine=engine, device=device)  # type: ignore[arg-type]
        return Place(base=base, adapter=served)

    def device_of(self, place: Place) -> str:
        """What it would be loaded on now, or is."""
        return self.pool.base_for(place.base.model, {}, None).device

    def slot(self, place: Place) -> Slot:
        slot = self.pool.slot(place)
        assert slot
        return slot

    def ask(self, place: Place) -> None:
        seat = self.pool.enter(place)
        try:
            seat.wait(20)
        finally:
            self.pool.leave(seat)

    def state(self, place: Place) -> State:
        return standing(place, self.pool.slot(place)).state


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    made: list[Machine] = []

    def make(**settings: Any) -> Machine:
        home = Home(tmp_path / "home")
        home.prepare()
        made.append(Machine(home, **settings))
        return made[-1]

    yield make
    for one in made:
        one.pool.stop()
        one.studio.close()


def wait_until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_adapters_share_their_base_models_worker(machine: Callable[..., Machine]) -> None:
    served = machine()
    one, other = served.place("base", adapter="one"), served.place("base", adapter="other")
    assert served.state(one) is State.READY  # the first request loads it
    served.ask(one)
    pid = served.slot(one).worker.pid
    served.ask(other)
    assert served.slot(other).worker.pid == pid
    assert set(served.slot(one).adapters) == {"one", "other"}
    assert served.slot(one).memory_bytes > 0


def test_what_nobody_asks_for_is_unloaded_and_loaded_again(machine: Callable[..., Machine]) -> None:
    served = machine(idle_s=0.2)
    place = served.place("base", adapter="one")
    seat = served.pool.enter(place)
    seat.wait(20)
    time.sleep(1)  # whoever is being answered keeps it, however long that takes
    assert served.slot(place).phase is Phase.READY
    served.pool.leave(seat)
    wait_until(lambda: served.slot(place).phase is Phase.EMPTY)
    assert "without a request" in standing(place, served.slot(place)).reason
    served.ask(place)


def test_room_is_made_by_unloading_what_was_asked_for_longest_ago(machine: Callable[..., Machine]) -> None:
    first = machine(memory_bytes=10**12).place("first")  # measures what a stand-in needs, on a machine without bounds
    served = machine(memory_bytes=int(needed(first.base) * 2.5))
    places = [served.place(name) for name in ("first", "second", "third")]
    for place in places:
        served.ask(place)
    assert [served.slot(place).phase for place in places] == [Phase.EMPTY, Phase.READY, Phase.READY]
    seats = [served.pool.enter(place) for place in places[1:]]
    with pytest.raises(Unavailable, match="leave too little"):
        served.ask(places[0])
    for seat in seats:
        served.pool.leave(seat)
    with pytest.raises(Unavailable, match="TUNESMITH_SERVING_MEMORY_GB"):
        served.ask(served.place("huge", size_bytes=int(served.pool._settings.memory_bytes)))


def test_a_killed_worker_is_started_again_and_refuses_meanwhile(machine: Callable[..., Machine]) -> None:
    served = machine()
    place = served.place("base", adapter="one")
    served.ask(place)
    os.kill(served.slot(place).worker.pid, 9)
    wait_until(lambda: served.state(place) is State.DEGRADED)
    with pytest.raises(Unavailable, match="signal 9") as refused:
        served.pool.enter(place)
    assert 0 < refused.value.retry_after_s <= 1
    wait_until(lambda: served.state(place) is State.READY)
    served.ask(place)
    assert served.slot(place).adapters["one"].loaded


def test_a_worker_that_cannot_load_says_why_until_it_can(machine: Callable[..., Machine]) -> None:
    served = machine()
    write_json(served.mood, {"fail": "The model's weights are not readable."})
    place = served.place("base")
    with pytest.raises(Unavailable, match="not readable"):
        served.ask(place)
    assert "It is started again in 1 s" in standing(place, served.slot(place)).reason
    write_json(served.mood, {})
    wait_until(lambda: served.state(place) is State.READY)


def test_a_refused_adapter_does_not_trouble_the_others(machine: Callable[..., Machine]) -> None:
    served = machine()
    write_json(served.mood, {"refuse": ["odd"]})
    odd, plain = served.place("base", adapter="odd"), served.place("base", adapter="plain")
    with pytest.raises(BadInput, match="No engine holds odd"):
        served.ask(odd)
    served.ask(plain)
    assert (served.state(odd), served.state(plain)) == (State.DEGRADED, State.READY)
    write_json(served.mood, {})
    served.ask(odd)


def test_a_gpu_is_leased_like_a_jobs_and_given_back(
    machine: Callable[..., Machine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus = tmp_path / "gpus.json"
    gpus.write_text(json.dumps({"gpus": [{"uuid": "GPU-a", "memory_gb": 24}]}))
    monkeypatch.setenv(SIMULATION_VARIABLE, str(gpus))
    served = machine()
    place = served.place("base", device="cuda")
    assert served.device_of(place) == "cuda"
    served.ask(place)
    assert served.slot(place).device_uuid == "GPU-a"
    assert served.device_of(place) == "cuda"  # where it is
    other = served.place("other", device="cuda")
    assert served.device_of(other) == "cpu"  # nobody takes what is leased
    with pytest.raises(Unavailable, match="in use by now"):
        served.ask(other)
    served.studio.queue.release_stale()  # a sweep of jobs' leases leaves it alone
    served.pool.try_again(other)
    with pytest.raises(Unavailable, match="in use by now"):
        served.ask(other)
    served.pool.let_go(place, base_too=True)
    wait_until(lambda: served.slot(place).phase is Phase.EMPTY)
    assert served.device_of(other) == "cuda"


def test_an_idle_model_gives_its_gpu_to_a_job_that_waits_for_it(
    machine: Callable[..., Machine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus = tmp_path / "gpus.json"
    gpus.write_text(json.dumps({"gpus": [{"uuid": "GPU-a", "memory_gb": 24}]}))
    monkeypatch.setenv(SIMULATION_VARIABLE, str(gpus))
    served = machine(gives_way_s=0.1)
    add_hollow_model(served.studio.home)
    queue = served.studio.queue
    place = served.place("base", device="cuda")
    seat = served.pool.enter(place)
    seat.wait(20)
    job = submit(served.studio)
    assert "base (serving)" in queue.waits_because(job)
    time.sleep(1)  # whoever is being answered keeps it, however long the job waits
    assert queue.claim_next() is None
    served.pool.leave(seat)
    wait_until(lambda: served.slot(place).phase is Phase.EMPTY)
    assert "Unloaded for a job that waits for its GPU" in standing(place, served.slot(place)).reason
    claimed: list[Job | None] = []
    wait_until(lambda: bool(claimed.append(queue.claim_next())) or claimed[-1] is not None)  # once its worker is gone
    assert [device.uuid for device in queue.devices_of(job)] == ["GPU-a"]
    assert served.device_of(place) == "cpu"  # as long as the job has it


def test_idle_models_give_way_one_by_one_to_a_job_that_waits_for_memory(
    machine: Callable[..., Machine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus = tmp_path / "gpus.json"

    def free(gigabytes: float) -> None:
        write_json(gpus, {"gpus": [], "processor": {"memory_gb": 16, "free_gb": gigabytes}})

    free(16)
    monkeypatch.setenv(SIMULATION_VARIABLE, str(gpus))
    served = machine(gives_way_s=0.1)
    add_hollow_model(served.studio.home)
    places = [served.place(name) for name in ("one", "other")]
    for place in places:
        served.ask(place)
    free(0.01)
    job = submit(served.studio)
    assert "starts when other programs have given enough of it back" in served.studio.queue.waits_because(job)
    wait_until(lambda: [served.slot(place).phase for place in places].count(Phase.EMPTY) == 1)
    free(16)
    gone = next(place for place in places if served.slot(place).phase is Phase.EMPTY)
    assert "Unloaded for a job that waits for memory" in standing(gone, served.slot(gone)).reason
    claimed = served.studio.queue.claim_next()
    assert claimed
    assert claimed.id == job.id
    time.sleep(1)
    assert [served.slot(place).phase for place in places].count(Phase.READY) == 1, "the other stays"


def test_a_stopped_pool_leaves_no_worker(machine: Callable[..., Machine]) -> None:
    served = machine()
    place = served.place("base")
    served.ask(place)
    pid = served.slot(place).worker.pid
    served.pool.stop()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(Unavailable, match="does not serve"):
        served.pool.enter(place)


def test_a_merge_that_does_not_fit_into_memory_is_refused_beforehand(home: Home) -> None:
    machine = Machine(home)
    base = machine.place("large").base
    huge = replace(base, beneath="/an/adapter", model=base.model.model_copy(update={"parameters": 10**13}))
    try:
        with pytest.raises(Unavailable, match=r"merged into the base model first\. That takes about 4000\d\.\d GB"):
            machine.pool.enter(Place(base=huge, adapter=None)).wait(30)
    finally:
        machine.pool.stop()
