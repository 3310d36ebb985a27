"""What the wizard's user has typed so far, valid or not, shaped like a `JobSpec`. Errors become sentences here."""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from core.warm_start import Before
from storage.methods import Adapter, Full, Lora, Prefix, Qlora, Record
from storage.objectives import Dpo, Rft
from storage.retention import Checkpointing
from storage.spec import HoldOut, Hyperparameters, JobSpec, NoEvaluation, OtherDataset
from ui.texts import say

Content = dict[str, Any]

#: Where a path of the form finds its field's title, bounds and help.
OWNERS: dict[str, type[Record]] = {
    "": JobSpec,
    "hyperparameters": Hyperparameters,
    "checkpoints": Checkpointing,
    "dpo": Dpo,
    "rft": Rft,
}
#: Method → its fields, with title, bounds and help.
METHODS: dict[str, type[Record]] = {"lora": Lora, "qlora": Qlora, "prefix": Prefix, "adapter": Adapter, "full": Full}
#: pydantic puts the chosen member of a union into an error's location.
UNION_TAGS = frozenset({"lora", "qlora", "prefix", "adapter", "full", "none", "hold_out", "dataset"})


class SpecForm:
    """Paths are dotted: `hyperparameters.epochs`."""

    def __init__(self, content: Content | None = None) -> None:
        self.content: Content = blank()
        if content:
            _merge(self.content, content)
        self._listeners: list[Callable[[], None]] = []
        self._other_methods: dict[str, Content] = {}

    def has(self, path: str) -> bool:
        """Fields of another method than the chosen one are not there."""
        value: Any = self.content
        for key in path.split("."):
            if not isinstance(value, dict) or key not in value:
                return False
            value = value[key]
        return True

    def get(self, path: str) -> Any:
        value: Any = self.content
        for key in path.split("."):
            value = value[key]
        return value

    def choose_method(self, kind: str) -> None:
        """What was typed for the method before it is there again when it is chosen again."""
        before = self.content["method"]
        if before["kind"] != kind:
            self._other_methods[before["kind"]] = before
            self.set("method", self._other_methods.get(kind) or METHODS[kind]().model_dump(mode="json"))

    def set(self, path: str, value: Any) -> None:
        *parents, last = path.split(".")
        target = self.content
        for key in parents:
            target = target[key]
        if target[last] != value:
            target[last] = value
            for listener in list(self._listeners):
                listener()

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def spec(self) -> JobSpec | None:
        """The spec, where everything in the form is valid."""
        try:
            return JobSpec.model_validate(self.content)
        except ValidationError:
            return None

    def problems(self) -> dict[str, str]:
        """Path → sentence, for everything that cannot be sent as it is."""
        try:
            JobSpec.model_validate(self.content)
        except ValidationError as error:
            return dict(_sentences(error))
        return {}

    def problem(self, path: str) -> str | None:
        return self.problems().get(path)


def blank() -> Content:
    """The form's defaults are the spec's."""
    return JobSpec.model_construct(model="", dataset="").model_dump(mode="json")


def take_over(form: SpecForm, before: Before) -> None:
    """Go on from a custom model: its model, and at first its method with the same parameters."""
    form.set("start_from", before.id)
    form.set("model", before.model_id)
    form.set("method", before.method.model_dump(mode="json"))


def clone_of(spec: JobSpec) -> Content:
    """The same job once more: names and ids are made anew."""
    return {**spec.model_dump(mode="json"), "job_id": "", "output_name": ""}


def evaluation_content(choice: str) -> Content:
    """The evaluation dropdown's value as the spec writes it: `none`, `hold_out`, or a dataset's id."""
    if choice == "none":
        return NoEvaluation().model_dump()
    return HoldOut().model_dump() if choice == "hold_out" else OtherDataset(dataset=choice).model_dump()


def owner_of(path: str) -> type[Record] | None:
    """The record that a path's field belongs to; None where there is no such field."""
    *parents, name = path.split(".")
    if parents == ["method"]:
        return next((method for method in METHODS.values() if name in method.model_fields), None)
    return OWNERS.get(".".join(parents))


