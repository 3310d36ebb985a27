"""The systemd units that ship: what they start exists, and what they promise about restarts stands in them."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import main
from core.launcher import REQUIRED, RUNNER_VARIABLE

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
KINDS = ("system", "user")
#: Each hides GPUs, stops compiled kernels, or hides the trainers' processes from the server.
FORBIDDEN = {
    "PrivateDevices", "DeviceAllow", "DevicePolicy", "ProtectClock", "MemoryDenyWriteExecute", "ProtectProc",
    "PrivateUsers", "PrivatePIDs",
}  # fmt: skip
#: What a user's service gets only together with a user namespace.
NEEDS_A_NAMESPACE = {
    "ProtectSystem", "ProtectHome", "ProtectKernelTunables", "ProtectKernelModules", "ProtectControlGroups",
    "ProtectKernelLogs", "PrivateTmp", "ReadWritePaths", "CapabilityBoundingSet",
}  # fmt: skip


def unit(kind: str, name: str) -> dict[str, list[str]]:
    """Every setting with its values, whatever section it stands in."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / kind / f"tunesmith-{name}.service").read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "command"), [("web", "serve"), ("runner", "runner")])
def test_the_command_exists_and_takes_these_options(kind: str, name: str, command: str) -> None:
    (line,) = unit(kind, name)["ExecStart"]
    program, *arguments = shlex.split(line)
    assert program.endswith("/.venv/bin/tunesmith")
    assert arguments[0] == command
    # Unknown options are refused before --help is heard.
    assert CliRunner().invoke(main, [*arguments, "--help"]).exit_code == 0
    assert CliRunner().invoke(main, [*arguments, "--nonsense", "--help"]).exit_code == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_restart_ends_the_service_and_no_trainer(kind: str) -> None:
    web, runner = unit(kind, "web"), unit(kind, "runner")
    assert runner["KillMode"] == ["process"]
    assert runner["OOMPolicy"] == ["continue"]
    assert web["KillMode"] == ["mixed"]
    assert f"{RUNNER_VARIABLE}={REQUIRED}" in web["Environment"]
    assert web["Wants"] == ["tunesmith-runner.service"]
    for settings in (web, runner):
        assert settings["Restart"] == ["on-failure"]
        assert not {"Requires", "BindsTo", "PartOf", "PropagatesStopTo", "StopPropagatedFrom"} & set(settings)


@pytest.mark.parametrize("kind", KINDS)
def test_hardening_leaves_gpus_and_trainers_visible(kind: str) -> None:
    web, runner = unit(kind, "web"), unit(kind, "runner")
    for settings in (web, runner):
        assert settings["NoNewPrivileges"] == ["yes"]
        assert settings["UMask"] == ["0077"]
        assert not FORBIDDEN & set(settings)
        assert kind == "system" or not NEEDS_A_NAMESPACE & set(settings)
        assert kind == "user" or settings["ProtectSystem"] == ["strict"]
    # The server signals what the runner has started, and both write one data folder.
    for shared in ("User", "Group", "StateDirectory"):
        assert web.get(shared) == runner.get(shared)
    homes = [[value for value in each.get("Environment", []) if "TUNESMITH_HOME" in value] for each in (web, runner)]
    assert homes[0] == homes[1]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd-analyze")
@pytest.mark.parametrize("kind", KINDS)
def test_systemd_understands_every_line(kind: str, tmp_path: Path) -> None:
    for name in ("web", "runner"):
        text = (UNITS / kind / f"tunesmith-{name}.service").read_text()
        here = str(Path(sys.executable).with_name("tunesmith"))
        for there in ("/opt/tunesmith/.venv/bin/tunesmith", "%h/tunesmith/.venv/bin/tunesmith"):
            text = text.replace(there, here)
        (tmp_path / f"tunesmith-{name}.service").write_text(text)
    verify = [
        "systemd-analyze",
        "verify",
        *(["--user"] if kind == "user" else []),
        *map(str, tmp_path.glob("*.service")),
    ]
    (tmp_path / "systemd").mkdir()
    environment = {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    said = subprocess.run(verify, capture_output=True, text=True, env=environment, check=False).stderr
    assert "tunesmith" not in said
