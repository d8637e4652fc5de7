"""Promotions follow from the inputs alone: cut, torn, restarted or foreseen, they are the same."""

from functools import cache
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from liveopt.live.replay import Replay
from liveopt.walk.events import (
    Add,
    Demote,
    Halt,
    Input,
    Pause,
    Promote,
    Reopen,
    Resume,
    Retire,
)
from liveopt.walk.image import image, restored
from liveopt.walk.lines import written
from liveopt.walk.verdicts import Demoted, Promoted, SeasonEnded
from tests.contest import GATE, QUICK, opening, turned
from tests.run import SYMBOL, Folded, Live, contents, folded, run_of, strategies, variant

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


@cache
def rich() -> tuple[Input, ...]:
    """The same with all that people do in it, places changing hands, and seasons that end."""
    gate = replace(GATE, season=40, new_seasons=True)
    late = [variant(f"w{n}", **(QUICK | {"leverage": 1.0 + n})) for n in range(4)]
    market = turned(260, 120)
    way: dict[int, tuple[Input, ...]] = {
        80: (Promote(1, "late", "ann", "why not"),),
        120: (Demote(1, SYMBOL, "ann", ""),),
        150: (Add(1, tuple(late), "ann"), Pause(1, ("bold",), "ann")),
        300: (Halt(1, 1, "halt"),),
        330: (Reopen(1, 2), Resume(1, ("bold",), "ann")),
        500: (Promote(1, "late", "ann", "why not"), Pause(1, ("main",), "ann")),
        600: (Demote(1, SYMBOL, "ann", ""), Resume(1, ("main",), "ann")),
        700: (Demote(1, SYMBOL, "ann", ""), Retire(1, ("w1", "nobody"), "ann")),
        1_000: (Halt(1, 3, "halt_and_flatten"),),
        1_040: (Reopen(1, 4),),
    }
    steps = ((*way.get(n, ()), tick) for n, tick in enumerate(market))
    start = opening(gate=gate, variants_max=5, rotate_bars=25)
    return (*start, *chain.from_iterable(steps))


def test_a_run_put_down_and_taken_up_at_every_event_is_the_run() -> None:
    straight, kept = Folded(), Folded()
    for event in rich():
        straight.take([event])
        kept.take([event])
        kept.state = restored(image(kept.state), strategies())
    assert [written(r) for _, r in kept.outs] == [written(r) for _, r in straight.outs]
    assert image(kept.state) == image(straight.state)
    assert {SeasonEnded, Promoted, Demoted} <= {type(r) for _, r in straight.outs}
