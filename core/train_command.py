"""A job as the command, and as the file, that ask for the same. Pure. No spec holds a key, so neither do these."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from storage.spec import JobSpec, Objective

#: What the command fills in by itself where it is not named, so it is always named.
NAMED = ("objective", "model", "dataset", "method", "hyperparameters")
LONG = 1 << 20


def asked_fields(spec: JobSpec) -> dict[str, Any]:
    """The fields in which a spec differs from the defaults, and those that a command would choose otherwise."""
    content, usual = spec.model_dump(mode="json"), _defaults(spec)
    found = {name: _differing(value, usual[name], name) for name, value in content.items() if name not in NAMED}
    kept = {name: value for name, value in found.items() if value != usual[name] and value != {}}
    method = {"kind": spec.method.kind} | _differing(content["method"], usual["method"], "method")
    rate = {"learning_rate": spec.hyperparameters.learning_rate}
    numbers = _differing(content["hyperparameters"], usual["hyperparameters"], "hyperparameters") | rate
    named = {name: content[name] for name in NAMED[:3]}
    return named | {"method": method, "hyperparameters": numbers} | kept


def as_yaml(fields: dict[str, Any]) -> str:
    """For `tunesmith train --spec FILE`."""
    return yaml.dump(fields, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def as_command(spec: JobSpec, data_dir: Path | None = None) -> str:
    """For a POSIX shell, an option a line. `data_dir` is the data folder where it is not the platform's own."""
    fields = asked_fields(spec)
    options = [("--model", fields.pop("model")), ("--method", fields["method"].pop("kind"))]
    if (objective := fields.pop("objective")) != Objective.SFT:
        options.append(("--objective", objective))
    if start := fields.pop("start_from", ""):
        options.append(("--start-from", start))
    numbers = fields["hyperparameters"]
    options += [("--epochs", str(numbers.pop("epochs")))] if "epochs" in numbers else []
    options += [("--devices", str(fields.pop("devices")))] if "devices" in fields else []
    if all(prompt.isprintable() for prompt in fields.get("sample_prompts", [])):
        options += [("--sample-prompt", prompt) for prompt in fields.pop("sample_prompts", [])]
    options += [("--tracker", tracker) for tracker in fields.pop("trackers", [])]
    options += [("--set", f"{name}={_inline(value)}") for name, value in _leaves(fields)]
    options += [("--data-dir", str(data_dir))] if data_dir else []
    return " \\\n  ".join(["tunesmith train", *(_option(name, value) for name, value in options)])


def _defaults(spec: JobSpec) -> dict[str, Any]:
    """With a start, the method's parameters are its own unless they are named: none is usual."""
    method = type(spec.method)().model_dump(mode="json") if not spec.start_from else {}
    usual = JobSpec.model_construct(model="", dataset="").model_dump(mode="json")
    return usual | {"method": method}


def _differing(value: Any, usual: Any, name: str) -> Any:
    if name == "evaluation":  # what a kind holds means nothing without the kind
        return {} if value == usual else value
    if not isinstance(value, dict) or not isinstance(usual, dict):
        return value
    return {key: part for key, part in value.items() if key not in usual or usual[key] != part}


def _leaves(fields: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names. A grader nests, so it is written whole."""
    for name, value in fields.items():
        if isinstance(value, dict) and name != "grader":
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _inline(value: Any) -> str:
    """YAML on one line, as --set reads it."""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=LONG)
    return text.removesuffix("\n").removesuffix("\n...")


class _Dumper(yaml.SafeDumper):
    """Escapes what is no printable character: PyYAML writes some line breaks of Unicode bare, and reads them as one."""

    def represent_str(self, text: str) -> yaml.ScalarNode:
        # A block's first and last line breaks mean something, and --set takes the last one away.
        is_block = text == text.strip() and text.replace("\n", "").isprintable()
        style = None if text.isprintable() else "|" if is_block else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def _option(name: str, value: str) -> str:
    """A value that begins with a dash would be taken for an option."""
    return f"{name}={shlex.quote(value)}" if value.startswith("-") else f"{name} {shlex.quote(value)}"
