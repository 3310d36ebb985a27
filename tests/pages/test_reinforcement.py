"""Reinforcement in the pages: chosen in the modal, graded and tried in the wizard, listed and watched."""

import asyncio
import json

import pytest
from nicegui import ui
from nicegui.testing import User
from paged import job_of

from core.feed import FeedUpdate
from core.studio import Studio
from storage.events import Metric, Warn
from storage.jobs import Query
from storage.rollouts import RolloutAnswer, RolloutGroup, RolloutStep
from storage.spec import JobSpec, Objective
from storage.tables import Dataset
from ui.signals import Signals

WIZARD = "/dashboard/fine-tuning/create?objective=rft"


def choose(user: User, marker: str, value: str) -> None:
    (select,) = user.find(marker).elements
    assert isinstance(select, ui.select)
    select.value = value


async def open_grader(user: User) -> None:
    await user.open(f"{WIZARD}&step=1")
    user.find("model-tiny").click()
    user.find("step-3").click()
    await user.should_see("Reinforcement Parameters")


async def test_the_question_how_to_learn_leads_to_reinforcement(user: User) -> None:
    await user.open("/dashboard/fine-tuning")
    user.find("new-job").click()
    user.find("objective-rft").trigger("change")
    user.find("Continue").click()
    await user.should_see("Teach a base model by scoring its own answers.")


@pytest.mark.usefixtures("sums")
async def test_the_wizard_makes_a_reinforcement_job(user: User, studio: Studio, asked: JobSpec) -> None:
    await user.open(f"{WIZARD}&step=2")
    await user.should_see("What is Reinforcement Fine-Tuning?")
    select = next(found for found in user.find("dataset").elements if isinstance(found, ui.select))
    assert asked.dataset not in select.options
    await open_grader(user)
    await user.should_see("Reinforcement needs a grader, which scores the model's answers.")
    user.find("create").click()
    await user.should_see("Choose a grader: it scores the model's answers.")

    choose(user, "grader-form", "numeric_answer")
    await user.should_see("Its last number is the right one")
    await user.should_see("item.level")
    user.find("column-answer").click()  # into the empty reference
    await user.should_see("{{ item.answer }}")
    user.find("grader-tolerance").clear().type("-1")
    await user.should_see("This field cannot be “-1”: input should be greater than or equal to 0.")
    user.find("grader-tolerance").clear().type("0.01")
    user.find(marker="rft.group_size").clear().type("8")
    user.find("create").click()

    job = await job_of(studio, Objective.RFT)
    spec = studio.runs.run_spec(job.id)
    assert spec.rft.grader
    assert spec.rft.grader.model_dump()["reference"] == "{{ item.answer }}"
    assert spec.rft.grader.model_dump()["tolerance"] == 0.01
    assert (spec.objective, spec.rft.group_size) == (Objective.RFT, 8)
    await user.should_see("Numeric answer")
    await user.should_see("Job Details")
    assert user.back_history[-1] == f"/dashboard/fine-tuning/reinforcement/{job.id}"


@pytest.mark.usefixtures("sums")
async def test_a_grader_is_tried_before_training_and_a_constant_one_is_refused(user: User, studio: Studio) -> None:
    await open_grader(user)
    choose(user, "grader-form", "regex")  # begins with <answer>…</answer>
    user.find("try-grader").click()
    await user.should_see("The grader gives 0 to every answer: 60 were tried")
    for text in ("Mean", "Spread", "another row's reference", "What is 0 + 0?"):
        await user.should_see(text)
    await user.should_not_see("What is 11 + 11?")
    user.find("more-prompts").click()
    await user.should_see("What is 11 + 11?")

    user.find("create").click()
    await user.should_see(marker="create-problem")
    await user.should_see("A constant reward teaches nothing.")
    assert not studio.runs.search(Query(objective=Objective.RFT)).rows

    user.find("add-answer").click()
    await user.should_see(marker="answer-0")
    user.find("answer-0").type("<answer>{{ item.answer }}</answer>")
    user.find("try-grader").click()
    await user.should_see("The grader tells answers apart")
    await user.should_see("typed in, 1")
    user.find("create").click()
    assert (await job_of(studio, Objective.RFT)).objective is Objective.RFT


