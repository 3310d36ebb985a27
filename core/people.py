"""Who acts. Until accounts come, there is one local profile; authorisation already takes the actor as an argument."""

import getpass
import re
import socket
from dataclasses import dataclass

from core.errors import BadInput
from storage import people
from storage.database import Database
from storage.tables import Profile

THEMES = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class Actor:
    """The person on whose behalf something happens."""

    name: str
    email: str


class People:
    def __init__(self, database: Database) -> None:
        self._database = database

    def profile(self) -> Profile:
        """The saved profile, or a proposal from the operating system's user."""
        with self._database.read() as session:
            return people.profile(session) or _proposal()

    def actor(self) -> Actor:
        profile = self.profile()
        return Actor(profile.name, profile.email)

    def save(self, name: str, email: str) -> Profile:
        name, email = name.strip(), email.strip()
        if not 1 <= len(name) <= 80:
            raise BadInput("The name has {count} characters; give one of 1 to 80.", count=len(name))
        if len(email) > 200 or not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
            raise BadInput("“{email}” is not an email address; write it like name@example.org.", email=email[:80])
        changed = self.profile().model_copy(update={"name": name, "email": email, "confirmed": True})
        return self._store(changed)

    def set_theme(self, theme: str) -> None:
        if theme not in THEMES:
            raise BadInput("There is no theme “{theme}”; choose one of {known}.", theme=theme, known=", ".join(THEMES))
        self._store(self.profile().model_copy(update={"theme": theme}))

    def _store(self, profile: Profile) -> Profile:
        with self._database.write() as session:
            people.save_profile(session, profile)
        return profile


def _proposal() -> Profile:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        user = "local"
    host = socket.gethostname().split(".")[0] or "localhost"
    return Profile(name=user, email=f"{user}@{host}")
