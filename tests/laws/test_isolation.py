"""What becomes of one variant is nobody else's business: their records are the same bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.core.strategy import Knob, Strategy
from liveopt.walk.events import Input, Pause, Resume, Retire, Strayed, Target
from liveopt.walk.records import VariantStopped
from liveopt.walk.state import State
from liveopt.walk.variant import Variant
from tests.run import SYMBOL, TERMS, Folded, folded, opening, strategies, ticks, variants

pytestmark = pytest.mark.timeout(180)

TICKS = 360
STEP_S = 20.0
examples = settings(max_examples=15, deadline=None)
EVERYBODY = variants(16, reckless=0.4)
OPENED = len(opening(EVERYBODY))

Deed: TypeAlias = tuple[int, str, int]
"""Before so many ticks, this happens to a variant."""
deeds = st.lists(
    st.tuples(
        st.integers(1, TICKS - 1),
        st.sampled_from(["nan", "inf", "pause", "resume", "retire", "strayed"]),
        st.integers(0, 15),
    ),
    min_size=1,
    max_size=12,
).map(sorted)


@cache
def market() -> tuple[Input, ...]:
    return tuple(ticks(TICKS, step_s=STEP_S))


@cache
def undisturbed() -> Folded:
    return folded([*opening(EVERYBODY), *market()])


def test_the_market_of_these_tests_moves_them() -> None:
    found = undisturbed().of(VariantStopped)
    assert 2 <= len(found) < len(EVERYBODY)
    assert sum(len(said) > 8 for said in undisturbed().by_variant().values()) > 12


def do(run: Folded, what: str, name: str) -> None:
    match what:
        case "nan" | "inf":
            found = run.state.find(name)
            assert found is not None
            _, group, place, _ = found
            group.batch.put("a_cash", place, float(what))
        case "pause":
            run.take([Pause(1, (name,), "me")])
        case "resume":
            run.take([Resume(1, (name,), "me")])
        case "retire":
            run.take([Retire(1, (name,), "me")])
        case _:
            run.take([Strayed(1, name, "slow_hang")])


@examples
@given(deeds)
def test_nobody_notices_what_happens_to_some(given_: list[Deed]) -> None:
    run, done = folded(opening(EVERYBODY)), 0
    for at, what, whom in given_:
        run.take(market()[done:at])
        do(run, what, f"v{whom:03d}")
        done = at
    run.take(market()[done:])
    told = {f"v{whom:03d}" for _, _, whom in given_}
    mine, theirs = run.by_variant(), undisturbed().by_variant()
    for name in theirs.keys() - told:
        assert mine[name] == theirs[name]


@examples
@given(st.lists(st.sampled_from(EVERYBODY), min_size=1, unique_by=lambda v: v.id))
def test_who_else_is_there_and_in_which_order_changes_nothing(chosen: list[Variant]) -> None:
    """A loss limit that is breached between two ticks shows when its own position closes."""
    found = folded([*opening(chosen), *market()]).by_variant()
    for name in [v.id for v in chosen] + ["main"]:
        assert found[name] == undisturbed().by_variant()[name]


def test_an_order_to_one_hides_no_breach_of_another() -> None:
    """A stranger is paused at the tick of a breach: who breached is stopped all the same."""
    stops: list[Any] = undisturbed().of(VariantStopped)
    first = stops[0]
    stranger = next(v.id for v in EVERYBODY if v.id not in {s.variant for s in stops})
    for at in range(1, TICKS):
        if market()[at].at_ns > first.at_ns:  # type: ignore[union-attr]
            break
    for before in range(max(1, at - 4), at + 1):
        run = folded([*opening(EVERYBODY), *market()[:before]])
        run.take([Pause(1, (stranger,), "me"), *market()[before:]])
        assert run.by_variant()[first.variant] == undisturbed().by_variant()[first.variant]


def test_the_places_of_those_who_left_are_forgotten_and_nobody_notices() -> None:
    many = variants(160, seed=5, reckless=0.0)
    gone = tuple(v.id for v in many if int(v.id[1:]) % 10)
    quiet = folded([*opening(many), *market()])
    run = folded([*opening(many), *market()[:150], Retire(1, gone, "me"), *market()[150:]])
    seats = sum(len(g.seats) for _, g in run.state.groups() if not g.champion)
    assert seats == len(many) - len(gone)
    for name in {v.id for v in many} - {*gone}:
        assert run.by_variant()[name] == quiet.by_variant()[name]


def test_who_stays_through_every_rotation_does_not_notice_them() -> None:
    terms = msgspec.structs.replace(TERMS, variants_max=12, rotate_bars=6)
    run = folded([*opening(EVERYBODY, terms), *market()])
    rotated = {s.variant for s in run.of(VariantStopped) if s.reason == "rotated"}  # type: ignore[attr-defined]
    alone = folded([*opening(EVERYBODY[:12], terms), *market()])
    stayed = {v.id for v in EVERYBODY[:12]} - rotated
    assert rotated
    assert stayed
    for name in stayed:
        assert run.by_variant()[name] == alone.by_variant()[name]


# strategies that say nonsense, and those of other processes -------------------------------------


@dataclass(slots=True)
class Stray:
    target: float = 0.0


def says(bar: Any, k: Any, x: Any, m: Any) -> float:
    """Long and flat by turns, until it says something else once."""
    turn = 1.0 if m.target == 0.0 else 0.0
    return k.word if bar.n == k.bar else turn


STRAY = Strategy(
    "",
    says,
    Stray,
    {"bar": Knob(0.0, 1e9, 0.0, ""), "word": Knob(-1e9, 1e9, 0.0, "")},
    warmup=lambda k: k["bar"] * 0.0 + 1.0,
    name="stray",
)


def stray(name: str, bar: float) -> Variant:
    own: dict[str, float | str] = {"bar": bar, "word": 7.0, "fraction": 0.01, "leverage": 1.0}
    return Variant(name, "stray", SYMBOL, own)


def with_strays(bars: Sequence[float]) -> Folded:
    run = Folded(State({**strategies(), "stray": STRAY}))
    strays = [stray(f"s{number}", bar) for number, bar in enumerate(bars)]
    return run.take([*opening([*EVERYBODY, *strays]), *market()])


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(2, 90), min_size=3, max_size=3))
def test_a_word_that_is_no_target_stops_who_said_it_and_nobody_else(bars: list[int]) -> None:
    sound = with_strays([1e9, 1e9, 1e9, 1e9])
    run = with_strays([1e9, *map(float, bars)])
    mine, theirs = run.by_variant(), sound.by_variant()
    for name in theirs.keys() - {"s1", "s2", "s3"}:
        assert mine[name] == theirs[name]
    stopped: dict[str, Any] = {s.variant: s for s in run.of(VariantStopped)}  # type: ignore[attr-defined]
    for number, bar in enumerate(bars, 1):
        assert stopped[f"s{number}"].reason == "no_target"
        assert stopped[f"s{number}"].at_ns == market()[0].at_ns + bar * 60_000_000_000  # type: ignore[union-attr]


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, TICKS - 1), st.sampled_from([-1, 0, 1])), max_size=20),
    st.integers(1, TICKS - 1),
)
def test_the_words_and_the_end_of_a_slow_strategy_touch_nobody(
    words: list[tuple[int, int]], end: int
) -> None:
    own: dict[str, float | str] = {"fraction": 0.1, "leverage": 2.0, "sparkle": 3.0}
    slow = [Variant(n, "mine", SYMBOL, own, lane="slow") for n in ("slow1", "slow2")]
    run, done = folded(opening([*EVERYBODY, *slow])), 0
    for at, word in sorted(words):
        run.take(market()[done:at])
        run.take([Target(1, "slow1", word if at < end else 7), Target(1, "slow2", word)])
        done = at
    run.take(market()[done:])
    run.take([Strayed(1, "slow1", "slow_hang")])
    theirs = undisturbed().by_variant()
    for name in theirs:
        assert run.by_variant()[name] == theirs[name]
    found = run.state.find("slow2")
    assert found is not None
    held = [word for at, word in sorted(words)][-1:]
    if words and max(at for at, _ in words) < TICKS - 1:
        assert [found[1].batch.cell("a_side")[found[2]]] == held
