"""What a job takes, before it is created: memory part by part, time, disk, and what would make it fit."""

from functools import partial

from core.estimate.ladder import Rung
from core.estimate.memory import Memory
from core.estimate.outlook import Outlook, Verdict
from ui.components.button import Button
from ui.components.facts import fact
from ui.components.quantity import duration, size_of
from ui.components.spec_form import SpecForm
from ui.components.text import Text, box, heading
from ui.texts import say

PILLS = {
    Verdict.FITS: ("Fits", "good"),
    Verdict.TIGHT: ("Tight", "paused"),
    Verdict.DOES_NOT_FIT: ("Does not fit", "bad"),
}
#: A smaller share of the bar would be a hairline.
LEAST_SHARE = 0.01


class EstimatePanel:
    """`show` is called whenever the form has changed; a click on a step of the ladder changes the form."""

    def __init__(self, form: SpecForm) -> None:
        self._form = form
        with box("ts-panel", "section", label="What it takes"):
            heading("What it takes", 3)
            self._content = box("ts-stretch").props("role=status").mark("estimate")

    def clear(self) -> None:
        """While the form cannot be sent nothing can be said."""
        self._content.clear()
        with self._content:
            Text("p", "Told as soon as the job can run as it is filled in.", "ts-muted")

    def show(self, outlook: Outlook, rungs: tuple[Rung, ...], free_disk_bytes: int) -> None:
        self._content.clear()
        with self._content:
            _verdict(outlook)
            _bar(outlook.memory)
            with box("ts-facts", "dl"):
                speed = say("{rate:,.0f} tokens/s, {basis}", rate=outlook.tokens_per_second, basis=say(outlook.basis))
                fact("Time", say("about {time}", time=duration(outlook.seconds)), note=speed)
                fact(
                    "Disk",
                    say("at most {size}", size=size_of(outlook.disk_bytes)),
                    note=say("{size} are free", size=size_of(free_disk_bytes)),
                )
                fact("Trained weights", f"{outlook.trainable_parameters:,}")
            if not outlook.traffic.counted:
                note = "Rows are guessed by their characters. “Count tokens” on the dataset’s page makes this sharper."
                Text("p", note, "ts-note")
            if rungs:
                self._ladder(rungs)

    def _ladder(self, rungs: tuple[Rung, ...]) -> None:
        Text("p", "What would take less. Each changes one setting, and nothing changes by itself:", "ts-muted")
        with box("ts-changes", "ul"):
            for rung in rungs:
                with box("ts-change ts-rung", "li"):
                    Text("span", rung.label, "ts-strong")
                    outcome = f"{size_of(rung.memory_bytes)}, {rung.verdict.value}"
                    Text("span", outcome, "ts-change-values")
                    Text("span", say("Costs {costs}", costs=say(rung.costs)), "ts-muted")
                    use = Button("Use it", partial(self._use, rung))
                    use.props["aria-label"] = say("Use it: {label}", label=say(rung.label))
                    use.mark(f"use-{rung.field}")

    def _use(self, rung: Rung) -> None:
        if rung.field == "method.kind":
            self._form.choose_method(rung.value)  # it has fields of its own
        else:
            self._form.set(rung.field, rung.value)


def _verdict(outlook: Outlook) -> None:
    label, kind = PILLS[outlook.verdict]
    room = outlook.room
    with box("ts-estimate-head"):
        Text("span", label, f"ts-pill ts-pill-{kind}").mark("verdict")
        needed = say("About {size} of memory ({basis})", size=size_of(outlook.needed_bytes), basis=say(outlook.basis))
        Text(
            "span",
            say(
                "{needed}; {size} of {device} are free.",
                needed=needed,
                size=size_of(room.free_bytes),
                device=say(room.device),
            ),
        )
    if outlook.verdict is Verdict.TIGHT and outlook.needed_bytes > room.free_bytes:
        Text("p", "It starts when other programs have given enough of it back.", "ts-note")


def _bar(memory: Memory) -> None:
    total = max(memory.total_bytes, 1)
    words = ", ".join(f"{say(part.name)} {size_of(part.size_bytes)}" for part in memory.parts)
    with box("ts-estimate-bar").props("role=img") as bar:
        bar.props["aria-label"] = say("Memory by part: {parts}", parts=words)
        for part in memory.parts:
            share = part.size_bytes / total
            if share >= LEAST_SHARE:
                box(f"ts-estimate-part ts-estimate-{part.key}").style(f"flex-grow: {share:.4f}")
    with box("ts-estimate-legend", "ul").props("aria-hidden=true"):
        for part in memory.parts:
            with box("ts-estimate-entry", "li"):
                box(f"ts-estimate-dot ts-estimate-{part.key}", "span")
                Text("span", part.name)
                Text("span", size_of(part.size_bytes), "ts-muted")
