"""What trades came to: each that was asked for is counted once, and a champion's never."""

import asyncio
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.walk.records import Trade
from liveopt.web import tallies
from liveopt.web.kept import Kept, Place, Wanted
from liveopt.web.tallies import Tally, tallied

A_TRADE = Trade(
    at_ns=0, variant="a", symbol="XBTUSDTM", strategy="s", parameters_hash="h", experimental=True,
    side="long", size=1.0, leverage=1.0, margin=100.0, entry_ns=0, entry_price=100.0,
    exit_price=100.0, duration_s=1.0, gross=0.0, fees=0.0, funding=0.0, net=0.0, roi=0.0,
    reason="signal", signal_strength=None,
)  # fmt: skip


def kept(variant: str, at_ns: int, roi: float, *, experimental: bool = True) -> Kept:
    trade = msgspec.structs.replace(
        A_TRADE, variant=variant, at_ns=at_ns, roi=roi, net=100.0 * roi, experimental=experimental
    )
    return Kept(Place(at_ns, "experimental-trades" if experimental else "trades", at_ns), trade)


SOME = st.lists(st.tuples(st.sampled_from("abc"), st.floats(-1.0, 1.0), st.booleans()), max_size=40)


@given(SOME, st.integers(0, 45), st.integers(0, 45), st.sampled_from(["", "a"]), st.integers(1, 5))
def test_the_tally_is_of_exactly_the_trades_that_are_listed(
    some: list[tuple[str, float, bool]], since: int, until: int, variant: str, slice_: int
) -> None:
    trades = [kept(v, n, roi, experimental=own) for n, (v, roi, own) in enumerate(some)]
    wanted = Wanted(variant=variant, experimental=True, since_ns=since, until_ns=until)
    listed = [k.record for k in trades if wanted.takes(k)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tallies, "SLICE", slice_)
        found = asyncio.run(tallied(trades, wanted))
        most = asyncio.run(found.most(2))
    assert found.all.trades == len(listed)
    assert found.all.roi == pytest.approx(sum(t.roi or 0.0 for t in listed if isinstance(t, Trade)))
    counts = Counter(trade.variant for trade in listed)
    assert {name: own.trades for name, own in found.by.items()} == counts
    assert [own.trades for _, own in most] == sorted(counts.values(), reverse=True)[:2]


def test_of_too_many_variants_the_sum_is_whole_and_that_it_is_so_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tallies, "ACCOUNTS_MAX", 2)
    found = Tally()
    for number, name in enumerate("aabc"):
        trade = kept(name, number, 0.1).record
        assert isinstance(trade, Trade)
        found.add(trade)
    assert (found.all.trades, found.all.wins, set(found.by), found.complete) == (
        4, 4, {"a", "b"}, False,
    )  # fmt: skip
