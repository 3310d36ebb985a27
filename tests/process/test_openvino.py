"""A studio that was told to answer with OpenVINO: it does where it can, and says with what it answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed import ALICE, brought, said

from core.home import Home
from core.serving.settings import BITS_VARIABLE, ENGINE_VARIABLE
from core.studio import Studio

pytestmark = pytest.mark.process


@pytest.fixture
def studio(tiny_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv(ENGINE_VARIABLE, "openvino")
    monkeypatch.setenv(BITS_VARIABLE, "8")
    studio = Studio(tiny_home)
    studio.start()
    yield studio
    studio.stop()


def test_the_base_and_an_adapter_answer_with_openvino_on_one_worker(studio: Studio, tmp_path: Path) -> None:
    adapter_id = brought(studio, tmp_path / "polite")
    for name, target in (("plain", "tiny"), ("polite", adapter_id)):
        studio.deployments.create(name, target, actor=ALICE)
        said(studio, name)
    for deployed in studio.deployments.all():
        assert deployed.standing.reason == "Answers with OpenVINO on this machine's processor."
        assert deployed.standing.shares == 1, "the base's worker has the one adapter"
        assert deployed.figures.completion_tokens > 0
