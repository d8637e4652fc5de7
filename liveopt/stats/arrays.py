"""What all of stats shares: an interval; which library an array lives in; if it varies at all."""

import sys
from typing import Any, NamedTuple

NOISE = 1e-12
"""A variance of less than this share of the mean square is rounding, not risk."""


class Interval(NamedTuple):
    """The lower and the upper end, one of each a series."""

    low: Any
    high: Any


def library_of(array: Any) -> Any:
    """The module whose array this is: numpy, or cupy where the caller works on a device."""
    return sys.modules[type(array).__module__.partition(".")[0]]


def varies(values: Any) -> Any:
    """Which columns have a variance; a constant has none, though rounding may leave it some."""
    deviation = values - values.mean(axis=0)
    return (deviation * deviation).mean(axis=0) > NOISE * (values * values).mean(axis=0)