def _merge(into: Content, news: Content) -> None:
    """Take over what is still known: a draft of an older version must not break the form."""
    for key, value in news.items():
        if key == "method" and isinstance(value, dict) and value.get("kind") in METHODS:
            into[key] = METHODS[value["kind"]]().model_dump(mode="json")
            _merge(into[key], value)
        elif _is_union(key, value):
            into[key] = value
        elif key in into and isinstance(into[key], dict) and isinstance(value, dict):
            _merge(into[key], value)
        elif key in into and not isinstance(into[key], dict) and not isinstance(value, dict):
            into[key] = value


def _is_union(key: str, value: Any) -> bool:
    """One of several shapes: taken over whole, or not at all."""
    if key == "grader":
        return isinstance(value, dict | None)
    return key == "evaluation" and isinstance(value, dict) and value.get("kind") in UNION_TAGS


def _sentences(error: ValidationError) -> Iterator[tuple[str, str]]:
    for details in error.errors():
        keys = [str(key) for key in details["loc"]]
        if keys[:2] == ["rft", "grader"]:  # the grader's editor shows which field
            yield "rft.grader", say("The grader is not complete yet.")
            continue
        path = ".".join(key for at, key in enumerate(keys) if at == 0 or key not in UNION_TAGS)
        yield path, _sentence(path, details)


CHOOSE = {"model": "Choose a model first.", "dataset": "Choose a dataset first."}


def _sentence(path: str, details: ErrorDetails) -> str:
    owner, last = owner_of(path), path.rpartition(".")[2]
    field = owner.model_fields.get(last) if owner else None
    title = say((field and field.title) or last.replace("_", " "))
    value = details["input"]
    if path in CHOOSE:
        return say(CHOOSE[path])
    if value is None or str(value).strip() == "":
        return (
            say("{title} is empty. Give {wanted}.", title=title, wanted=bounds_in_words(owner, last))
            if owner
            else say("{title} is empty.", title=title)
        )
    reason = f" {say(field.description)}." if field and field.description and "pattern" in details["type"] else ""
    wanted = say("Give {wanted}.", wanted=bounds_in_words(owner, last)) if owner and not reason else ""
    return say(
        "{title} cannot be “{value}”.{reason} {wanted}",
        title=title,
        value=str(value)[:60],
        reason=reason,
        wanted=wanted,
    ).strip()


def bounds_in_words(owner: type[Record], name: str) -> str:
    """`a whole number from 1 to 1000`, out of the field's own bounds."""
    bounds = bounds_of(owner, name)
    kind = owner.model_fields[name].annotation
    if kind is str:
        return (
            say("at most {count:,} character | at most {count:,} characters", count=bounds["max_length"])
            if "max_length" in bounds
            else say("a text")
        )
    noun = say("a whole number" if kind is int else "a number")
    most = number(bounds["le"]) if "le" in bounds else ""
    if "lt" in bounds and "ge" in bounds:
        return say(
            "{noun} from {least} to below {most}", noun=noun, least=number(bounds["ge"]), most=number(bounds["lt"])
        )
    if "ge" in bounds:
        return (
            say("{noun} from {least} to {most}", noun=noun, least=number(bounds["ge"]), most=most)
            if most
            else say("{noun} of {least} or more", noun=noun, least=number(bounds["ge"]))
        )
    return say("{noun} above {least}", noun=noun, least=number(bounds.get("gt", 0))) + (
        say(" and at most {most}", most=most) if most else ""
    )


def bounds_of(owner: type[Record], name: str) -> dict[str, Any]:
    """ge, gt, le, lt, max_length as far as the field has them."""
    found: dict[str, Any] = {}
    for item in owner.model_fields[name].metadata:
        for bound in ("ge", "gt", "le", "lt", "max_length"):
            value = getattr(item, bound, None)
            if value is not None:
                found[bound] = value
    return found


def number(value: float) -> str:
    """0.0001 as people write it, not as 1e-04."""
    return f"{value:.10f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
