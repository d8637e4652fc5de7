"""Names: never twice, always alike from the same seed, and of the exchange's form."""

import re

from liveopt.exchange_sim.ids import Ids


def names(seed: int) -> list[str]:
    ids = Ids(seed)
    at_ns = 1_800_000_000 * 10**9
    return [
        name
        for _ in range(50)
        for name in (
            ids.spot_order(at_ns), ids.spot_stop(), ids.futures_order(), str(ids.number()),
        )
    ]  # fmt: skip


def test_the_same_seed_gives_the_same_names_and_another_seed_others() -> None:
    assert names(1) == names(1)
    assert not set(names(1)) & set(names(2))
    assert len(set(names(1))) == len(names(1))


def test_names_have_the_form_of_the_exchange() -> None:
    spot, stop, futures, number = names(3)[:4]
    assert re.fullmatch("[0-9a-f]{24}", spot)
    assert re.fullmatch("vs[0-9a-z]{22}", stop)
    assert re.fullmatch("[0-9]{18}", futures)
    assert re.fullmatch("[0-9]{14}", number)
