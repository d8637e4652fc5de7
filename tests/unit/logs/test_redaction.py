"""What says by its name or its form that it is a secret is one."""

import pytest

from liveopt.logs.hidden import REDACTED
from liveopt.logs.redaction import clean_text, redact

KEY = "lo_0123abcd_" + 43 * "x"
WORD = 32 * "w"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (f"GET /api/{KEY} refused", f"GET /api/{REDACTED} refused"),
        (f"liveopt, ticket.{WORD}", f"liveopt, ticket.{REDACTED}"),
        (f"sent Bearer {WORD}", f"sent Bearer {REDACTED}"),
        (f"sent Basic {WORD}", f"sent Basic {REDACTED}"),
        (f"http://127.0.0.1:8787/#t={WORD}", f"http://127.0.0.1:8787/#t={REDACTED}"),
        (f"Cookie: liveopt_8787={WORD}", f"Cookie: {REDACTED}"),
        (f"a liveopt_8787={WORD}; b", f"a liveopt_8787={REDACTED}; b"),
        (f"X-Liveopt: {WORD}", f"X-Liveopt: {REDACTED}"),
        ("{'pepper': b'hunter2'}", f"{{'pepper': b'{REDACTED}'}}"),
    ],
)
def test_a_secret_is_known_by_its_form(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "unknown key: fee",
        "a basic mistake",
        "the bearer of news",
        "a ticket. And more",
        "/api/v1/variants/{id}",
        "the session 1f2e3d4c begins",
    ],
)
def test_common_words_stay(text: str) -> None:
    assert clean_text(text) == text


def test_a_name_in_a_line_is_cleaned_as_its_value_is() -> None:
    event = {"event": "refused", "body": {KEY: 1, "rows": [{KEY: 2}]}, "n": 3, KEY: "x"}
    assert KEY not in str(redact(None, "info", event))
    assert redact(None, "info", event)["n"] == 3
