"""An input generated from a field of the spec: its title, bounds and help sentence; checked on the server."""

from typing import Any, get_args

from nicegui import ui

from ui.components.spec_form import OWNERS, SpecForm, bounds_of, number
from ui.components.text import Text, box


def spec_field(form: SpecForm, path: str, *, title: str = "", placeholder: str = "", scope: str = "field") -> ui.input:
    """`path` is a number or a text of the form: `hyperparameters.epochs`. The same path may be shown twice on a page,
    each time with another `scope`; both follow the form."""
    *parents, name = path.split(".")
    owner = OWNERS[".".join(parents)]
    field = owner.model_fields[name]
    anchor = f"{scope}-{path.replace('.', '-')}"
    with box("ts-field"):
        Text("label", title or field.title or name, "ts-label").props["for"] = anchor
        entry = ui.input(
            value=_shown(form.get(path)),
            placeholder=placeholder,
            on_change=lambda event: form.set(path, event.value or ""),
            validation=lambda _: form.problem(path),
        )
        entry.props("outlined dense").classes("ts-input").mark(path)
        entry.props["for"] = anchor
        entry.props["aria-describedby"] = f"{anchor}-help"
        if field.annotation in (int, float):
            entry.props(_number_props(bounds_of(owner, name), is_whole=field.annotation is int))
        Text("p", f"{field.description}", "ts-help").props["id"] = f"{anchor}-help"
    form.on_change(lambda: _follow(entry, form.get(path)))
    return entry


def _follow(entry: ui.input, value: Any) -> None:
    if _shown(value) != (entry.value or ""):
        entry.value = _shown(value)


def spec_select(form: SpecForm, path: str) -> ui.select:
    """A field that is one of a few words."""
    *parents, name = path.split(".")
    field = OWNERS[".".join(parents)].model_fields[name]
    anchor = f"field-{path.replace('.', '-')}"
    with box("ts-field"):
        Text("label", field.title or name, "ts-label").props["for"] = anchor
        entry = ui.select(
            list(get_args(field.annotation)), value=form.get(path), on_change=lambda event: form.set(path, event.value)
        )
        entry.props(f"outlined dense for={anchor} popup-content-class=ts-menu aria-describedby={anchor}-help")
        entry.classes("ts-input").mark(path)
        Text("p", f"{field.description}", "ts-help").props["id"] = f"{anchor}-help"
    return entry


def spec_checkbox(form: SpecForm, path: str, *, coming: str = "") -> ui.checkbox:
    """`coming` is the reason why it cannot be chosen yet."""
    *parents, name = path.split(".")
    field = OWNERS[".".join(parents)].model_fields[name]
    with box("ts-field ts-check"):
        box_ = ui.checkbox(
            field.title or path,
            value=bool(form.get(path)) and not coming,
            on_change=lambda event: form.set(path, bool(event.value)),
        )
        box_.props("dense").classes("ts-checkbox").mark(path)
        Text("p", f"{coming or field.description}", "ts-help")
    if coming:
        box_.disable()
    else:
        form.on_change(lambda: _check(box_, checked=bool(form.get(path))))
    return box_


def _check(entry: ui.checkbox, *, checked: bool) -> None:
    if entry.value != checked:
        entry.value = checked


def _shown(value: Any) -> str:
    return number(value) if isinstance(value, int | float) else str(value)


def _number_props(bounds: dict[str, Any], *, is_whole: bool) -> str:
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le")
    limits = [f"min={number(low)}" if low is not None else "", f"max={number(high)}" if high is not None else ""]
    return " ".join(["type=number", f"step={1 if is_whole else 'any'}", *filter(None, limits)])
