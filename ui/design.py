"""The look: colours that Python has to know, words for states, and the one stylesheet. Everything else is CSS."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nicegui import app, ui

from core.actions import Action
from core.serving.standing import State
from storage.status import Status
from ui import texts

STATIC = Path(__file__).parent / "static"
FAVICON = STATIC / "favicon.svg"
A_YEAR_S = 365 * 24 * 3600

PRIMARY = "#7C3AED"
SUCCESS = "#22C55E"
DANGER = "#DC2626"
WARNING = "#D97706"
INFO = "#2563EB"
DARK = "#16161D"
DARK_PAGE = "#0D0D12"

#: One palette for both themes: each colour has 3:1 or more on white and on the dark surface.
#: Text, grid and background of a chart follow the theme through the stylesheet, without asking the server.
CHART_COLOURS = {
    "loss": "#8B5CF6",
    "eval_loss": "#D97706",
    "learning_rate": "#0D9488",
    "rewards/chosen": "#0D9488",
    "rewards/rejected": "#DC2626",
    "rewards/margins": "#8B5CF6",
    "eval_rewards/margins": "#D97706",
    "rewards/accuracies": "#8B5CF6",
    "eval_rewards/accuracies": "#D97706",
    "eval_preferred": "#0D9488",
    "reward": "#8B5CF6",
    "eval_reward": "#D97706",
    "reward_std": "#0D9488",
    "completion_tokens": "#0D9488",
    "kl": "#DC2626",
    "entropy": "#0D9488",
    "zero_spread": "#D97706",
    "identical": "#DC2626",
}
CHART_NEUTRAL = "#7A7A8C"
#: For curves that a user has named.
CHART_OTHERS = ("#8B5CF6", "#0D9488", "#D97706", "#2563EB", "#DC2626", "#65A30D", "#DB2777", "#64748B")


def chart_colour(name: str, at: int) -> str:
    """Of curve number `at` in its chart."""
    return CHART_COLOURS.get(name, CHART_OTHERS[at % len(CHART_OTHERS)])


@dataclass(frozen=True, slots=True)
class Pill:
    """A state in one word; `kind` is the suffix of its class in the stylesheet."""

    label: str
    kind: str


PILLS = {
    Status.QUEUED: Pill("Queued", "waiting"),
    Status.PREPARING: Pill("Preparing", "live"),
    Status.RUNNING: Pill("Running", "live"),
    Status.COMPLETING: Pill("Completing", "live"),
    Status.PAUSING: Pill("Pausing", "paused"),
    Status.PAUSED: Pill("Paused", "paused"),
    Status.CANCELLING: Pill("Cancelling", "waiting"),
    Status.INTERRUPTED: Pill("Interrupted", "paused"),
    Status.COMPLETED: Pill("Completed", "good"),
    Status.FAILED: Pill("Failed", "bad"),
    Status.CANCELLED: Pill("Cancelled", "over"),
}

STANDING_PILLS = {
    State.STARTING: Pill("Starting", "live"),
    State.READY: Pill("Ready", "good"),
    State.DEGRADED: Pill("Degraded", "bad"),
    State.STOPPED: Pill("Stopped", "over"),
}

#: What each is called, and its icon.
ACTIONS = {
    Action.PAUSE: ("Pause", "pause"),
    Action.RESUME: ("Resume", "play"),
    Action.RETRY: ("Retry", "retry"),
    Action.CANCEL: ("Cancel", "stop"),
    Action.DELETE: ("Delete", "trash"),
}


def apply() -> None:
    """Once, before the pages are registered. Raises BadInput where a language is asked for that is not there."""
    texts.use(texts.chosen())
    app.colors(
        primary=PRIMARY,
        accent=PRIMARY,
        positive=SUCCESS,
        negative=DANGER,
        warning=WARNING,
        info=INFO,
        dark=DARK,
        dark_page=DARK_PAGE,
    )
    assets = f"/assets/{_fingerprint()}"
    app.add_static_files(assets, STATIC, max_cache_age=A_YEAR_S)
    font = f"{assets}/inter/inter-latin-wght-normal.woff2"
    ui.add_head_html(
        f'<link rel="preload" href="{font}" as="font" type="font/woff2" crossorigin>'
        f'<link rel="stylesheet" href="{assets}/tunesmith.css">'
        f'<script src="{assets}/tunesmith.js"></script>',
        shared=True,
    )


def _fingerprint() -> str:
    """The URL changes with the content, so browsers may keep it for a year."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]
