"""Who starts where and why others wait: tables of pictures, no database."""

import json
from pathlib import Path

import pytest

from core.devices import CPU, GB, Device, DevicesUnreadable, SimulatedDevices, processor
from core.placement import Picture, Plan, order, plan
from storage.jobs import Waiting


def gpu(index: int, memory_gb: float = 24, used_gb: float = 0) -> dict[str, object]:
    processes = [{"pid": 812, "user": "bob", "memory_gb": used_gb}] if used_gb else []
    return {"uuid": f"GPU-{index}", "name": "Simulated", "memory_gb": memory_gb, "processes": processes}


def simulated(folder: Path, *gpus: dict[str, object]) -> SimulatedDevices:
    path = folder / "gpus.json"
    path.write_text(json.dumps({"gpus": gpus}))
    return SimulatedDevices(path)


def waiting(name: str, user: str = "ann", priority: int = 0, place: float = 0, **needs: object) -> Waiting:
    wanted = {"device": "cuda", "devices": 1, "memory_bytes": 8 * GB, "held": False, "message": ""} | needs
    return Waiting(id=name, title=name.upper(), user=user, priority=priority, place=place, **wanted)  # type: ignore[arg-type]


def planned(devices: tuple[Device, ...], *queue: Waiting, **more: object) -> Plan:
    picture = {"holders": {}, "running": {}} | more
    return plan(Picture(devices=devices, queue=queue, **picture))  # type: ignore[arg-type]


def starts(found: Plan) -> dict[str, list[str]]:
    return {job.id: [device.uuid for device in devices] for job, devices in found.starts}


def test_several_jobs_start_on_several_gpus_at_once(tmp_path: Path) -> None:
    devices = simulated(tmp_path, gpu(0), gpu(1), gpu(2)).look()
    found = planned(devices, waiting("a", place=1), waiting("b", place=2, devices=2), waiting("c", place=3))
    assert starts(found) == {"a": ["GPU-0"], "b": ["GPU-1", "GPU-2"]}
    assert found.reasons == {"c": "Waits for “A”, which uses GPU 0, or “B” on GPU 1, or “B” on GPU 2."}


def test_a_gpu_that_a_stranger_uses_is_not_taken(tmp_path: Path) -> None:
    found = planned(simulated(tmp_path, gpu(0, used_gb=14)).look(), waiting("a", memory_bytes=GB))
    assert starts(found) == {}
    assert found.reasons == {"a": "GPU 0: 14 GB used by pid 812 (bob)."}


def test_memory_that_is_missing_without_a_process_counts_too() -> None:
    full = Device(uuid="GPU-0", name="x", memory_bytes=24 * GB, free_bytes=3 * GB)
    found = planned((full,), waiting("a"))
    assert found.reasons == {"a": "GPU 0: 3.0 GB of its memory are free, about 8.0 GB are needed (estimate)."}


def test_an_estimate_never_keeps_a_job_from_an_empty_gpu(tmp_path: Path) -> None:
    assert starts(planned(simulated(tmp_path, gpu(0)).look(), waiting("a", memory_bytes=500 * GB))) == {"a": ["GPU-0"]}


def test_what_no_gpu_has_is_tried_on_an_empty_one_and_the_figures_are_true() -> None:
    busy = Device(uuid="GPU-0", name="x", memory_bytes=24 * GB, free_bytes=3 * GB)
    assert planned((busy,), waiting("a", memory_bytes=500 * GB)).reasons["a"] == (
        "GPU 0: 3.0 GB of its memory are free, about 500.0 GB are needed (estimate). No GPU here has as much; it is "
        "tried as soon as 21.6 GB are free."
    )


def host(memory_gb: float, free_gb: float) -> Device:
    return Device(uuid=CPU, name="x", memory_bytes=int(memory_gb * GB), free_bytes=int(free_gb * GB))


def test_on_the_processor_a_job_waits_for_memory_and_a_smaller_one_goes_ahead() -> None:
    large = waiting("large", place=1, device="cpu", memory_bytes=int(3.1 * GB))
    small = waiting("small", place=2, device="cpu", memory_bytes=GB)
    found = planned((host(16, 1.2),), large, small)
    assert starts(found) == {"small": ["cpu"]}
    assert found.reasons["large"] == (
        "Needs about 3.1 GB of memory (estimate), 1.2 GB are free: it starts when other programs have given enough of "
        "it back."
    )
    assert starts(planned((host(16, 3.1),), large, small)) == {"large": ["cpu"]}


def test_what_can_never_fit_says_so_even_while_the_processor_is_taken() -> None:
    giant = waiting("giant", device="cpu", memory_bytes=20 * GB)
    for holders in ({}, {"cpu": "X"}):
        found = planned((host(16, 15),), giant, holders=holders)
        assert starts(found) == {}
        assert "about 20.0 GB of memory (estimate), and this machine has 16.0 GB in all" in found.reasons["giant"]
        assert "Cancel it and create it again" in found.reasons["giant"]