@pytest.mark.usefixtures("sums")
async def test_several_graders_and_a_formula_as_fields_and_as_text(user: User, studio: Studio) -> None:
    await open_grader(user)
    choose(user, "grader-form", "string_check")
    user.find("grader-reference").type("{{ item.answer }}")
    choose(user, "grader-form", "multi")
    user.find("grader-name-0").clear().type("right")
    user.find("add-grader").click()
    await user.should_see(marker="grader-name-1")
    user.find("grader-name-1").clear().type("right")
    await user.should_see("Another grader is called “right”.")
    user.find("grader-name-1").clear().type("1st")
    await user.should_see("Letters, digits and _ only")
    user.find("grader-name-1").clear().type("brief")
    choose(user, "grader-form-1", "length")
    user.find("grader-graders-brief-most").clear().type("40")
    user.find("grader-formula").clear().type("0.8 * right + 0.2 * brief")

    user.find("grader-view-JSON").click()
    (area,) = user.find("grader-text").elements
    assert isinstance(area, ui.textarea)
    content = json.loads(area.value or "")
    assert list(content["graders"]) == ["right", "brief"]
    assert content["graders"]["brief"]["most"] == 40
    area.value = "{"
    await user.should_see("neither JSON nor YAML")
    # Whatever was written, its fields can be shown.
    odd = [{"type": "string_check", "operation": "maybe"}, {"type": "multi", "graders": {"a": 5, "b": {"type": "x"}}}]
    for wrong in (
        *odd,
        {"type": "score_model", "range": 3, "input": [7]},
        {"type": 9},
        {"type": "python", "source": []},
    ):
        area.value = json.dumps(wrong)
        user.find("grader-view-Fields").click()
        user.find("grader-view-JSON").click()
        (area,) = user.find("grader-text").elements
        assert isinstance(area, ui.textarea)
        assert json.loads(area.value or "") == wrong
    area.value = json.dumps(content | {"calculate_output": "right"})
    user.find("grader-view-YAML").click()
    (area,) = user.find("grader-text").elements
    assert isinstance(area, ui.textarea)
    assert "calculate_output: right" in (area.value or "")
    user.find("grader-view-Fields").click()
    (formula,) = user.find("grader-formula").elements
    assert isinstance(formula, ui.input)
    assert formula.value == "right"

    # A reload forgets nothing.
    for _ in range(300):
        draft = studio.drafts.load("new-rft")
        if draft and (draft["rft"]["grader"] or {}).get("calculate_output") == "right":
            break
        await asyncio.sleep(0.1)
    await user.open(f"{WIZARD}&step=3")
    (formula,) = user.find("grader-formula").elements
    assert isinstance(formula, ui.input)
    assert formula.value == "right"


async def test_a_program_is_shown_locked_where_nobody_has_allowed_it(user: User, sums: Dataset) -> None:
    await open_grader(user)
    choose(user, "grader-form", "python")
    await user.should_see("Python graders are switched off here.")
    (source,) = user.find("grader-source").elements
    assert "readonly" in source.props
    user.find("try-grader").click()
    await user.should_see(marker="trial-problem")
    (problem,) = user.find("trial-problem").elements
    assert "switched off" in str(getattr(problem, "text", ""))
    assert sums.rows == 12


