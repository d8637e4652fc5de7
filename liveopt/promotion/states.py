"""Where a symbol's contest stands, and what leads where: the whole of it, as a table."""

from typing import Final, Literal

Phase = Literal["gathering", "cooling", "found"]
"""gathering: nobody has passed. cooling: the champion is new; evidence counts, but nobody is
promoted yet. found: somebody has passed and waits for the operator's consent."""
Cause = Literal["passed", "withdrawn", "changed", "cooled"]
"""passed: a variant holds verdict and conditions. withdrawn: none of those who passed still does.
changed: there is another champion, by whatever way. cooled: the cool-down is over."""

NEXT: Final[dict[tuple[Phase, Cause], Phase]] = {
    ("gathering", "passed"): "found",
    ("gathering", "changed"): "cooling",
    ("found", "passed"): "found",
    ("found", "withdrawn"): "gathering",
    ("found", "changed"): "cooling",
    ("cooling", "cooled"): "gathering",
    ("cooling", "changed"): "cooling",
}
"""What is not in here cannot happen."""