def test_processes_that_share_the_processor_need_their_memory_each() -> None:
    found = planned((host(16, 3),), waiting("a", device="cpu", devices=2, memory_bytes=2 * GB))
    assert found.reasons["a"].startswith("Needs about 4.0 GB of memory (estimate), 3.0 GB are free")


def test_the_smallest_gpu_that_is_enough_is_taken(tmp_path: Path) -> None:
    devices = simulated(tmp_path, gpu(0, 80), gpu(1, 24), gpu(2, 6, used_gb=0)).look()
    assert starts(planned(devices, waiting("a", memory_bytes=20 * GB))) == {"a": ["GPU-1"]}


def test_a_large_job_is_not_starved_by_small_ones(tmp_path: Path) -> None:
    devices = simulated(tmp_path, gpu(0), gpu(1)).look()
    found = planned(devices, waiting("big", place=1, devices=2), waiting("small", place=2), holders={"GPU-0": "X"})
    assert starts(found) == {}
    assert found.reasons["big"] == "Needs 2 GPUs, 1 is free."
    assert found.reasons["small"] == "Waits for “X”, which uses GPU 0; 1 before it."


def test_a_job_that_can_never_start_holds_up_nobody(tmp_path: Path) -> None:
    devices = simulated(tmp_path, gpu(0)).look()
    found = planned(devices, waiting("big", place=1, devices=2), waiting("small", place=2))
    assert starts(found) == {"small": ["GPU-0"]}
    assert found.reasons == {"big": "Needs 2 GPUs, 1 is free."}


def test_without_a_gpu_there_is_one_place() -> None:
    jobs = [waiting(name, place=n, device="cpu", memory_bytes=1) for n, name in enumerate("abc")]
    found = planned((processor(),), *jobs)
    assert starts(found) == {"a": ["cpu"]}
    assert found.reasons["b"] == "Waits for “A”, which uses this machine's processor."
    assert found.reasons["c"] == "Waits for “A”, which uses this machine's processor; 1 before it."


def test_a_held_job_is_passed_by(tmp_path: Path) -> None:
    held = waiting("a", held=True, message="Held by Alice.")
    found = planned(simulated(tmp_path, gpu(0)).look(), held, waiting("b", place=9))
    assert starts(found) == {"b": ["GPU-0"]}
    assert found.reasons == {"a": "Held by Alice."}


def test_a_gpu_that_vanished_is_named(tmp_path: Path) -> None:
    (lost, _) = simulated(tmp_path, gpu(0)).look()
    found = planned((processor(),), waiting("a"), missing=[lost])
    assert found.reasons["a"] == (
        "Needs a GPU, none is free. GPU 0 (Simulated) does not answer; it is set aside until it is seen healthy again."
    )


def test_a_driver_that_says_nothing_starts_nothing_and_is_quoted() -> None:
    found = planned((), waiting("a"), unreadable="Driver/library version mismatch")
    assert "(Driver/library version mismatch)" in found.reasons["a"]


@pytest.mark.parametrize(
    ("queue", "running", "expected"),
    [
        ([waiting("a", place=2), waiting("b", place=1)], {}, "ba"),
        ([waiting("a", place=1), waiting("b", place=2, priority=1)], {}, "ba"),
        ([waiting("a", "ann", place=1), waiting("b", "ben", place=2)], {"ann": 1}, "ba"),
        ([waiting("a", "ann", place=1, priority=1), waiting("b", "ben", place=2)], {"ann": 5}, "ab"),
        # Users take turns, each in their own order.
        (
            [waiting("a", "ann", place=1), waiting("b", "ann", place=2), waiting("c", "ben", place=3)],
            {},
            "acb",
        ),
    ],
)
def test_priority_then_fair_share_then_place(queue: list[Waiting], running: dict[str, int], expected: str) -> None:
    assert "".join(job.id for job in order(queue, running)) == expected


def test_the_simulation_follows_its_file_and_refuses_nonsense(tmp_path: Path) -> None:
    devices = simulated(tmp_path, gpu(0), gpu(1))
    assert [device.label for device in devices.look()] == ["GPU 0", "GPU 1", "this machine's processor"]
    simulated(tmp_path, gpu(0) | {"lost": True}, gpu(1))
    assert [device.uuid for device in devices.look()] == ["GPU-1", "cpu"]
    assert devices.look()[0].label == "GPU 1"
    (tmp_path / "gpus.json").write_text("{")
    with pytest.raises(DevicesUnreadable, match="no JSON object"):
        devices.look()
