"""Strangers' names and plain numbers as people read them, safe where they stand.

A name comes from a file that anybody may have made. In a text it is one line without anything that
moves the cursor; in Markdown it is code, which no reader takes for anything else; in CSV it never
begins as a formula does.
"""

import re
from typing import Final, Literal

from liveopt.data.panel.panel import Dates

Kind = Literal["money", "ratio", "share", "count"]
"""Of a number: in the file's currency, without a unit, a fraction shown in per cent, whole."""

DASH: Final = "\N{EN DASH}"
LARGE: Final = 1e6
"""From here on a ratio is whole: its fourth digit after the point says nothing."""
FINE: Final = 5e-4
"""A share below this has more digits, or a session's risk would be nothing."""
LONG: Final = 48
"""Characters of a name in a table; the CSV and the workbook have all of them."""
_FORMULA: Final = "=+@-\uff1d\uff0b\uff20\uff0d"
"""As they are and as wide as Chinese; the hyphen-minus stands where it is no range."""
_BEGIN: Final = re.compile("(^|[;\t\r\n])(?=['\"\t\r\n" + re.escape(_FORMULA) + "])")
_MARK: Final = re.compile(r"(^|[;\t\r\n])'")


def number(value: float, kind: Kind = "ratio") -> str:
    """With as many digits as it needs; what is undefined is a dash."""
    if value != value:  # noqa: PLR0124 - NaN alone
        return DASH
    if value in {float("inf"), float("-inf")}:
        return "infinite" if value > 0.0 else "minus infinite"
    size = abs(value)
    if kind == "count":
        return f"{value:,.0f}"
    if kind == "share":
        found = f"{value:.4%}" if 0.0 < size < FINE else f"{value:.2%}"
    elif size >= 1e15 or 0.0 < size < 1e-4:
        found = f"{value:.4g}"
    elif kind == "money":
        found = f"{value:,.2f}" if size >= 1.0 or not size else f"{value:.6f}"
    else:
        found = f"{value:,.0f}" if size >= LARGE else f"{value:,.4f}"
    return found if any(c in "123456789" for c in found) else found.removeprefix("-")


def line(name: str, most: int = LONG) -> str:
    """A name on one line: what cannot be printed is written as its code, what is long is cut."""
    found = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    found = found.strip() or "(no name)"
    if len(found) <= most:
        return found
    tail = (most - 1) // 3
    return f"{found[: most - 1 - tail]}…{found[-tail:]}"


def code(name: str, most: int = LONG) -> str:
    """A name in Markdown, in a table too: nothing in it is markup, a link or the end of a cell."""
    found = line(name, most).replace("\\|", "¦").replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", found)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {found} {fence}" if longest else f"`{found}`"


def cell(name: str) -> str:
    """A name in CSV. A ' stands before what a spreadsheet would take for more than text.

    That is = + - @ (wide ones too), quotes, tabs and line ends, where the name begins or, for who
    reads CSV with other separators, after a ; tab or line end. `uncell` takes them away again.
    """
    return _BEGIN.sub(r"\1'", name)


def uncell(text: str) -> str:
    """The name that `cell` made this of."""
    return _MARK.sub(r"\1", text)


def plural(count: int, word: str) -> str:
    """1 session, 2 sessions."""
    many = word[:-1] + "ies" if word.endswith("y") and word != "day" else word + "s"
    return f"{count:,} {word if count == 1 else many}"


def span(dates: Dates) -> str:
    """From the first to the last."""
    if not len(dates):
        return "no dates"
    first, last = str(dates.min()), str(dates.max())
    return first if first == last else f"{first} to {last}"
