"""Personal data and secrets: what is one, what only looks like one, and that no text takes long to look through.

Keys are put together here, so that nobody's scanner takes this file for a leak.
"""

import time

import pytest

from core.checks.patterns import find
from core.checks.personal import suspicions

RANDOM = "Ab3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xYz2B4"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Write to anna.b+x@firma.de, please.", "email address", "anna.b+x@firma.de"),
        ("Call +49 170 1234567 now", "phone number", "+49 170 1234567"),
        ("Call +1 (415) 867-5309.", "phone number", "+1 (415) 867-5309"),
        ("or 415-867-5309", "phone number", "415-867-5309"),
        ("Tel.: 030/123 45 67", "phone number", "030/123 45 67"),
        ("Visa 4111 1111 1111 1111.", "card number", "4111 1111 1111 1111"),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN", "DE89 3704 0044 0532 0130 00"),
        ("SSN 123-45-6789", "social security number", "123-45-6789"),
        (f"key sk-proj-{RANDOM}", "OpenAI key", f"sk-proj-{RANDOM}"),
        (f"key sk-ant-api03-{RANDOM}", "Anthropic key", f"sk-ant-api03-{RANDOM}"),
        (f"ghp_{RANDOM}", "GitHub token", f"ghp_{RANDOM}"),
        (f"hf_{RANDOM}", "Hugging Face token", f"hf_{RANDOM}"),
        ("AKIA" + "J7QZ3KXW2M5TRB4N", "AWS access key", "AKIA" + "J7QZ3KXW2M5TRB4N"),
        ("-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEowIBAAKCAQEA7", "private key", None),
        ('DB_PASSWORD = "hunter2Hunter9"', "password", "hunter2Hunter9"),
        ('{"api_key": "k3y9aB7cD1eF"}', "password", "k3y9aB7cD1eF"),
        ("postgres://user:s3cr3tPw9@db/x", "password in an address", "s3cr3tPw9"),
    ],
)
def test_what_is_personal_or_secret_is_found(text: str, kind: str, value: str | None) -> None:
    (found,) = find(text)
    assert found.kind == kind
    assert value is None or text[found.start : found.end] == value


@pytest.mark.parametrize(
    "text",
    [
        "The order 1234567890123456 of 2024-01-02 10:30:55 weighs 3.14159265358979 kg.",
        "user@example.com, somebody@shop.example, icon@2x.png",
        "Ring (555) 123-4567, as they do in films.",
        "192.168.100.200 and 10.0.0.1, ISBN 978-3-16-148410-0",
        "4111 1111 1111 1112 fails its check digit",
        "DE00 3704 0044 0532 0130 00 fails its check digits",
        "000-12-3456, 666-12-3456 and 900-12-3456 are nobody's",
        "password: your_password and api_key = os.environ['KEY'] and secret: <YOUR-SECRET-1>",
        "AKIAIOSFODNN7EXAMPLE is Amazon's own example, sk-xxxxxxxxxxxxxxxxxxxxxxxxx nobody's",
        "The secret: persistence. The key: practice makes perfect.",
        "x = +960397912423686 and 2 + 2 = 4",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert list(find(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "+1" * 50_000,
        "a@" * 50_000,
        "A1 " * 50_000,
        "password:" * 20_000,
        "://:" * 50_000,
        "-----BEGIN " + "A " * 90_000,
    ],
    ids=lambda text: text[:9],
)
def test_no_text_is_slow(text: str) -> None:
    """Against the same length of plain prose, not against a clock."""

    def seconds(looked_at: str) -> float:
        began = time.process_time()
        list(find(looked_at))
        return time.process_time() - began

    prose = "Please call me at 10:30, my key fob is lost - it was in room 12. " * (len(text) // 60)
    assert seconds(text) < 20 * max(seconds(prose), 0.01)


def test_a_verdict_never_repeats_the_secret() -> None:
    row = [f"Use sk-proj-{RANDOM} and anna@firma.de", "or bert@firma.de"]
    found = dict(suspicions(row))
    assert found == {
        "secret_suspected": "1 × OpenAI key (sk-p…)",
        "pii_suspected": "2 × email address (a…@firma.de)",
    }
    assert list(suspicions(["Good morning."])) == []
