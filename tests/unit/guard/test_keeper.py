"""The engine's command line, as the simulator's first line completes it."""

import pytest

from liveopt.guard.keeper import filled

SAID = {"spot": "http://127.0.0.1:1", "futures": "http://127.0.0.1:2", "seed": 7}


@pytest.mark.parametrize(
    ("word", "result"),
    [
        ("{spot}", "http://127.0.0.1:1"),
        ("--feed={futures}", "--feed=http://127.0.0.1:2"),
        ("{spot},{futures}", "http://127.0.0.1:1,http://127.0.0.1:2"),
        ("{seed}", "{seed}"),
        ('{"json": {}}', '{"json": {}}'),
        ("plain", "plain"),
    ],
)
def test_only_what_the_exchange_said_as_text_is_filled_in(word: str, result: str) -> None:
    assert filled([word, word], SAID) == [result, result]


def test_without_an_exchange_nothing_is_filled_in() -> None:
    assert filled(["{spot}"], {}) == ["{spot}"]
