"""Market events are values: frozen, comparable and readable again from a journal."""

import msgspec
import pytest

from liveopt.core.events import Bar, Closed, Gap, LateTick, Tick

TICK = Tick(1, 2.0, 3.0)
EVENTS = [TICK, Bar(1, 2.0, 3.0, 1.0, 2.5, 4.0), LateTick(TICK, 60), Gap(60, 120), Closed()]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_from_json_as_it_was(event: msgspec.Struct) -> None:
    coded = msgspec.json.encode(event)
    assert msgspec.json.decode(coded, type=Tick | Bar | LateTick | Gap | Closed) == event


def test_an_event_is_never_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        TICK.price = 1.0  # type: ignore[misc]
