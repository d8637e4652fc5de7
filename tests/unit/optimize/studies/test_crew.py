"""Who evaluates changes no bit."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from liveopt.engine.cpu import Cpu
from liveopt.optimize.parameters import Variants
from liveopt.optimize.studies.crew import Crew, Terms, begin, measure, memory_bytes
from tests.studies import YEAR, candles, run_of

RUN = run_of(candles(600, swing=0.01))


def variants(count: int) -> Variants:
    rng = np.random.default_rng(count)
    fast = rng.integers(2, 50, count).astype(float)
    slow = fast + rng.integers(1, 100, count).astype(float)
    return Variants(
        {"kind": "sma"}, {"fast": fast, "slow": slow}, {"fraction": np.full(count, 0.5)}, 0
    )


@pytest.mark.parametrize("count", [1, 63, 200])
def test_in_parts_and_in_little_room_the_figures_are_the_same(count: int) -> None:
    own = variants(count)
    wanted = measure(RUN, own, (0, 600), Cpu(1), 1 << 30)
    little = measure(RUN, own, (0, 600), Cpu(1), 1)
    terms = Terms(
        "ma_crossover", RUN.setup.rule, RUN.setup.instrument, 1e4, RUN.rows, YEAR, 1 << 20
    )
    begin_here(terms)
    with ThreadPoolExecutor(1) as pool:  # any executor will do
        shared = Crew(RUN, Cpu(1), 1 << 30, pool, 3).metrics(own, (0, 600))
    for found in (little, shared):
        np.testing.assert_equal(found, wanted)


def begin_here(terms: Terms) -> None:
    """What a process does first, without leaving the test deaf to Ctrl-C."""
    import signal

    heard = signal.getsignal(signal.SIGINT)
    begin(terms)
    signal.signal(signal.SIGINT, heard)


def test_each_variant_is_what_it_is_alone() -> None:
    own = variants(100)
    together = measure(RUN, own, (50, 550), Cpu(1), 1 << 30)
    at = 37
    alone = Variants(
        own.choices, {n: v[at : at + 1] for n, v in own.knobs.items()},
        {n: v[at : at + 1] for n, v in own.risk.items()}, 0,
    )  # fmt: skip
    for one, all_ in zip(measure(RUN, alone, (50, 550), Cpu(1), 1 << 30), together, strict=True):
        for name, values in one.items():
            np.testing.assert_equal(values[0], all_[name][at])


def test_the_pessimistic_account_is_another() -> None:
    main, late = measure(RUN, variants(100), (0, 600), Cpu(1), 1 << 30)
    assert np.mean(late["roi"]) != np.mean(main["roi"])


def test_memory_grows_with_bars_workers_and_candidates() -> None:
    usual = memory_bytes(RUN, 1_000, 0, 1_000)
    assert memory_bytes(RUN, 100_000, 0, 1_000) > 20 * (usual - RUN.rows.table.nbytes)
    assert memory_bytes(RUN, 1_000, 3, 1_000) >= usual + 3 * RUN.rows.table.nbytes
    assert memory_bytes(RUN, 1_000, 0, 100_000) > usual
