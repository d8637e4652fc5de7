"""An epoch cut anywhere and taken up again is the same epoch."""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.promotion.epoch import Epoch
from liveopt.promotion.kept import Kept, kept, restored
from tests.unit.promotion.drive import TERMS, drive, noise, opened, same, whole

NAMES = ("a", "b", "c", "d")


def again(epoch: Epoch) -> Epoch:
    """Through bytes and back."""
    return restored(msgspec.msgpack.decode(whole(epoch), type=Kept), epoch.terms)


def under_way() -> Epoch:
    """With a look whose result nobody has taken."""
    epoch = opened(NAMES)
    drive(epoch, noise(1, 49, 4))
    epoch.tally(noise(2, 1, 4)[0], np.ones(4, np.bool_))
    assert epoch.work is not None
    return epoch


def between() -> Epoch:
    """With bars that no look has seen."""
    epoch = opened(NAMES)
    drive(epoch, noise(1, 48, 4))
    assert len(epoch.recent) == 3
    return epoch


@given(st.integers(0, 2**32), st.sets(st.integers(0, 74), max_size=8))
@settings(max_examples=20)
def test_a_run_that_was_cut_is_the_run_that_was_not(seed: int, cuts: set[int]) -> None:
    bars = noise(seed, 75, 4, 0.004)
    straight, cut = opened(NAMES), opened(NAMES)
    found = []
    for t, row in enumerate(bars):
        if t in cuts:
            cut = again(cut)
        if (outcome := cut.settle()) is not None:
            found.append(outcome)
        if t == 40:
            cut.dismiss([1])
            cut.admit(["e", "f"])
        cut.tally(np.resize(row, len(cut.names)), np.ones(len(cut.names), np.bool_))
    looks = drive(straight, bars[:40])
    straight.dismiss([1])
    straight.admit(["e", "f"])
    looks += drive(straight, np.stack([np.resize(row, 5) for row in bars[40:]]))
    found += [outcome] if (outcome := cut.settle()) is not None else []
    assert all(same(one, other) for one, other in zip(looks, found, strict=True))
    assert whole(straight) == whole(cut)


@pytest.mark.parametrize("make", [under_way, between, lambda: Epoch(TERMS, 3)])
def test_what_comes_back_is_what_was_kept(make: Callable[[], Epoch]) -> None:
    epoch = make()
    assert whole(again(epoch)) == whole(epoch)
    assert again(again(epoch)).names == epoch.names


def test_to_be_kept_does_not_end_a_look_for_who_settles_it() -> None:
    kept_one, other = under_way(), under_way()
    kept(kept_one)
    kept(kept_one)
    one, two = kept_one.settle(), other.settle()
    assert one is not None
    assert two is not None
    assert same(one, two)
    assert whole(kept_one) == whole(other)


def test_the_epoch_that_comes_back_shares_nothing_with_its_bytes() -> None:
    found = kept(between())
    before = msgspec.msgpack.encode(found)
    drive(restored(found, TERMS), noise(4, 20, 4))
    assert msgspec.msgpack.encode(found) == before


@pytest.mark.parametrize("name", sorted(kept(Epoch(TERMS, 1)).arrays))
@pytest.mark.parametrize("cut", [1, 8, 4 * 8])
def test_an_array_of_another_size_is_refused(name: str, cut: int) -> None:
    found = kept(under_way())
    for wrong in (found.arrays[name][:-cut], found.arrays[name] * 2, b""):
        changed = msgspec.structs.replace(found, arrays=found.arrays | {name: wrong})
        with pytest.raises(ValueError, match=r"\w"):
            restored(changed, TERMS)


@pytest.mark.parametrize("name", ["evidence", "spread", "crossed"])
def test_a_result_of_another_size_is_refused(name: str) -> None:
    found = kept(under_way())
    assert found.outcome is not None
    whole_one = getattr(found.outcome, name)
    for wrong in (whole_one[:-1], whole_one * 2, whole_one[: len(whole_one) // 2], b""):
        outcome = msgspec.structs.replace(found.outcome, **{name: wrong})
        with pytest.raises(ValueError, match=r"\w"):
            restored(msgspec.structs.replace(found, outcome=outcome), TERMS)


@pytest.mark.parametrize("values", [0, 3, 5])
def test_bars_of_another_size_are_refused(values: int) -> None:
    found = msgspec.structs.replace(kept(between()), recent=[bytes(4 * values)] * 3)
    with pytest.raises(ValueError, match=r"\w"):
        restored(found, TERMS)


def test_ladders_of_another_size_are_refused() -> None:
    found = msgspec.structs.replace(kept(between()), alive=b"\x01" * 98)
    with pytest.raises(ValueError, match=r"\w"):
        restored(found, TERMS)


@pytest.mark.parametrize("make", [under_way, between])
def test_other_terms_are_refused(make: Callable[[], Epoch]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        restored(kept(make()), msgspec.structs.replace(TERMS, worlds=100))
