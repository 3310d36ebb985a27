"""Job Details and Configuration: every field of the spec as it runs, with what was changed and why."""

from core.devices import Device
from storage.methods import Method
from storage.objectives import Dpo, Rft
from storage.spec import HoldOut, NoEvaluation, Objective, RunSpec, StartRef, Way
from storage.status import Status
from storage.tables import Job
from ui import routes
from ui.components.clock import full_date
from ui.components.facts import fact
from ui.components.folded import Folded
from ui.components.grader_words import FORMS
from ui.components.method_words import METHOD_WORDS
from ui.components.quantity import counted
from ui.components.spec_form import number
from ui.components.status_pill import StatusPill
from ui.components.text import Text, box, heading
from ui.texts import say

STOPS = "After {count} evaluation | After {count} evaluations"
TYPES = {Objective.SFT: "Conversation", Objective.DPO: "Preference", Objective.RFT: "Reinforcement"}
EXPORTED = {"auto": "Best where early stopping is on, else last", "last": "Last", "best": "Best"}
#: What is asked for first; the rest of the configuration is folded, save what was changed.
ALWAYS_SHOWN = frozenset(
    {"Epochs", "Batch Size", "Method", "LoRA Rank", "Learning Rate", "Max Context Length", "Chunk Size", "Turbo Mode",
     "Grader", "Group Size", "Beta"}
)  # fmt: skip
WAYS = {
    Way.CONTINUE: "Its adapter is trained on.",
    Way.MERGE: "Its adapter is merged into the base model first.",
    Way.WEIGHTS: "Its weights take the base model’s place.",
}


class JobDetails:
    def __init__(self, job: Job, spec: RunSpec, output_path: str) -> None:
        with box("ts-card", "section", label="Job Details"):
            heading("Job Details", 2)
            with box("ts-facts", "dl"):
                href = routes.custom_model(job.id) if job.status is Status.COMPLETED else ""
                fact("Output Model", job.output_name, copy=output_path, path=output_path, href=href)
                fact("Base Model", spec.model.name, copy=spec.model.id, href=routes.models(q=spec.model.id))
                if spec.start:
                    began = WAYS[spec.start.way]
                    fact(
                        "Continued From",
                        spec.start.name,
                        copy=spec.start.address,
                        note=began,
                        href=made_by(spec.start),
                    )
                fact("Type", TYPES[spec.objective])
                self._state(job.status)
                self._devices(spec)
                fact("Created On", full_date(job.created_at))
                fact("Created By", job.created_by_name, note=job.created_by_email)
            self._descent = box("ts-facts", "dl")
            self._descent.visible = False
        _configuration(spec)

    def _state(self, status: Status) -> None:
        with box("ts-fact"):
            Text("dt", "State")
            with box("ts-fact-value ts-state", "dd"):
                self._spinner = box("ts-spinner").props("aria-hidden=true")
                self._pill = StatusPill(status)

    def _devices(self, spec: RunSpec) -> None:
        """What it runs on now; while it does not run, what it will need."""
        self._needs = "Processor" if spec.compute.device == "cpu" else gpus(spec.compute.devices)
        with box("ts-fact"):
            Text("dt", "Device")
            with box("ts-fact-value", "dd"):
                self._device = Text("span", self._needs).mark("device")
                self._device_note = Text("p", "", "ts-note")

    def show_descent(self, goes_on_in: tuple[Job, ...]) -> None:
        """The jobs that began with what this one has made."""
        self._descent.visible = bool(goes_on_in)
        with self._descent:
            for child in goes_on_in:
                fact("Goes on in", child.title, copy=child.id, href=routes.job(child.id, child.objective))

    def show(self, job: Job, devices: tuple[Device, ...] = ()) -> None:
        self._pill.show(job.status)
        on_gpus = [device for device in devices if device.kind != "cpu"]
        self._device.text = ", ".join(f"{d.label} ({d.name})" for d in on_gpus) or self._needs
        self._device_note.text = ", ".join(device.uuid for device in on_gpus)
        self._spinner.visible = job.status.is_live


def made_by(start: StartRef) -> str:
    """A checkpoint's job may have no output, so its own page is where it stands."""
    return routes.job(start.job_id) if start.step else routes.custom_model(start.job_id)


def gpus(count: int) -> str:
    return say("{count} GPU | {count} GPUs", count=count)


