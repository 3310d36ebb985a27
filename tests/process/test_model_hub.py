"""Models of the hub, as Hugging Face's own client speaks with it: found, fetched, gone on with, admitted or refused."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_standin import COMMIT, HubStandIn, serving
from typer.testing import CliRunner

from app import main
from core.errors import StudioError
from core.home import Home
from core.hub import HubAccess
from core.models.admission import Admission
from core.models.downloads import Downloads
from core.models.hub import ModelSearch
from core.models.hub_child import PIECE_BYTES
from core.models.library import Models
from core.vault import Vault
from storage import manifest


@pytest.fixture
def standin(tiny_model: Path) -> Iterator[HubStandIn]:
    """One whole model under several names, and what else people put into repositories."""
    whole = {path.name: path.read_bytes() for path in tiny_model.iterdir() if path.name != "model.json"}
    texts = {path: data for path, data in whole.items() if not path.endswith(".safetensors")}
    code = json.loads(whole["config.json"]) | {"auto_map": {"AutoModelForCausalLM": "modeling.Evil"}}
    models = {
        "acme/tiny": whole | {"logo.png": b"...", "pytorch_model.bin": b"pickle", "modeling.py": b"import os"},
        "acme/gated": whole,
        "acme/pickled": texts | {"pytorch_model.bin": b"pickle"},
        "acme/clever": whole | {"config.json": json.dumps(code).encode(), "modeling.py": b"import os"},
        "acme/liar": whole,
        "acme/half": whole | {"model.safetensors": whole["model.safetensors"][:-4]},
        "acme/power": whole | {"chat_template.jinja": b"{{ 9**(9**9) }}"},
        "acme/seer": whole | {"config.json": json.dumps(code | {"auto_map": {}, "model_type": "clip"}).encode()},
    }
    lies = {("acme/liar", "model.safetensors"): 1000}
    with serving(HubStandIn(models=models, gated={"acme/gated"}, lies=lies)) as hub:
        yield hub


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def access(home: Home, standin: HubStandIn, **environment: str) -> HubAccess:
    """A home folder of its own: no cache, and no token that somebody left there."""
    place = {"HF_ENDPOINT": standin.url, "HF_HOME": str(home.path / "hf"), "HF_HUB_DOWNLOAD_TIMEOUT": "5"}
    return HubAccess(home.path, {**place, **environment})


def downloads(home: Home, standin: HubStandIn, **environment: str) -> Downloads:
    return Downloads(home, access(home, standin, **environment), Admission(home))


def fetched(standin: HubStandIn, file: str = "") -> list[str]:
    """The ranges of the files that were asked for."""
    return [
        wanted for method, path, wanted, _ in standin.asked if method == "GET" and "resolve" in path and file in path
    ]


def test_models_are_found(home: Home, standin: HubStandIn) -> None:
    found = {one.id: one for one in ModelSearch(access(home, standin)).find("acme/")}
    assert found["acme/gated"].is_gated
    tiny = found["acme/tiny"]
    assert (tiny.is_gated, tiny.licence, tiny.parameters) == (False, "apache-2.0", 1000)


def test_a_model_is_fetched_gone_on_with_and_admitted(home: Home, standin: HubStandIn) -> None:
    """The connection breaks, then the hub is away; the next try, of another process, asks for the rest only.

    It is gated, and the stored secret opens it. What lies in Hugging Face's cache is not fetched again.
    """
    standin.gated.add("acme/tiny")
    Vault(home.path).put("huggingface", standin.token)
    standin.breaks, standin.after_break = [PIECE_BYTES + 10_000], 503
    with pytest.raises(StudioError, match="answered 503"):
        downloads(home, standin).fetch("acme/tiny")
    [left] = downloads(home, standin).all()
    assert (left.name, left.state) == ("acme/tiny", "stopped")
    assert 0 < left.progress.done < left.progress.total
    assert fetched(standin, "model.safetensors") == ["", f"bytes={PIECE_BYTES}-"]

    standin.answer_with = 0
    standin.asked.clear()
    told: list[tuple[str, int, int]] = []
    hub = downloads(home, standin)
    model_id = hub.fetch("acme/tiny", on_progress=lambda now: told.append((now.phase, now.done, now.total)))
    assert fetched(standin) == [f"bytes={PIECE_BYTES}-"]
    assert {who for *_, who in standin.asked} == {f"Bearer {standin.token}"}
    done = [done for phase, done, _ in told if phase == "Downloading"]
    assert done == sorted(done)
    assert hub.all() == []

    models = Models(home)
    [info] = [info for info in models.all() if not info.is_starter]
    assert (info.id, info.name, info.provider) == (model_id, "tiny", "acme") == ("tiny", "tiny", "acme")
    assert (info.licence, info.revision, info.model_type) == ("apache-2.0", COMMIT, "llama")
    ref = models.get("acme/tiny")
    assert (ref.layers, ref.hidden_size, ref.context_length) == (2, 64, 512)
    assert manifest.damage(home.models / "tiny") is None
    kept = {path.name for path in (home.models / "tiny").iterdir()}
    assert kept.isdisjoint({"logo.png", "pytorch_model.bin", "modeling.py"})
    assert {"model.safetensors", "tokenizer.json", "model.json"} <= kept

    standin.asked.clear()
    assert hub.fetch("acme/tiny") == model_id
    assert fetched(standin) == []

    snapshot = home.path / "hf" / "hub" / "models--acme--twin" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    shutil.copyfile(home.models / "tiny" / "model.safetensors", snapshot / "model.safetensors")
    standin.models["acme/twin"] = standin.models["acme/tiny"]
    assert hub.fetch("acme/twin") == "twin"
    assert fetched(standin, "model.safetensors") == []


def test_what_cannot_be_had_says_why(home: Home, standin: HubStandIn) -> None:
    """Each in a sentence, and nothing is left of it in the store."""
    hub = downloads(home, standin)
    for name, why in {
        "acme/gated": "is gated: accept its terms.*tunesmith secrets set huggingface",
        "acme/pickled": "weights as a pickle only.*safetensors only",
        "acme/clever": "“auto_map” in its config.json makes transformers run code",
        "acme/liar": "model.safetensors has 1,000 bytes, its server says",
        "acme/nothing": "There is no model acme/nothing on the hub, or it is private",
        "acme/tiny/too": "is not the name of a model",
    }.items():
        with pytest.raises(StudioError, match=why):
            hub.fetch(name)
    with pytest.raises(StudioError, match="acme/tiny has no revision v9"):
        hub.fetch("acme/tiny", "v9")
    assert [path for path in home.models.iterdir() if path.name != ".downloads"] == []
    weights = ("pickled/resolve", "gated/resolve", "clever/resolve/main/model.safetensors")
    assert [path for path in weights if fetched(standin, path)] == []


def test_before_the_first_byte_the_disk_is_asked(tmp_path: Path, standin: HubStandIn) -> None:
    home = Home(tmp_path / "full", floor_bytes=10**15)
    home.prepare()
    with pytest.raises(StudioError, match=r"acme/tiny needs .* more, but there is room for 0 MB"):
        downloads(home, standin).fetch("acme/tiny")
    assert fetched(standin) == []
    assert downloads(home, standin).all() == []


def test_what_transformers_cannot_use_is_refused_by_name(home: Home, standin: HubStandIn) -> None:
    """A type that writes no text, weights that are not whole, a template that would compute for years."""
    hub = downloads(home, standin)
    with pytest.raises(StudioError, match="seer is of the type “clip”"):
        hub.fetch("acme/seer")
    with pytest.raises(StudioError, match=r"half .*cannot be built"):
        hub.fetch("acme/half")
    with pytest.raises(StudioError, match="more processor time than it is given"):
        hub.fetch("acme/power")
    assert [info.is_starter for info in Models(home).all()] == [True]


def test_a_download_can_be_stopped_and_thrown_away(home: Home, standin: HubStandIn) -> None:
    """Stopped while it hangs: no byte has to come for that."""
    standin.hangs = True
    hub = downloads(home, standin)
    download = hub.start("acme/tiny")
    assert standin.is_hanging.wait(60)
    [look] = downloads(home, standin).all()
    assert look.state == "elsewhere"
    download.cancel()
    assert download.ended.wait(30)
    standin.may_go_on.set()
    assert [look.state for look in hub.all()] == ["stopped"]
    hub.discard("acme/tiny")
    assert hub.all() == []


def test_the_commands_answer_in_a_sentence(home: Home, standin: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", standin.url)
    monkeypatch.setenv("HF_HOME", str(home.path / "hf"))
    found = CliRunner().invoke(main, ["models", "search", "gated", "--data-dir", str(home.path)])
    assert (found.exit_code, found.output) == (0, "acme/gated  0.00 B  apache-2.0  100 downloads  gated\n")
    refused = CliRunner().invoke(main, ["models", "pull", "acme/pickled", "--data-dir", str(home.path)])
    assert refused.exit_code == 65
    assert "acme/pickled keeps its weights as a pickle only" in refused.stderr
