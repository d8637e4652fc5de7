"""What a live run does to variants from outside: bars them from trading, and frees them again."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from liveopt.core.account import FREE, INF, NO_ENTRIES, OUT
from liveopt.engine.batch import Batch

Places = Sequence[int] | npt.NDArray[np.int64] | range


def bar(batch: Batch, variants: Places, level: float) -> None:
    """Bar some variants; one that is barred more already stays so. See `core.account.restrain`."""
    assert level >= NO_ENTRIES, level
    places = _places(batch, variants)
    for a in _accounts(batch):
        was = batch.cell(f"{a}_barred")[places]
        batch.put(f"{a}_barred", places, np.maximum(was, level))
        _restrain(batch, a, places)


def unbar(batch: Batch, variants: Places) -> None:
    """Free some variants; with orders forgotten, they wait for a change of their target."""
    places = _places(batch, variants)
    for a in _accounts(batch):
        _restrain(batch, a, places)
        batch.put(f"{a}_barred", places, FREE)


def _places(batch: Batch, variants: Places) -> npt.NDArray[np.int64]:
    assert batch.setup.rule.steered, "only a steered run can be barred"
    places = np.asarray(variants, np.int64)
    assert np.all((places >= 0) & (places < batch.size)), "no such variant"
    return places


def _accounts(batch: Batch) -> Iterable[str]:
    return ("a", "b")[: len(batch.program.accounts)]


def _restrain(batch: Batch, a: str, places: npt.NDArray[np.int64]) -> None:
    """`core.account.restrain` for some variants, without a bar passing."""
    barred, side = (batch.cell(f"{a}_{name}")[places] for name in ("barred", "side"))
    free, out = barred == FREE, barred >= OUT
    keeps = np.where(out, 0.0, side)

    def put(name: str, change: Any) -> None:
        if f"{a}_{name}" in batch.program.state:
            now = batch.cell(f"{a}_{name}")[places]
            batch.put(f"{a}_{name}", places, change(now))

    put("want", lambda now: np.where(free | (now == keeps), now, 0.0))
    put("queue", lambda now: np.where(free | (now == keeps), now, 0.0))
    put("free_s", lambda now: np.where(out, -INF, now))
