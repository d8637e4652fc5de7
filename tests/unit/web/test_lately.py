"""What is of the last hour: counted when it happens, forgotten when it is past."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from liveopt.web.lately import HOUR, MINUTE_MS, Lately
from liveopt.web.picture import Picture
from tests.unit.web.watching import Engine

HOUR_MS = HOUR * MINUTE_MS


class World:
    """An engine, who sees it, and a clock."""

    def __init__(self) -> None:
        self.engine, self.picture, self.lately = Engine(), Picture(), Lately()
        self.now_ms = 10 * HOUR_MS

    def see(self, later_ms: int = 1_000, **report: Any) -> tuple[int, int]:
        self.now_ms += later_ms
        self.engine.report |= report
        self.picture.take(self.engine.frame(), 1.0, 1_000)
        self.lately.see(self.picture, self.now_ms)
        return self.lately.crash_rate(self.picture.report)

    def restarted(self) -> None:
        """The engine's process is another one."""
        self.engine = Engine(boot=f"{self.engine.boot}+")


def of(crashed: int, **variants: int) -> dict[str, Any]:
    return {"stopped": {"error": crashed} if crashed else {}, "variants": variants}


def test_a_crash_counts_for_an_hour_and_no_longer() -> None:
    world = World()
    assert world.see(**of(0, active=100)) == (0, 100)
    assert world.see(**of(15, active=85, stopped=15)) == (15, 100)
    assert world.see(HOUR_MS - MINUTE_MS, **of(15, active=85, stopped=15)) == (15, 100)
    assert world.see(MINUTE_MS, **of(15, active=85, stopped=15)) == (0, 100)


def test_who_was_replaced_is_of_those_there_were() -> None:
    world = World()
    world.see(**of(0, active=1_000))
    assert world.see(**of(150, active=850, stopped=150)) == (150, 1_000)
    assert world.see(**of(150, active=1_000)) == (150, 1_150)


def test_only_errors_are_crashes() -> None:
    world = World()
    world.see(**of(0, active=10))
    stopped = {"safety_loss_limit": 5, "retired": 1, "error": 1, "slow_timeout": 2}
    assert world.see(stopped=stopped, variants={"active": 1, "stopped": 9})[0] == 3


def test_an_engine_that_starts_again_counts_from_nothing() -> None:
    world = World()
    world.see(**of(0, active=10))
    world.see(**of(4, active=6, stopped=4))
    world.restarted()
    assert world.see(**of(0, active=6, stopped=4)) == (4, 10)
    assert world.see(**of(2, active=4, stopped=6)) == (6, 10)


def test_who_comes_later_counts_those_that_crashed_and_are_still_there() -> None:
    world = World()
    assert world.see(**of(500, active=97, stopped=3)) == (3, 100), "the others are of long ago"
    assert world.see(HOUR_MS, **of(500, active=97, stopped=3)) == (0, 100)


def test_without_an_engine_there_is_nothing() -> None:
    lately = Lately()
    lately.see(Picture(), 5)
    assert (lately.crash_rate({}), lately.refused_ms) == ((0, 0), None)


def test_a_refusal_is_when_the_exchange_refuses_and_not_when_we_begin_to_look() -> None:
    world = World()

    def refused_ms(quota: int, edge: int, overloads: int) -> int | None:
        world.see(budget={"quota_429": quota, "edge_blocks": edge, "overloads": overloads})
        return world.lately.refused_ms

    assert refused_ms(7, 1, 3) is None
    assert refused_ms(7, 1, 9) is None, "an overload is not for our number"
    assert refused_ms(8, 1, 9) == (seen_ms := world.now_ms)
    world.restarted()
    world.see(budget=None)
    assert world.lately.refused_ms == seen_ms
    assert refused_ms(0, 1, 0) == world.now_ms
    world.see(-HOUR_MS)
    assert world.lately.refused_ms == world.now_ms, "the clock was set back: it is not to come"


@given(
    st.lists(
        st.tuples(st.integers(-2 * HOUR_MS, 2 * HOUR_MS), st.integers(0, 9), st.booleans()),
        max_size=40,
    )
)
def test_never_more_than_crashed_and_never_sticking_whatever_the_clock_does(
    steps: list[tuple[int, int, bool]],
) -> None:
    world, total, all_of_them = World(), 0, 0
    world.see(**of(0, active=10))
    for later_ms, more, again in steps:
        if again:
            world.restarted()
            total = 0
        total, all_of_them = total + more, all_of_them + more
        crashed, there = world.see(later_ms, **of(total, active=10))
        assert more <= crashed <= all_of_them
        assert crashed <= there
    assert world.see(HOUR_MS, **of(total, active=10))[0] == 0
    assert len(world.lately._minutes) <= HOUR
