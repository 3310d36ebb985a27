"""An input generated from a field of the spec: its title, bounds and help sentence; checked on the server."""

from typing import Any, Literal, get_args, get_origin

from nicegui import ui

from storage.methods import Record
from ui.components.spec_form import SpecForm, bounds_of, number, owner_of
from ui.components.text import Text, box
from ui.texts import say


def spec_field(form: SpecForm, path: str, *, title: str = "", placeholder: str = "", scope: str = "field") -> ui.input:
    """`path` is a number or a text of the form: `hyperparameters.epochs`. The same path may be shown twice on a page,
    each time with another `scope`; both follow the form. A field that the form does not have now is not shown."""
    owner, name = _owner(path), path.rpartition(".")[2]
    field = owner.model_fields[name]
    anchor = f"{scope}-{path.replace('.', '-')}"
    with box("ts-field") as place:
        Text("label", title or field.title or name, "ts-label").props["for"] = anchor
        entry = ui.input(
            value=_shown(form.get(path)) if form.has(path) else "",
            placeholder=say(placeholder),
            on_change=lambda event: _take(form, path, event.value or ""),
            validation=lambda _: form.problem(path),
        )
        entry.props("outlined dense").classes("ts-input").mark(path)
        entry.props["for"] = anchor
        entry.props["aria-describedby"] = f"{anchor}-help"
        if field.annotation in (int, float):
            entry.props(_number_props(bounds_of(owner, name), is_whole=field.annotation is int))
        Text("p", f"{field.description}", "ts-help").props["id"] = f"{anchor}-help"
    place.visible = form.has(path)

    def follow() -> None:
        if entry.is_deleted:
            forget()
        else:
            place.visible = form.has(path)
            _follow(entry, form, path)

    forget = form.on_change(follow)
    return entry


def _take(form: SpecForm, path: str, text: str) -> None:
    """What was typed; an input that only follows the form changes nothing there."""
    if form.has(path) and _shown(form.get(path)) != text:
        form.set(path, text)


def _follow(entry: ui.input, form: SpecForm, path: str) -> None:
    if form.has(path) and _shown(form.get(path)) != (entry.value or ""):
        entry.value = _shown(form.get(path))


def spec_entry(form: SpecForm, path: str, *, scope: str = "field") -> ui.input | None:
    """Whatever fits the field's type. Only an input can hold something that cannot be sent, so only it is returned."""
    kind = _owner(path).model_fields[path.rpartition(".")[2]].annotation
    if kind is bool:
        spec_checkbox(form, path)
    elif get_origin(kind) is Literal:
        spec_select(form, path, scope=scope)
    else:
        return spec_field(form, path, scope=scope)
    return None


def _owner(path: str) -> type[Record]:
    owner = owner_of(path)
    if owner is None:
        raise KeyError(path)
    return owner


def spec_select(form: SpecForm, path: str, *, scope: str = "field") -> ui.select:
    """A field that is one of a few words."""
    name = path.rpartition(".")[2]
    field = _owner(path).model_fields[name]
    anchor = f"{scope}-{path.replace('.', '-')}"
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
    field = _owner(path).model_fields[path.rpartition(".")[2]]
    with box("ts-field ts-check"):
        box_ = ui.checkbox(
            say(field.title or path),
            value=bool(form.get(path)) and not coming,
            on_change=lambda event: form.set(path, bool(event.value)),
        )
        box_.props("dense").classes("ts-checkbox").mark(path)
        Text("p", f"{coming or field.description}", "ts-help")
    if coming:
        box_.disable()
    else:

        def follow() -> None:
            if box_.is_deleted:
                forget()
            elif form.has(path) and box_.value != bool(form.get(path)):
                box_.value = bool(form.get(path))

        forget = form.on_change(follow)
    return box_


def _shown(value: Any) -> str:
    return number(value) if isinstance(value, int | float) else str(value)


def _number_props(bounds: dict[str, Any], *, is_whole: bool) -> str:
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le")
    limits = [f"min={number(low)}" if low is not None else "", f"max={number(high)}" if high is not None else ""]
    return " ".join(["type=number", f"step={1 if is_whole else 'any'}", *filter(None, limits)])
