"""Promotions follow from the inputs alone: cut, torn, restarted or foreseen, they are the same."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.live.replay import Replay
from liveopt.walk.events import Input
from liveopt.walk.lines import written
from liveopt.walk.verdicts import Demoted, Promoted
from tests.contest import opening, turned
from tests.run import Folded, Live, contents, folded, run_of, strategies

pytestmark = pytest.mark.timeout(180)
examples = settings(max_examples=8, deadline=None)


@cache
def events() -> tuple[Input, ...]:
    """Somebody is promoted, and proves the worse when the market has turned."""
    return (*opening(), *turned(300, 250))


@cache
def whole() -> Folded:
    """The run without a break."""
    return folded(events())


def test_there_is_a_promotion_and_a_demotion_in_it() -> None:
    assert len(whole().of(Promoted)) >= 1
    assert len(whole().of(Demoted)) >= 1


def test_a_replay_promotes_and_demotes_the_same(tmp_path: Path) -> None:
    found = Replay(run_of(tmp_path, events()), strategies())
    for _ in found.steps():
        pass
    assert found.difference is None
    assert found.inputs == len(events())


@examples
@given(cuts=st.sets(st.integers(1, len(events()) - 1), min_size=1, max_size=4))
def test_a_run_that_is_started_again_decides_what_it_would_have(cuts: set[int]) -> None:
    with TemporaryDirectory() as one:
        room, last = Path(one), 0
        for cut in (*sorted(cuts), len(events())):
            live = Live(room)
            live.take(events()[last:cut])
            if cut % 2:
                live.snapshot()
            live.close()
            last = cut
        journals = contents(room / "run")
    made: dict[str, list[bytes]] = {}
    for journal, record in whole().outs:
        made.setdefault(journal, []).append(written(record))
    assert {name: journals[name] for name in made} == made


@examples
@given(known=st.integers(1, len(events()) - 1))
def test_what_is_decided_knows_nothing_of_what_comes(known: int) -> None:
    prefix = [written(record) for _, record in folded(events()[:known]).outs]
    assert prefix == [written(record) for _, record in whole().outs][: len(prefix)]
