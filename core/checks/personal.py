"""Personal data and secrets in a row, as verdicts that do not repeat them."""

from collections import Counter
from collections.abc import Iterable, Iterator

from core.checks.patterns import Found, find

#: So much of a secret is shown that its owner knows which it is.
SHOWN_CHARACTERS = 4
#: A longer text is looked at in its beginning; the report does not say more than it knows.
MOST_CHARACTERS = 200_000


def suspicions(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(code, detail) at most once for personal data and once for secrets."""
    kinds: dict[str, Counter[str]] = {"secret_suspected": Counter(), "pii_suspected": Counter()}
    first: dict[str, str] = {}
    for text in texts:
        text = text[:MOST_CHARACTERS]
        for found in find(text):
            kinds["secret_suspected" if found.is_secret else "pii_suspected"][found.kind] += 1
            first.setdefault(found.kind, masked(text, found))
    for code, counted in kinds.items():
        if counted:
            yield code, ", ".join(f"{count} × {kind} ({first[kind]})" for kind, count in counted.most_common())


def masked(text: str, found: Found) -> str:
    value = text[found.start : found.end]
    if found.kind == "email address":
        return f"{value[0]}…@{value.rpartition('@')[2]}"
    if found.kind == "private key":
        return "…"
    if found.kind.startswith("password"):
        return f"{len(value)} characters"
    return f"{value[:SHOWN_CHARACTERS]}…"
