"""Who starts where, and why the others wait. Pure: the same picture gives the same plan."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.devices import CPU, GB, Device
from core.sentence import Sentence, together
from storage.jobs import Waiting

#: The need is an estimate. The largest GPU is tried when it is as good as empty, even where the estimate says more:
#: there only the job itself can fail. The host's memory belongs to other programs too, so there the estimate decides.
NEARLY_ALL = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """The queue and the machine at one moment.

    `missing` are GPUs that were here before and answer no more; `holders` says which job (its title) has a device;
    `running` counts the live jobs of each user.
    """

    devices: Sequence[Device]
    queue: Sequence[Waiting]
    holders: Mapping[str, str]
    running: Mapping[str, int]
    missing: Sequence[Device] = ()
    unreadable: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """`starts` in their order, each with its devices; `reasons` for every other job of the queue."""

    starts: tuple[tuple[Waiting, tuple[Device, ...]], ...]
    reasons: dict[str, str]


def plan(picture: Picture) -> Plan:
    """A job that does not fit yet keeps the free devices that it could use: small ones cannot starve a large one."""
    holders = dict(picture.holders)
    reserved: dict[str, str] = {}
    starts: list[tuple[Waiting, tuple[Device, ...]]] = []
    reasons = {job.id: job.message or "Held." for job in picture.queue if job.held}
    before = 0
    for job in order(picture.queue, picture.running):
        outlook = Outlook(job, picture, holders, reserved)
        open_to_it, needed = outlook.open_to_it, outlook.places
        if len(open_to_it) >= needed:
            chosen = tuple(sorted(open_to_it, key=lambda device: (device.memory_bytes, device.index))[:needed])
            starts.append((job, chosen))
            holders |= {device.uuid: job.title for device in chosen}
            continue
        reasons[job.id] = outlook.reason(before)
        before += 1
        if len(outlook.usable) >= needed:
            reserved |= {device.uuid: job.title for device in open_to_it}
    return Plan(starts=tuple(starts), reasons=reasons)


def order(queue: Iterable[Waiting], running: Mapping[str, int]) -> list[Waiting]:
    """Who goes first: the higher priority, then who has fewer jobs running, then who stands further ahead.

    A user's second job counts as if the first one ran already, so that users take turns.
    """
    turns = Counter(running)
    keyed = []
    for job in sorted((job for job in queue if not job.held), key=lambda job: (-job.priority, job.place, job.id)):
        keyed.append(((-job.priority, turns[job.user], job.place, job.id), job))
        turns[job.user] += 1
    return [job for _, job in sorted(keyed, key=lambda pair: pair[0])]


@dataclass(frozen=True, slots=True)
class Outlook:
    """The machine as one waiting job sees it; `holders` and `reserved` are titles by device."""

    job: Waiting
    picture: Picture
    holders: Mapping[str, str]
    reserved: Mapping[str, str]

    @property
    def places(self) -> int:
        """The processor is one place, however many processes share it."""
        return 1 if self.job.device == CPU else self.job.devices

    @property
    def usable(self) -> list[Device]:
        return [device for device in self.picture.devices if device.kind == self.job.device]

    @property
    def free(self) -> list[Device]:
        return [device for device in self.usable if device.uuid not in self.holders and not self.objection(device)]

    @property
    def open_to_it(self) -> list[Device]:
        return [device for device in self.free if device.uuid not in self.reserved]

    @property
    def needed_bytes(self) -> int:
        if self.job.device == CPU:
            return self.job.memory_bytes * self.job.devices
        largest = max((device.memory_bytes for device in self.usable), default=0)
        return min(self.job.memory_bytes, int(largest * NEARLY_ALL))

    @property
    def never(self) -> str:
        """Why it cannot start on this machine whatever ends; empty where it can."""
        device = next(iter(self.usable), None)
        if device is None or device.kind != CPU or self.needed_bytes <= device.memory_bytes:
            return ""
        return Sentence(
            "Needs about {needed} of memory (estimate), and this machine has {total} in all, so it cannot start here. "
            "Cancel it and create it again with a smaller model, context length or micro-batch.",
            needed=_gb(self.needed_bytes),
            total=_gb(device.memory_bytes),
        )

    def objection(self, device: Device) -> str:
        """Why the device is not taken although none of our jobs has it; empty where it can be."""
        if device.processes:
            return f"{device.label}: {', '.join(map(str, device.processes))}."
        if device.free_bytes >= self.needed_bytes:
            return ""
        free = _gb(device.free_bytes)
        if device.kind == CPU:
            return Sentence(
                "Needs about {needed} of memory (estimate), {free} are free: it starts when other programs have given "
                "enough of it back.",
                needed=_gb(self.needed_bytes),
                free=free,
            )
        said = Sentence(
            "{device}: {free} of its memory are free, about {needed} are needed (estimate).",
            device=device.label,
            free=free,
            needed=_gb(self.job.memory_bytes),
        )
        if self.needed_bytes == self.job.memory_bytes:
            return said
        tried = Sentence(
            "No GPU here has as much; it is tried as soon as {size} are free.", size=_gb(self.needed_bytes)
        )
        return together([said, tried])

    def reason(self, before: int) -> str:
        """Why it waits, with `before` other jobs ahead of it."""
        if self.picture.unreadable and self.job.device != CPU:
            return Sentence(
                "The driver does not say which GPUs there are ({error}). What runs goes on.",
                error=self.picture.unreadable,
            )
        if self.never:
            return self.never
        said = []
        taken = [(device, self.holders[device.uuid]) for device in self.usable if device.uuid in self.holders]
        if self.places > 1 or not self.usable:
            said.append(_too_few(self.places, len(self.open_to_it)))
        elif taken:
            said.append(_waits_for(taken, before))
        elif self.free:
            device = self.free[0]
            first = "“{title}” goes first and waits for more than {device}."
            said.append(Sentence(first, title=self.reserved[device.uuid], device=Sentence(device.label)))
        idle = [device for device in self.usable if device.uuid not in self.holders]
        said += filter(None, map(self.objection, idle))
        said += [_set_aside(device) for device in self.picture.missing if device.kind == self.job.device]
        return together(said) if said else ""


def _waits_for(taken: Sequence[tuple[Device, str]], before: int) -> str:
    device, title = taken[0]
    said = Sentence("Waits for “{title}”, which uses {device}", title=title, device=Sentence(device.label))
    for other, holder in taken[1:]:
        said = Sentence("{said}, or “{title}” on {device}", said=said, title=holder, device=Sentence(other.label))
    return (
        Sentence("{said}; {before} before it.", said=said, before=before) if before else Sentence("{said}.", said=said)
    )


def _set_aside(device: Device) -> str:
    return Sentence(
        "{device} ({name}) does not answer; it is set aside until it is seen healthy again.",
        device=device.label,
        name=device.name,
    )


def _too_few(needed: int, free: int) -> str:
    needs = Sentence("Needs a GPU | Needs {count} GPUs", count=needed)
    if not free:
        return Sentence("{needs}, none is free.", needs=needs)
    return Sentence("{needs}, {count} is free. | {needs}, {count} are free.", needs=needs, count=free)


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / GB:.1f} GB"
