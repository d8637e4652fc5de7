"""The random signs of the shadow worlds, by counting: the same ones at every restart."""

from typing import Any

import numpy as np
import numpy.typing as npt

WORD_BITS = 64


def signs(key: tuple[int, int], first: int, bars: int, worlds: int) -> npt.NDArray[np.float32]:
    """[bar, world] of +1 and -1, from evidence bar `first` on; `key` is the run's seed and epoch.

    Philox (Salmon et al. 2011) is a function of key and counter: nothing is drawn in between.
    """
    found = np.empty((bars, worlds), np.float32)
    words = -(-worlds // WORD_BITS)
    secret: Any = np.array(key, np.uint64)
    for n in range(bars):
        counter: Any = np.array([0, 0, 0, first + n], np.uint64)
        raw = np.random.Philox(key=secret, counter=counter).random_raw(words)
        bits = np.unpackbits(raw.astype("<u8").view(np.uint8), bitorder="little")[:worlds]
        found[n] = 2.0 * bits - 1.0
    return found