def step_of(step: int, prompts: int) -> bytes:
    """Of each prompt four answers; the first prompt's are all the same."""
    groups = []
    for line in range(1, prompts + 1):
        rewards = (0.5,) * 4 if line == 1 else (0.0, 1.0, 0.25, None)
        answers = [
            RolloutAnswer(
                text=f"Step {step}, prompt {line}, answer {at}",
                tokens=7,
                reward=reward,
                parts={} if reward is None else {"right": reward},
                error="There is no item.total." if reward is None else "",
                advantage=(reward or 0) - 0.3,
            )
            for at, reward in enumerate(rewards)
        ]
        groups.append(RolloutGroup(line=line, prompt=f"What is {line}?", item="{}", answers=tuple(answers)))
    record = RolloutStep(step=step, reward=0.41, reward_std=0.2, tokens=7, groups=tuple(groups))
    return record.model_dump_json().encode() + b"\n"


async def test_rollouts_are_inspected_while_the_job_runs(
    user: User, studio: Studio, signals: Signals, asked: JobSpec, sums: Dataset
) -> None:
    grader = {"type": "numeric_answer", "reference": "{{ item.answer }}"}
    spec = JobSpec.model_validate(
        asked.model_dump() | {"objective": "rft", "dataset": sums.id, "rft": {"grader": grader}}
    )
    job = studio.runs.submit(spec, actor=studio.people.actor())
    claimed = studio.runs.claim_next()
    assert claimed
    attempt = studio.runs.folder(job.id).attempt(claimed.attempt)
    attempt.claim(claimed.token)
    await user.open("/dashboard/fine-tuning?type=reinforcement")
    (table,) = user.find(ui.table).elements
    assert [row["url"] for row in table.rows] == [f"/dashboard/fine-tuning/reinforcement/{job.id}"]
    await user.open(f"/dashboard/fine-tuning/reinforcement/{job.id}")
    for text in ("Group Size", "Numeric answer", "Reward", "Share of prompts that teach nothing"):
        await user.should_see(text)
    await user.should_not_see("Rollouts")

    def tell(*events: Metric | Warn) -> None:
        signals.feed.emit(FeedUpdate(job_id=job.id, attempt=claimed.attempt, events=events))

    with attempt.rollouts.open("ab") as file:
        file.write(step_of(1, prompts=6))
    values = {"reward": 0.41, "reward_std": 0.2, "completion_tokens": 7.0, "kl": 0.01}
    tell(Metric(seq=0, step=1, epoch=0.1, values=values))
    await user.should_see("Step 1: mean reward 0.41, spread within a prompt 0.2, 7 tokens an answer")
    for text in ("What is 1?", "no spread: nothing is learned from it", "best", "worst", "advantage +0.70", "right 1"):
        await user.should_see(text)
    await user.should_see("There is no item.total.")
    await user.should_see("Prompts 1–4 of 6")
    (chart,) = user.find("chart-reward").elements
    assert chart.figure["data"][0]["y"] == [0.41]
    user.find("rollout-next").click()
    await user.should_see("Prompts 5–6 of 6")
    await user.should_see("What is 6?")

    # The newest step comes by itself, until somebody chooses one.
    with attempt.rollouts.open("ab") as file:
        file.write(step_of(2, prompts=2))
    tell(Metric(seq=1, step=2, epoch=0.2, values=values))
    await user.should_see("Step 2, prompt 2, answer 1")
    choose(user, "rollout-step", "1")
    await user.should_see("Step 1, prompt 2, answer 1")
    with attempt.rollouts.open("ab") as file:
        file.write(step_of(3, prompts=2))
    alarm = Warn(seq=3, code="zero_spread", message="75% of the groups all got the same reward. Take easier prompts.")
    tell(Metric(seq=2, step=3, epoch=0.3, values=values), alarm)
    await user.should_see("All answers to a prompt get the same reward")
    await user.should_see("Take easier prompts.")
    await user.should_see("Step 1, prompt 2, answer 1")
    choose(user, "rollout-order", "highest-reward")
    await user.should_see("What is 2?")
    user.find("see-zero_spread").click()
    (order,) = user.find("rollout-order").elements
    for _ in range(300):
        if order.value == "lowest-spread":  # type: ignore[attr-defined]
            break
        await asyncio.sleep(0.1)
    user.find("rollout-newest").click()
    await user.should_see("Step 3, prompt 2, answer 1")
