"""Keys of other services, encrypted at rest. They leave only for the child process that needs one; no page shows one.

The vault and the key that opens it lie in the data folder, outside the backups. Who can read both as this user can read
the keys: encryption keeps them out of copies of the one file, of logs and of `grep`, not from this account.
"""

import os
import re
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from core.errors import BadInput
from storage.files import read_json, write_json

NAMES = ("wandb", "mlflow", "huggingface")
_SHAPE = re.compile(r"[\x21-\x7e]{8,512}")


class Vault:
    """Small files, read anew each time: a command may write beside a serving studio. May block."""

    def __init__(self, home: Path) -> None:
        self._path = home / "secrets.json"
        self._key_path = home / "secrets.key"

    def put(self, name: str, value: str) -> None:
        """Raises BadInput for a name that nothing uses, or for what cannot be a key."""
        if name not in NAMES:
            raise BadInput(f"Nothing uses a key named “{name[:80]}”. There are: {', '.join(NAMES)}.")
        value = value.strip()
        if not _SHAPE.fullmatch(value):
            raise BadInput(f"That is no key for {name}: 8 to 512 characters without spaces are expected.")
        self._write({**self._sealed(), name: self._fernet().encrypt(value.encode()).decode()})

    def get(self, name: str) -> str:
        """Empty where there is none. Raises BadInput where it cannot be opened."""
        sealed = self._sealed().get(name)
        if sealed is None:
            return ""
        try:
            return self._fernet().decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise BadInput(
                f"The key for {name} cannot be opened: {self._key_path.name} is not the one it was stored with. "
                f"Store it again with: tunesmith secrets set {name}."
            ) from None

    def remove(self, name: str) -> None:
        sealed = self._sealed()
        if sealed.pop(name, None) is None:
            raise BadInput(f"There is no key for “{name[:80]}”.")
        self._write(sealed)

    def names(self) -> list[str]:
        return sorted(self._sealed())

    def _sealed(self) -> dict[str, str]:
        found = read_json(self._path) or {}
        return {name: sealed for name, sealed in found.items() if isinstance(sealed, str)}

    def _write(self, sealed: dict[str, str]) -> None:
        write_json(self._path, sealed)
        self._path.chmod(0o600)

    def _fernet(self) -> Fernet:
        """Made on first use, readable by us alone from its first moment on."""
        try:
            descriptor = os.open(self._key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "wb") as file:
                file.write(Fernet.generate_key())
                file.flush()
                os.fsync(file.fileno())
        try:
            return Fernet(self._key_path.read_bytes().strip())
        except ValueError:
            raise BadInput(
                f"{self._key_path} is damaged, so stored keys cannot be opened. Delete it and secrets.json, and store "
                "the keys again with: tunesmith secrets set NAME."
            ) from None
