"""What says by its name or its form that it is a secret is one."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


PIECES = st.sampled_from([
    "a", "-", " ", "=", ":", "'", "token", "token:", "token=", "token ", "bearer ", "token'",
    "token=bearer ", "api_key", "kc-api-", "lo_0123abcd_", "ticket.", "x=",
])  # fmt: skip


def seconds(text: str) -> float:
    """What it takes of one thread, whatever else the machine does."""
    found = []
    for _ in range(3):
        began_s = time.thread_time()
        clean_text(text)
        found.append(time.thread_time() - began_s)
    return min(found)


@settings(max_examples=40, deadline=None)
@given(st.tuples(PIECES, PIECES, PIECES))
def test_a_text_that_is_four_times_as_long_takes_no_more_than_about_four_times_as_long(
    pieces: tuple[str, str, str],
) -> None:
    """Where each letter begins another search of all that follow, it is sixteen times."""
    first, again, last = pieces
    short_s, long_s = (seconds(first + again * count + last) for count in (8_000, 32_000))
    assert long_s < 9.0 * short_s + 2e-3


def test_a_secret_at_the_end_of_a_long_word_is_found() -> None:
    name = 16_000 * "a" + "-token"
    assert clean_text(f"{name}={WORD} x") == f"{name}={REDACTED} x"
    assert clean_text(f"url=https://host?{name}={WORD}") == f"url=https://host?{name}={REDACTED}"


class Silent:
    """Fails when it is to say what it is."""

    def __str__(self) -> str:
        raise ZeroDivisionError("a fault of whoever wrote it")


def test_a_value_that_cannot_be_said_costs_no_line() -> None:
    said = redact(None, "info", {"event": "x", "one": Silent(), "more": [{Silent(): Silent()}]})
    told = "<Silent>"
    assert said == {"event": "x", "one": told, "more": [{told: told}]}
