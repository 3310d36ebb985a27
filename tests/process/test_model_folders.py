"""Models that are on this machine already: a folder, the cache of Hugging Face's own tools, and their deletion."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import main
from core.errors import BadInput, Conflict, NotFound
from core.home import Home
from core.models.admission import Admission
from core.models.cache import HubCache
from core.models.folders import Folders
from core.people import Actor
from core.studio import Studio
from storage import deployments, jobs, manifest
from storage.database import Database
from storage.spec import Objective
from storage.tables import Deployment, Job, TargetKind

ALICE = Actor("Alice", "alice@example.org")
COMMIT = "89abcdef" * 5


@pytest.fixture(scope="module")
def library(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One model added from a folder with a licence, by the command."""
    home = Home(tmp_path_factory.mktemp("library") / "home")
    source = tmp_path_factory.mktemp("elsewhere") / "My Model"
    shutil.copytree(tiny_model, source)
    (source / "README.md").write_text("---\nlicense: mit\n---\n# Mine\n")
    (source / "training_args.bin").write_bytes(b"pickle")
    done = CliRunner().invoke(main, ["models", "add", str(source), "--data-dir", str(home.path), "--json"])
    assert done.exit_code == 0, done.output
    assert '"model": "my-model"' in done.output
    shutil.rmtree(source)
    return home


def test_a_folder_is_linked_and_sealed_and_may_go_afterwards(library: Home) -> None:
    studio = Studio(library)
    info = next(info for info in studio.models.all() if info.id == "my-model")
    assert (info.name, info.licence, info.source, info.model_type) == ("My Model", "mit", "folder", "llama")
    assert info.parameters > 50_000
    assert manifest.damage(library.models / "my-model") is None
    assert not (library.models / "my-model" / "training_args.bin").exists()
    listed = CliRunner().invoke(main, ["models", "ls", "--data-dir", str(library.path), "--json"])
    assert '"id": "my-model"' in listed.output


def test_the_same_bytes_are_one_model(library: Home, tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(library.models / "my-model", tmp_path / "My Model")
    assert Folders(library, Admission(library)).add(tmp_path / "My Model") == "my-model"


def test_a_model_of_the_cache_is_added_without_any_network(library: Home, tiny_model: Path, tmp_path: Path) -> None:
    """As huggingface_hub lays it out: snapshots of links into blobs. One of two is there in part only."""
    for name, without in (("whole", ""), ("part", "model.safetensors")):
        repository = tmp_path / "hub" / f"models--acme--{name}"
        snapshot = repository / "snapshots" / COMMIT
        for folder in (snapshot, repository / "blobs", repository / "refs"):
            folder.mkdir(parents=True)
        (repository / "refs" / "main").write_text(COMMIT)
        for path in tiny_model.iterdir():
            if path.name != without:
                shutil.copyfile(path, repository / "blobs" / path.name)
                (snapshot / path.name).symlink_to(f"../../blobs/{path.name}")
    cache = HubCache(Folders(library, Admission(library)), {"HF_HUB_CACHE": str(tmp_path / "hub")})
    part, whole = cache.all()
    assert (whole.name, whole.revision, whole.problem) == ("acme/whole", COMMIT, "")
    assert "no weights that can be read" in part.problem
    assert cache.add("acme/whole") == "whole"
    ref = Studio(library).models.get("acme/whole")
    assert (ref.revision, ref.layers) == (COMMIT, 2)
    linked, blob = Path(ref.path) / "model.safetensors", tmp_path / "hub/models--acme--whole/blobs/model.safetensors"
    assert linked.stat().st_ino == blob.stat().st_ino
    with pytest.raises(NotFound, match=r"has no model acme/other\. It holds: acme/whole"):
        cache.add("acme/other")


@pytest.mark.filterwarnings("ignore::FutureWarning")  # PEFT's, of a name in transformers
def test_an_adapter_that_is_brought_calculates_as_it_did(library: Home, tmp_path: Path) -> None:
    """PEFT reads what is kept of it, and gives the same answer as with the adapter as it came."""
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    studio = Studio(library)
    base = studio.models.get("my-model").path
    tuned = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base),
        LoraConfig(r=4, lora_alpha=16, target_modules=["q_proj", "down_proj"], use_rslora=True, task_type="CAUSAL_LM"),
    )
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    tuned.save_pretrained(tmp_path / "polite")
    added = studio.model_arrivals.add(tmp_path / "polite", actor=ALICE, base="my-model")
    kept = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), studio.adapters.folder(added.id))
    tokens = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        assert torch.equal(kept(tokens).logits, tuned.eval()(tokens).logits)


def test_links_out_of_what_is_open_are_not_followed(library: Home, tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "open" / "sly")
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    (tmp_path / "open" / "sly" / "vocab.json").symlink_to(secret)
    folders = Folders(library, Admission(library))
    with pytest.raises(BadInput, match=r"vocab\.json lies outside the folders that may be read"):
        folders.add(tmp_path / "open" / "sly", is_open=lambda path: path.is_relative_to(tmp_path / "open"))


def test_a_model_in_use_stays_and_another_goes_to_the_trash(library: Home) -> None:
    studio = Studio(library)
    studio.open()
    database = Database(library.database)
    with database.write() as session:
        row = Job(id="waits", objective=Objective.SFT, method="lora", display_name="Waits", output_name="waits",
                  model_id="my-model", model_name="My Model", dataset_id="d", dataset_name="d",
                  created_by_name="Alice", created_by_email="alice@example.org")  # fmt: skip
        jobs.add(session, row)
    with pytest.raises(Conflict, match="My Model is used by “Waits” \\(queued\\)"):
        studio.model_removal.remove("my-model", actor=ALICE)
    studio.runs.cancel("waits", actor=ALICE)
    with database.write() as session:
        bot = Deployment(id="bot", name="bot", kind=TargetKind.MODEL, target_id="my-model", created_by_name="Alice",
                         created_by_email="alice@example.org")  # fmt: skip
        deployments.add(session, bot)
    with pytest.raises(Conflict, match="my-model answers for the deployment “bot”"):
        studio.model_removal.remove("my-model", actor=ALICE)
    with database.write() as session:
        deployments.remove(session, "bot")
    studio.close()
    gone = CliRunner().invoke(main, ["models", "rm", "my-model", "--data-dir", str(library.path)])
    assert gone.exit_code == 0, gone.output
    assert "stays in the trash for a week" in gone.output
    assert not (library.models / "my-model").exists()
    starter = CliRunner().invoke(main, ["models", "rm", "smollm2-135m", "--data-dir", str(library.path)])
    assert starter.exit_code == 65
