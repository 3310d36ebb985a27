"""What this studio may tell its children that speak with the hub: where it is, and who is asking.

HF_ENDPOINT chooses the hub (a mirror, say). HF_TOKEN opens what is gated, else the stored secret “huggingface”; either
goes to that one child only.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from core.errors import BadInput
from core.vault import Vault

SECRET = "huggingface"
_PASSED_ON = (
    "HF_ENDPOINT", "HF_TOKEN", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_XET",
    "HF_HUB_DOWNLOAD_TIMEOUT", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE",
)  # fmt: skip
_QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
_NAME = re.compile(r"(?:[\w\-.]{1,96}/)?[\w\-.]{1,96}", re.ASCII)
MOST_FOUND = 30


class HubAccess:
    """As the environment says, unless `given` says otherwise."""

    def __init__(self, home: Path, given: Mapping[str, str] | None = None) -> None:
        self._vault = Vault(home)
        self._given = dict(given or {})

    def environment(self) -> dict[str, str]:
        """For one child. Raises BadInput where the stored secret cannot be opened."""
        known = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        found = {**known, **_QUIET, **self._given}
        if "HF_TOKEN" not in found and (token := self._vault.get(SECRET)):
            found["HF_TOKEN"] = token
        return found


def require_name(name: str, what: str) -> None:
    """Raises BadInput where `name` cannot be a repository's."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise BadInput("“{name}” is not the name of a {what}; write it like owner/name.", name=name[:100], what=what)
