"""Going on from a finished job: which way a method begins there, and that the new run needs the old one no more."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import main
from core.errors import BadInput, Conflict
from core.people import Actor
from core.start_folder import digest
from core.studio import Studio
from core.warm_start import completed, way_on
from storage import manifest
from storage.methods import Adapter, Full, Lora, Method, Prefix, Qlora
from storage.retention import alone_with
from storage.spec import JobSpec, ModelRef, Way

ALICE = Actor("Alice", "alice@example.org")


@pytest.mark.parametrize(
    ("before", "now", "way"),
    [
        (Lora(), Lora(dropout=0), Way.CONTINUE),
        (Lora(), Qlora(), Way.CONTINUE),
        (Qlora(bits=8), Lora(), Way.CONTINUE),
        (Prefix(length=8), Prefix(length=8), Way.CONTINUE),
        (Lora(rank=4), Lora(), Way.MERGE),
        (Lora(), Full(), Way.MERGE),
        (Qlora(), Prefix(), Way.MERGE),
        (Full(), Full(), Way.WEIGHTS),
        (Full(), Qlora(), Way.WEIGHTS),
    ],
    ids=str,
)
def test_the_way_on(before: Method, now: Method, way: Way) -> None:
    assert way_on(before, now) is way


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (Prefix(length=8), Lora(), r"cannot be merged into the weights.*Keep its method and parameters \(length 8\)"),
        (Adapter(), Adapter(size=8), "cannot be merged.*size 64, activation gelu, placement houlsby"),
        (Lora(rank=4), Qlora(), "packs the base model's weights as they are read.*or choose LoRA"),
    ],
)
def test_where_there_is_no_way_the_sentence_says_what_to_keep(before: Method, now: Method, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        way_on(before, now)


def tuned(studio: Studio, asked: JobSpec, method: Method) -> str:
    """A job with an output, as if it had been trained."""
    job = studio.runs.submit(asked.model_copy(update={"method": method}), actor=ALICE)
    output = studio.runs.folder(job.id).output
    partial = output.with_name("output.partial")
    partial.mkdir()
    (partial / "adapter_model.safetensors").write_bytes(b"weights")
    manifest.seal(partial, output)
    return str(job.id)


def test_a_run_keeps_what_it_begins_with(studio: Studio, asked: JobSpec) -> None:
    first = tuned(studio, asked, Lora())
    job = studio.runs.submit(asked.model_copy(update={"start_from": first}), actor=ALICE)
    folder = studio.runs.folder(job.id)
    start = folder.spec().start
    assert start is not None
    assert (start.job_id, start.way, start.method) == (first, Way.CONTINUE, Lora())
    shutil.rmtree(studio.runs.folder(first).path)
    assert manifest.damage(folder.start) is None
    assert (folder.start / "adapter_model.safetensors").read_bytes() == b"weights"


def saved(studio: Studio, job_id: str, step: int) -> Path:
    """A checkpoint as the Trainer leaves one: pickles and an optimizer beside the weights."""
    checkpoints = studio.runs.folder(job_id).checkpoints
    partial = checkpoints / "next.partial"
    partial.mkdir()
    for name in ("adapter_model.safetensors", "adapter_config.json", "optimizer.pt", "training_args.bin",
                 "trainer_state.json"):  # fmt: skip
        (partial / name).write_bytes(f"{name} of step {step}".encode())
    final = checkpoints / f"step-{step:08d}"
    manifest.seal(partial, final)
    return final


def test_a_run_keeps_the_weights_of_the_checkpoint_that_it_begins_with(studio: Studio, asked: JobSpec) -> None:
    unfinished = studio.runs.submit(asked.model_copy(update={"method": Lora(rank=4)}), actor=ALICE)
    saved(studio, unfinished.id, 20)
    again = asked.model_copy(update={"start_from": f"{unfinished.id}@20", "method": Lora(rank=4)})
    job = studio.runs.submit(again, actor=ALICE)
    folder = studio.runs.folder(job.id)
    start = folder.spec().start
    assert start is not None
    assert (start.job_id, start.step, start.way) == (unfinished.id, 20, Way.CONTINUE)
    assert start.name == f"{unfinished.output_name}, step 20"
    damaged = studio.home.runs / "damaged-1"
    damaged.mkdir()
    (damaged / "spec.json").write_text('{"start": {')
    assert [one.id for one in studio.descent.of(unfinished.id)] == [job.id], "whatever lies beside it"
    shutil.rmtree(studio.runs.folder(unfinished.id).path)
    assert manifest.damage(folder.start) is None
    assert digest(folder.start) == start.sha256
    # What only that run could go on with stays there: pickles do not travel.
    assert sorted(path.name for path in folder.start.iterdir()) == [
        manifest.NAME, "adapter_config.json", "adapter_model.safetensors"
    ]  # fmt: skip


def test_what_a_checkpoint_lies_on_top_of_comes_along(studio: Studio, asked: JobSpec) -> None:
    first = tuned(studio, asked, Lora())
    on_top = studio.runs.submit(asked.model_copy(update={"start_from": first, "method": Prefix()}), actor=ALICE)
    saved(studio, on_top.id, 20)
    again = asked.model_copy(update={"start_from": f"{on_top.id}@20", "method": Prefix()})
    folder = studio.runs.folder(studio.runs.submit(again, actor=ALICE).id)
    assert (folder.start / "start" / "adapter_model.safetensors").read_bytes() == b"weights"
    assert manifest.damage(folder.start) is None
    start = folder.spec().start
    assert start is not None
    assert digest(folder.start) == start.sha256
    assert folder.lies_on(folder.spec()) == folder.start / "start"


def test_a_checkpoint_that_is_gone_is_no_start(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)

    def refuses(start: str, said: str) -> None:
        with pytest.raises(BadInput, match=said):
            studio.runs.submit(asked.model_copy(update={"start_from": start}), actor=ALICE)

    refuses(f"{job.id}@20", rf"{job.id}” has no checkpoint of step 20.*It has none\.")
    saved(studio, job.id, 10)
    refuses(f"{job.id}@20", r"may have been removed meanwhile\. There are: 10\.")
    refuses("nobody@20", "The job “nobody” is gone, with its checkpoints")
    refuses("../x@20", "has no finished output to go on from")
    assert len(list(studio.home.runs.iterdir())) == 1


def test_a_checkpoint_is_left_alone_while_it_is_tidied_up(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    checkpoint = saved(studio, job.id, 10)
    with alone_with(checkpoint.parent), pytest.raises(Conflict, match="being tidied up; try again in a moment"):
        studio.runs.submit(asked.model_copy(update={"start_from": f"{job.id}@10"}), actor=ALICE)
    assert len(list(studio.home.runs.iterdir())) == 1


def test_a_job_without_output_or_of_another_model_is_no_start(studio: Studio, asked: JobSpec, model: ModelRef) -> None:
    unfinished = studio.runs.submit(asked, actor=ALICE)
    for job_id in (str(unfinished.id), "nobody"):
        with pytest.raises(BadInput, match=f"“{job_id}” has no finished output"):
            studio.runs.submit(asked.model_copy(update={"start_from": job_id}), actor=ALICE)
    other = Path(model.path).with_name("other")
    shutil.copytree(model.path, other)
    first = tuned(studio, asked, Lora())
    with pytest.raises(BadInput, match=r"was made of Tiny \(tiny\), not of this Tiny\. Choose the model tiny\."):
        studio.runs.submit(asked.model_copy(update={"start_from": first, "model": "other"}), actor=ALICE)
    assert len(list(studio.home.runs.iterdir())) == 2


def test_a_command_may_leave_model_and_method_out(studio: Studio, asked: JobSpec) -> None:
    before = studio.runs.before(tuned(studio, asked, Lora(rank=4)))
    assert completed({"dataset": "d"}, before)["method"]["rank"] == 4
    assert completed({"method": {"dropout": 0}}, before)["method"] == Lora(rank=4, dropout=0).model_dump()
    assert completed({"method": {"kind": "full"}, "model": "m"}, before) == {"model": "m", "method": {"kind": "full"}}


def test_the_command_line_says_where_there_is_nothing_to_go_on_from(studio: Studio, asked: JobSpec) -> None:
    studio.close()
    result = CliRunner().invoke(
        main,
        ["train", "--start-from", "nobody", "--set", f"dataset={asked.dataset}", "--data-dir", str(studio.home.path)],
    )
    assert result.exit_code == 65
    assert "“nobody” has no finished output" in " ".join(result.stderr.split())
