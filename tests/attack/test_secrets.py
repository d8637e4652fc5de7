"""A part of the canaries at every test run; `make attack-secrets` plays all of them."""

import random
from pathlib import Path

import pytest
import structlog

from liveopt import logs
from tests.attack.secrets_canaries import Canary, Search, needles, spellings
from tests.attack.secrets_pipeline import WAYS, Sink, canaries, play, register, say
from tests.attack.secrets_service import drive

EVENTS = 3_000


def test_no_log_event_carries_a_secret_out() -> None:
    played = play(EVENTS, seed=7)
    assert played.hits == []
    assert played.lines == EVENTS
    assert played.redacted >= EVENTS


def test_without_redaction_the_search_finds_every_kind_in_every_spelling() -> None:
    luck = random.Random(7)
    found, environ = canaries(luck)
    sink = Sink(Search(found))
    register(found, environ, sink)
    try:
        kept = [one for one in structlog.get_config()["processors"] if one is not logs.redact]
        structlog.configure(processors=[*kept[:-1], structlog.processors.KeyValueRenderer()])
        for canary in found:
            for before in (b"", b"a", b"ab"):
                for _, text in spellings(canary.raw, before):
                    WAYS[0](luck, text)
        sink.settle()
    finally:
        structlog.reset_defaults()
    assert {kind for kind, _, _ in sink.search.hits} == {canary.kind for canary in found}
    for how in ("hex", "HEX", "first half", "last half", "URL, every byte"):
        assert len({kind for kind, name, _ in sink.search.hits if name == how}) > 5, how
    for number in range(3):
        assert any(f"at {number}" in how for _, how, _ in sink.search.hits)


def test_what_is_looked_for_in_base64_does_not_depend_on_what_stands_around() -> None:
    raw = bytes(range(40))
    for before in (b"", b"x", b"xy", b"xyz"):
        text = dict(spellings(raw, before, b"after"))[f"base64 at {len(before) % 3}"].encode()
        assert any(one.spelled in text for one in needles(Canary("a", raw)) if "64" in one.how)


def test_the_same_seed_says_the_same() -> None:
    first, second = random.Random(3), random.Random(3)
    assert canaries(first) == canaries(second)
    say(first, canaries(first)[0])
    say(second, canaries(second)[0])
    assert first.getstate() == second.getstate()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_real_service_keeps_its_secrets(tmp_path: Path) -> None:
    found = drive(tmp_path, seed=7)
    assert found["hits"] == []
    assert found["answers"] > 200
    assert found["webhooks"] > 0
