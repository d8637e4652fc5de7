"""Input by input through a recorded run."""

from pathlib import Path

import pytest

from liveopt.core.events import Tick
from liveopt.live.replay import Replay
from liveopt.walk.image import image
from liveopt.walk.state import State
from tests.run import Folded, opening, run_of, strategies, ticks, variants

EVENTS = [*opening(variants(6)), *ticks(120, step_s=20.0)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_of(tmp_path_factory.mktemp("run"), EVENTS)


def test_each_step_is_an_input_and_what_came_of_it(folder: Path) -> None:
    found = Replay(folder, strategies())
    again = Folded()
    for step, event in zip(found.steps(), EVENTS, strict=True):
        since = len(again.outs)
        again.take([event])
        assert (step.event, step.outs) == (event, again.outs[since:])
        assert step.seq == again.state.events
        assert image(found.state) == image(again.state)
    assert found.ticks == sum(isinstance(event, Tick) for event in EVENTS)
    assert (found.stopped, found.damage, found.difference) == (False, "", None)


def test_it_can_stop_at_once(folder: Path) -> None:
    found = Replay(folder, strategies(), until=lambda *_: True)
    assert list(found.steps()) == []
    assert (found.stopped, found.inputs) == (True, 0)
    assert image(found.state) == image(State(strategies()))


def test_a_folder_without_journals_is_an_empty_run(tmp_path: Path) -> None:
    found = Replay(tmp_path, strategies())
    assert list(found.steps()) == []
    assert (found.inputs, found.compared, found.difference) == (0, 0, None)


def test_the_digest_is_the_same_each_time(folder: Path) -> None:
    digests = set()
    for _ in range(2):
        found = Replay(folder, strategies())
        assert len(list(found.steps())) == len(EVENTS)
        digests.add(found.digest)
    assert len(digests) == 1
