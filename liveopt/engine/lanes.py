"""The one machine instruction the generated code needs and numba has no name for."""

from typing import Any

from numba.core import cgutils, types
from numba.extending import intrinsic


@intrinsic
def first_bit(_context: Any, _mask: Any) -> Any:
    """The position of the lowest bit set in a 64-bit mask that is not zero."""

    def emit(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], cgutils.true_bit)

    return types.int64(types.int64), emit
