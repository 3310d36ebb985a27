"""The dashboard's figures: datasets, jobs by status, the machine, the disk. Each leads to where its things are."""

from collections.abc import Mapping

from core.overview import Figures, Machine
from storage.spec import Objective
from storage.status import GROUPS, Status
from ui import routes
from ui.components.meter import Meter
from ui.components.quantity import size_of
from ui.components.text import Text, box, heading, link
from ui.design import PILLS
from ui.texts import say

#: In the order of the filter of the jobs list.
SHOWN = (Status.RUNNING, Status.QUEUED, Status.PAUSED, Status.COMPLETED, Status.FAILED, Status.CANCELLED)
JobCounts = Mapping[tuple[Objective, Status], int]


class StatCards:
    def __init__(self, figures: Figures) -> None:
        with box("ts-stats", "section", label="Figures"):
            self._datasets = DatasetCard()
            self._jobs = JobsCard()
            self._machine = MachineCard(figures.machine)
            self._disk = DiskCard()
        self.show(figures)

    def show(self, figures: Figures) -> None:
        self._datasets.show(figures.datasets, figures.ready)
        self._jobs.show(figures.jobs)
        self._machine.show(figures.machine)
        self._disk.show(figures.machine)


class DatasetCard:
    def __init__(self) -> None:
        with box("ts-card ts-stat", "article"):
            with box("", "h2").classes("ts-h3"):
                link("Training Datasets", routes.datasets(), "ts-row-title")
            Text("span", "Labeled examples", "ts-sub")
            self._total = Text("span", "", "ts-stat-figure").mark("datasets-total")
            self._ready = Text("span", "", "ts-sub").mark("datasets-ready")

    def show(self, total: int, ready: int) -> None:
        self._total.text = say("{count:,} total", count=total)
        self._ready.text = say("{count:,} ready for supervised learning", count=ready)


class JobsCard:
    """A count for each status that has any; where a status has jobs of several kinds, one for each kind."""

    def __init__(self) -> None:
        with box("ts-card ts-stat", "article"):
            heading("Training Jobs", 2).classes(replace="ts-h3")
            self._none = Text("span", "None yet", "ts-sub")
            self._counts = box("ts-stat-counts", "ul").mark("job-counts")
        self._shown: list[tuple[str, str, str, str]] | None = None

    def show(self, counts: JobCounts) -> None:
        lines = _lines(counts)
        if lines == self._shown:
            return
        self._shown = lines
        self._none.visible = not lines
        self._counts.clear()
        with self._counts:
            for pill, label, text, href in lines:
                with box("", "li"), link("", href, "ts-stat-count"):
                    Text("span", label, f"ts-pill ts-pill-{pill}")
                    Text("span", text)


class MachineCard:
    """The GPUs, or the processor where there is none; they may come and go."""

    def __init__(self, machine: Machine) -> None:
        with box("ts-card ts-stat", "article"):
            self._title = heading("", 2).classes(replace="ts-h3")
            self._meters = box("ts-stat-meters")
            self._problem = Text("p", "", "ts-note")
        self._drawn: dict[str, Meter] = {}
        self.show(machine)

    def show(self, machine: Machine) -> None:
        self._title.text = say("GPUs ({count})", count=len(machine.gpus)) if machine.gpus else "Processor"
        self._problem.text = machine.gpu_error and say(
            "The driver does not say which GPUs there are: {error}", error=machine.gpu_error
        )
        self._problem.visible = bool(self._problem.text)
        figures = meters(machine)
        if list(figures) != list(self._drawn):
            self._meters.clear()
            with self._meters:
                self._drawn = {name: Meter(name) for name in figures}
        for name, (share, text) in figures.items():
            self._drawn[name].show(share, text)


class DiskCard:
    def __init__(self) -> None:
        with box("ts-card ts-stat", "article"):
            heading("Disk", 2).classes(replace="ts-h3")
            self._free = Text("span", "", "ts-stat-figure").mark("disk-free")
            self._meter = Meter("Used")

    def show(self, machine: Machine) -> None:
        used = machine.disk_bytes - machine.disk_free_bytes
        self._free.text = say("{size} free", size=size_of(machine.disk_free_bytes))
        self._meter.show(
            used / machine.disk_bytes,
            say("{used} of {total}", used=size_of(used), total=size_of(machine.disk_bytes)),
        )


def _lines(counts: JobCounts) -> list[tuple[str, str, str, str]]:
    """The pill's class and label, the count in words, where it leads."""
    found = []
    for status in SHOWN:
        by_kind = {kind: sum(counts.get((kind, one), 0) for one in GROUPS[status]) for kind in Objective}
        kinds = [kind for kind in by_kind if by_kind[kind]]
        for kind in kinds:
            is_plain = kinds == [Objective.SFT]
            text = f"{by_kind[kind]:,}" if is_plain else f"{by_kind[kind]:,} {routes.TYPES[kind]}"
            href = routes.jobs(routes.TYPES[kind], status=status)
            found.append((PILLS[status].kind, PILLS[status].label, text, href))
    return found


def meters(machine: Machine) -> dict[str, tuple[float, str]]:
    """The share in use, and in words, of everything that has one."""
    if not machine.gpus:
        memory = say("{used} of {total}", used=size_of(machine.memory_used_bytes), total=size_of(machine.memory_bytes))
        return {
            say("{count} core | {count} cores", count=machine.cores): (machine.cpu_busy, _percent(machine.cpu_busy)),
            "Memory": (machine.memory_used_bytes / machine.memory_bytes, memory),
        }
    found = {}
    for gpu in machine.gpus:
        used = gpu.memory_bytes - gpu.free_bytes
        if gpu.busy is not None:
            found[f"{gpu.label} · {gpu.name}"] = (gpu.busy, _percent(gpu.busy))
        memory = say("{used} of {total}", used=size_of(used), total=size_of(gpu.memory_bytes))
        found[f"{gpu.label} memory"] = (used / max(gpu.memory_bytes, 1), memory)
    return found


def _percent(share: float) -> str:
    return say("{share:.0%} busy", share=share).replace("%", " %")
