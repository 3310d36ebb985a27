"""One prompt and its group of answers: reward, parts and advantage of each, the best and the worst marked."""

from core.rollouts import rewards, spread
from storage.rollouts import RolloutAnswer, RolloutGroup
from ui.components.quantity import counted
from ui.components.text import Text, box
from ui.texts import say

#: Longer texts open on a click.
SHOWN_CHARACTERS = 400


def rollout_group(group: RolloutGroup, *, held_out: bool) -> None:
    found = rewards(group)
    differ = spread(group) > 0
    with box("ts-rollout", "article", label=say("Prompt of line {line:,}", line=group.line)):
        with box("ts-rollout-head"):
            Text("span", say("line {line:,}", line=group.line), "ts-tag")
            if not held_out and not differ:
                Text("span", "no spread: nothing is learned from it", "ts-badge ts-badge-amber")
        _long("p", group.prompt, "ts-rollout-prompt")
        if group.item:
            with box("ts-expected", "details"):
                Text("summary", "What the grader was told of the row")
                Text("pre", group.item, "ts-evidence").props("tabindex=0")
        with box("ts-rollout-answers"):
            for at, answer in enumerate(group.answers):
                mark = ""
                if differ:
                    mark = {max(found): "best", min(found): "worst"}.get(found[at], "")
                _answer(answer, mark, held_out=held_out)


def _answer(answer: RolloutAnswer, mark: str, *, held_out: bool) -> None:
    with box(f"ts-rollout-answer ts-rollout-{mark or 'other'}"):
        with box("ts-rollout-figures"):
            reward = Text("span", "–" if answer.reward is None else f"{answer.reward:.3g}", "ts-rollout-reward")
            reward.props["title"] = say("Reward")
            if mark:
                Text(
                    "span",
                    say("best" if mark == "best" else "worst"),
                    f"ts-badge ts-badge-{'green' if mark == 'best' else 'red'}",
                )
            if not held_out:
                Text("span", say("advantage {advantage:+.2f}", advantage=answer.advantage), "ts-note")
            Text("span", counted(answer.tokens, "tokens"), "ts-note")
            if answer.clipped:
                Text("span", "cut off at the limit", "ts-badge ts-badge-amber")
            for name, value in answer.parts.items():
                Text("span", f"{name} {value:.3g}", "ts-badge ts-badge-grey")
        _long("p", answer.text or "(nothing)", "ts-rollout-text" if answer.text else "ts-rollout-text ts-muted")
        if answer.shortened:
            Text("p", "Its middle is not kept.", "ts-note")
        if answer.error:
            Text("p", answer.error, "ts-error")


def _long(tag: str, text: str, classes: str) -> None:
    if len(text) <= SHOWN_CHARACTERS:
        Text(tag, text, classes)
        return
    Text(tag, f"{text[:SHOWN_CHARACTERS]}…", classes)
    with box("ts-expected", "details"):
        Text("summary", "The whole text")
        Text(tag, text, classes)