def _configuration(spec: RunSpec) -> None:
    asked, runs = spec.asked, spec.hyperparameters
    reasons = {
        change.field: say("{asked} was asked: {reason}.", asked=change.asked, reason=say(change.reason))
        for change in spec.changes
    }
    rows = [
        ("Epochs", number(runs.epochs)),
        ("Batch Size", counted(runs.batch_size, "tokens")),
        *_method(spec.method),
        ("Learning Rate", number(runs.learning_rate)),
        ("Max Context Length", number(runs.max_context_length)),
        ("Chunk Size", "Not set"),
        ("Gradient Accumulation Steps", number(runs.gradient_accumulation_steps)),
        ("Learning Rate Warmup Steps", number(runs.warmup_steps)),
        ("Learning Rate Schedule", runs.scheduler),
        ("Weight Decay", number(runs.weight_decay)),
        ("Gradient Clipping", number(runs.max_gradient_norm) if runs.max_gradient_norm else "Off"),
        ("NEFTune", number(runs.neftune_alpha) if runs.neftune_alpha else "Off"),
        ("Evaluate Every N Steps", number(runs.eval_steps) if runs.eval_steps else "Epoch ends only"),
        ("Early Stopping", say(STOPS, count=runs.early_stopping) if runs.early_stopping else "Off"),
        ("Exported Step", EXPORTED[runs.export_step]),
        ("Chat Template", "Custom" if spec.model.chat_template else "The model's own"),
        ("Seed", number(runs.seed)),
        ("Turbo Mode", "On" if asked.turbo else "Off"),
        ("Weights & Biases", "On" if asked.wandb or "wandb" in asked.trackers else "Off"),
    ]
    if spec.objective is Objective.DPO:
        rows[1:1] = _preference(spec.dpo)
    if spec.objective is Objective.RFT:
        rows[1:1] = _reinforcement(spec.rft)
    if runs.micro_batch_tokens:
        rows.insert(2, ("Micro-Batch Size", counted(spec.compute.micro_batch_tokens, "tokens")))
    with box("ts-card", "section", label="Configuration"):
        heading("Configuration", 2)
        with box("ts-facts", "dl"):
            dataset = spec.dataset
            note = counted(dataset.rows, "examples")
            fact("Dataset", dataset.name, copy=dataset.id, note=note, href=routes.dataset(dataset.id))
            _evaluation(spec)
            rare = []
            for term, value in rows:
                if term in reasons or term in ALWAYS_SHOWN:
                    fact(term, value, note=reasons.pop(term, ""))
                else:
                    rare.append((term, value))
            for term, reason in reasons.items():
                fact(term, "changed", note=reason)
        more = say("{count} more setting | {count} more settings", count=len(rare))
        with Folded(more, marker="more-settings"), box("ts-facts", "dl"):
            for term, value in rare:
                fact(term, value)


def _method(method: Method) -> list[tuple[str, str]]:
    """Every field that the method has; a title without the symbol that formulas know it by."""
    rows = [("Method", METHOD_WORDS[method.kind].name)]
    for name, field in type(method).model_fields.items():
        if name != "kind":
            value = getattr(method, name)
            shown = ("On" if value else "Off") if isinstance(value, bool) else value
            rows.append(((field.title or name).partition(" (")[0], shown if isinstance(shown, str) else number(shown)))
    return rows


def _preference(dpo: Dpo) -> list[tuple[str, str]]:
    return [
        ("Beta", number(dpo.beta)),
        ("Loss Type", dpo.loss),
        ("Label Smoothing", number(dpo.label_smoothing)),
        ("SFT Weight", number(dpo.sft_weight)),
        ("Reference", "None" if dpo.reference_free else "The model as it starts"),
    ]


def _reinforcement(rft: Rft) -> list[tuple[str, str]]:
    return [
        ("Grader", FORMS[rft.grader.type].title if rft.grader else "N/A"),
        ("Group Size", number(rft.group_size)),
        ("Prompts per Step", number(rft.prompts_per_step)),
        ("Temperature", number(rft.temperature)),
        ("Top P", number(rft.top_p)),
        ("Max Completion Length", counted(rft.max_completion_tokens, "tokens")),
        ("KL Beta", number(rft.kl_beta)),
        ("Loss Type", rft.loss),
        ("Scale Rewards", "On" if rft.scale_rewards else "Off"),
    ]


def _evaluation(spec: RunSpec) -> None:
    if spec.evaluation_dataset:
        other = spec.evaluation_dataset
        fact("Evaluation Dataset", other.name, copy=other.id, href=routes.dataset(other.id))
    elif isinstance(spec.evaluation, HoldOut):
        share = f"{100 * spec.evaluation.share:g} %"
        fact(
            "Evaluation Dataset",
            say("{share} held out", share=share),
            note=say("{share} of the dataset, chosen by the seed", share=share),
        )
    elif isinstance(spec.evaluation, NoEvaluation):
        fact("Evaluation Dataset", "N/A")
