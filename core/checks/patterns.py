"""What personal data and secrets look like. Shared by the checks, which tell, and the anonymiser, which replaces.

Each pattern is tried only where a literal that it needs is in the text, and confirmed by arithmetic where there is
some (Luhn, IBAN). What is not covered: names, postal addresses, and numbers without a form of their own.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: Values that stand for a secret in documentation.
_PLACEHOLDER = re.compile(
    r"(?i)example|sample|dummy|placeholder|change.?me|your[_-]|xxx|\*\*\*|\.\.\.|[<>{}$()]|1234567890"
)
#: Names reserved for examples (RFC 2606), and files that only look like an address.
_NOBODYS_MAIL = re.compile(r"(?i)@(?:[\w-]+\.)*example(?:\.\w+)?$|\.(?:test|invalid|localhost|png|jpg|svg|js|py)$")
_MOST_REPEATED = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """`start` and `end` are characters of the text."""

    kind: str
    is_secret: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """`needs`: at least one of these is in every match, in this case. Group "value" where the match has more around."""

    kind: str
    is_secret: bool
    needs: tuple[str, ...]
    expression: re.Pattern[str]
    confirms: Callable[[str], bool]


def find(text: str, patterns: "tuple[Pattern, ...]" = ()) -> Iterator[Found]:
    """Everything suspicious, pattern by pattern (all of them, where none are given); a stretch of text is reported
    once, as the first kind that fits."""
    taken = bytearray()
    for pattern in patterns or PATTERNS:
        if not any(literal in text for literal in pattern.needs):
            continue
        for match in pattern.expression.finditer(text):
            group = "value" if match.groupdict().get("value") else 0
            start, end = match.span(group)
            taken = taken or bytearray(len(text))
            if taken.find(1, start, end) < 0 and pattern.confirms(match.group(group)):
                taken[start:end] = b"\1" * (end - start)
                yield Found(pattern.kind, pattern.is_secret, start, end)


def _is_somebodys(mail: str) -> bool:
    return not _NOBODYS_MAIL.search(mail)


def _is_card(written: str) -> bool:
    digits = [int(character) for character in written if character.isdigit()]
    number = "".join(map(str, digits))
    known = (
        (number.startswith("4") and len(number) in (16, 19))
        or (re.match(r"5[1-5]|2[2-7]", number) is not None and len(number) == 16)
        or (number.startswith(("34", "37")) and len(number) == 15)
        or (number.startswith(("6011", "65")) and len(number) == 16)
    )
    doubled = [digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4) for place, digit in enumerate(reversed(digits))]
    return known and sum(doubled) % 10 == 0


def _is_iban(written: str) -> bool:
    compact = re.sub(r"\s", "", written)
    return 15 <= len(compact) <= 34 and int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def _is_issued(number: str) -> bool:
    """Social security numbers that nobody has."""
    area, group, serial = number.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _is_phone(written: str) -> bool:
    digits = [character for character in written if character.isdigit()]
    # 555 is what numbers in American films and manuals begin with.
    return 7 <= len(digits) <= 13 and len(set(digits)) > 2 and not re.search(r"\b555\b", written)


def _is_key(value: str) -> bool:
    """Random enough to be one, and no documentation's stand-in."""
    commonest = max(map(value.count, set(value)))
    return not _PLACEHOLDER.search(value) and commonest <= len(value) * _MOST_REPEATED and len(set(value)) >= 6


def _is_password(value: str) -> bool:
    return _is_key(value) and any(c.isdigit() for c in value) and any(c.isalpha() for c in value)


def _secret(
    kind: str, needs: str | tuple[str, ...], expression: str, confirms: Callable[[str], bool] = _is_key
) -> Pattern:
    return Pattern(kind, True, (needs,) if isinstance(needs, str) else needs, re.compile(expression), confirms)


def _personal(kind: str, needs: str | tuple[str, ...], expression: str, confirms: Callable[[str], bool]) -> Pattern:
    return Pattern(kind, False, (needs,) if isinstance(needs, str) else needs, re.compile(expression), confirms)


_DIGITS = tuple("0123456789")
_GITHUB = ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")
_ASSIGNED = r"(?i:[psa](?:assword|asswd|wd|ecret|pi[_-]?key|ccess[_-]?key|uth[_-]?token|ccess[_-]?token))"
_WORDS = ("assw", "ASSW", "pwd", "PWD", "ecret", "ECRET", "ey", "EY", "oken", "OKEN")
_ADDRESS = r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"
#: Each step takes one digit, so that no text is slow; and each begins with a character, not with a look back, or
#: Python tries it at every place.
_ANY_PHONE = (
    r"(?i:[tpmcfh](?<!\w.)(?:el|hone|obile|ell|ax|elefon|andy|obil)\b\W{1,4})"
    r"(?P<value>\(?\d(?:[ ().\-/]{0,2}\d){6,14})"
)
_AMERICAN_PHONE = r"[(\d](?<![\w.-].)(?:(?<=\()\d{3}\) ?|(?<=\d)\d{2}[-.])\d{3}[-.]\d{4}(?![\w-])"

#: Special forms before general ones.
PATTERNS: tuple[Pattern, ...] = (
    _secret("private key", "PRIVATE KEY-----", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[A-Za-z0-9+/=\s]{16,}"),
    _secret("AWS access key", ("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    _secret("GitHub token", _GITHUB, r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{40,255})"),
    _secret("GitLab token", "glpat-", r"\bglpat-[\w-]{20,}"),
    _secret("Anthropic key", "sk-ant-", r"\bsk-ant-[\w-]{20,}"),
    _secret("OpenAI key", "sk-", r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{20,}"),
    _secret("Hugging Face token", "hf_", r"\bhf_[A-Za-z0-9]{30,}"),
    _secret("Google key", "AIza", r"\bAIza[\w-]{35}"),
    _secret("Slack token", "xox", r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    _secret("Stripe key", ("sk_live_", "rk_live_"), r"\b[sr]k_live_[A-Za-z0-9]{16,}"),
    _secret("SendGrid key", "SG.", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    _secret("JSON web token", "eyJ", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    _secret("password in an address", "://", r"\b[a-z][a-z0-9+]*://[^\s/:@]+:(?P<value>[^\s/@]{6,})@"),
    _secret("password", _WORDS, rf"{_ASSIGNED}[\"']?\s*[:=]\s*[\"']?(?P<value>[^\s\"',;]{{8,}})", _is_password),
    _personal("email address", "@", _ADDRESS, _is_somebodys),
    _personal("IBAN", _DIGITS, r"[A-Z](?<!\w.)[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", _is_iban),
    _personal("card number", _DIGITS, r"\d(?<![\d.].)(?:[ -]?\d){12,18}(?!\d|\.\d)", _is_card),
    _personal("social security number", "-", r"\d(?<![\d-].)\d\d-\d\d-\d{4}(?![\d-])", _is_issued),
    _personal("phone number", "+", r"\+(?<![\w.+].)\d(?:[ .()\-/]{0,2}\d){7,14}(?!\w)", _is_phone),
    _personal("phone number", ("-", "."), _AMERICAN_PHONE, _is_phone),
    _personal("phone number", _DIGITS, _ANY_PHONE, _is_phone),
)
