"""What the model answered while it was rewarded, step by step: each prompt's answers, the best and the worst."""

from nicegui import background_tasks, ui

from core.rollouts import Order, RolloutIndex, RolloutPage, StepKey, page_of
from core.studio import Studio
from storage.rollouts import RolloutStep
from ui.components.button import Button
from ui.components.rollout_group import rollout_group
from ui.components.text import Text, aria, box, heading
from ui.texts import say
from ui.threads import in_thread

PAGE_GROUPS = 4
ORDERS = {
    Order.AS_SAMPLED: "As sampled",
    Order.LOWEST_SPREAD: "Lowest spread first",
    Order.HIGHEST_REWARD: "Highest reward first",
    Order.LOWEST_REWARD: "Lowest reward first",
}


class RolloutInspector:
    """Follows the newest step until somebody chooses another one. Invisible until there is one."""

    def __init__(self, studio: Studio, job_id: str) -> None:
        self._index = RolloutIndex(studio.runs.folder(job_id))
        self._steps: list[StepKey] = []
        self._lines = 0
        self._chosen: StepKey | None = None
        self._order = Order.AS_SAMPLED
        self._first = 0
        self._shown: RolloutStep | None = None
        self._task = f"rollouts {ui.context.client.id}"
        with box("ts-card ts-rollouts", "section", label="Rollouts") as self._card:
            heading("Rollouts", 2)
            Text("p", "What the model answered to each prompt, and what its answers were rewarded.", "ts-muted")
            self._controls()
            self._figures = Text("p", "", "ts-strong").props("role=status").mark("rollout-figures")
            self._list = box("ts-stretch ts-rollout-groups")
            with box("ts-pager", "nav", label="Pages of prompts") as self._pager:
                self._range = Text("span", "", "ts-muted").mark("rollout-range")
                self._back = Button("Previous", lambda: self._turn(-PAGE_GROUPS)).mark("rollout-previous")
                self._on = Button("Next", lambda: self._turn(PAGE_GROUPS)).mark("rollout-next")
        self._card.visible = False

    def look(self) -> None:
        """There may be a new step."""
        background_tasks.create_lazy(self._look(), name=self._task)

    def show(self, order: Order) -> None:
        """Of what is shown, these prompts first; and bring it into view."""
        self._order_select.value = str(order)
        ui.run_javascript(f"getHtmlElement({self._card.id}).scrollIntoView({{behavior: 'smooth'}})")

    def _controls(self) -> None:
        with box("ts-filters"):
            self._step = ui.select({}, on_change=lambda event: self._choose(event.value)).classes("ts-input ts-order")
            self._step.props("outlined dense options-dense popup-content-class=ts-menu").props(aria("Step"))
            self._step.mark("rollout-step")
            self._order_select = order = ui.select(
                {str(order): say(title) for order, title in ORDERS.items()},
                value=str(self._order),
                on_change=lambda event: self._sort(Order(event.value)),
            )
            order.props("outlined dense options-dense popup-content-class=ts-menu").props(aria("Order of the prompts"))
            order.classes("ts-input ts-order").mark("rollout-order")
            self._newest = Button("Newest step", self._follow, kind="ghost").mark("rollout-newest")

    async def _look(self) -> None:
        steps = await in_thread(self._index.update)
        if self._index.lines == self._lines or self._card.is_deleted:
            return
        self._steps, self._lines = steps, self._index.lines
        self._card.visible = True
        if self._chosen is None or self._chosen not in steps:
            self._first = 0
        # The newest first, as in the list of checkpoints.
        options = {_name(key): _label(key) for key in reversed(steps)}
        self._step.set_options(options, value=_name(self._key()))
        self._newest.visible = self._chosen is not None
        if self._chosen is None:
            await self._read()

    def _key(self) -> StepKey:
        return self._chosen if self._chosen in self._steps and self._chosen else self._steps[-1]

    async def _choose(self, name: str | None) -> None:
        key = next((key for key in self._steps if _name(key) == name), None)
        if key is None or key == self._key():
            return
        self._chosen, self._first = key, 0
        self._newest.visible = True
        await self._read()

    async def _follow(self) -> None:
        self._chosen, self._first = None, 0
        self._newest.visible = False
        self._step.value = _name(self._key())
        await self._read()

    async def _sort(self, order: Order) -> None:
        self._order, self._first = order, 0
        self._draw()

    def _turn(self, prompts: int) -> None:
        self._first += prompts
        self._draw()

    async def _read(self) -> None:
        key = self._key()
        try:
            record = await in_thread(self._index.read, key)
        except (OSError, KeyError, ValueError):  # the run was deleted, or its disk is ill
            return
        if key == self._key() and not self._card.is_deleted:
            self._shown = record
            self._draw()

    def _draw(self) -> None:
        if self._shown is None:
            return
        page = page_of(self._shown, self._order, self._first, PAGE_GROUPS)
        self._first = page.first
        self._figures.text = figures(self._shown)
        self._list.clear()
        with self._list:
            for group in page.groups:
                rollout_group(group, held_out=self._shown.held_out)
        self._page(page)

    def _page(self, page: RolloutPage) -> None:
        last = page.first + len(page.groups)
        left_out = (
            ", " + say("{count:,} more is not kept | {count:,} more are not kept", count=page.record.left_out)
            if page.record.left_out
            else ""
        )
        self._range.text = say(
            "Prompts {first}–{last} of {total}{left_out}",
            first=page.first + 1,
            last=last,
            total=page.total,
            left_out=left_out,
        )
        self._pager.visible = page.total > PAGE_GROUPS or bool(page.record.left_out)
        self._back.set_enabled(page.first > 0)
        self._on.set_enabled(last < page.total)


def figures(record: RolloutStep) -> str:
    parts = [say("mean reward {reward:.3g}", reward=record.reward)]
    if not record.held_out:
        parts.append(say("spread within a prompt {spread:.3g}", spread=record.reward_std))
    parts += [f"{name} {value:.3g}" for name, value in record.parts.items()]
    parts.append(say("{tokens:,.0f} tokens an answer", tokens=record.tokens))
    if record.clipped:
        parts.append(say("{percent:.0f} % cut off at the limit", percent=100 * record.clipped))
    return f"{_label(StepKey(record.step, record.held_out))}: {', '.join(parts)}"


def _name(key: StepKey) -> str:
    return f"{key.step}{'e' if key.held_out else ''}"


def _label(key: StepKey) -> str:
    return say("Evaluation after step {step}", step=key.step) if key.held_out else say("Step {step}", step=key.step)
