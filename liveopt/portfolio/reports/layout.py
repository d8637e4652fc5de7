"""Tables and paragraphs of text files and of Markdown."""

import textwrap
from collections.abc import Sequence
from typing import Final

WIDTH: Final = 100
INDENT: Final = "  "
Rows = Sequence[Sequence[str]]


def table(header: Sequence[str], rows: Rows, left: int = 1) -> list[str]:
    """Columns one under the other; the first `left` of them begin at their left."""
    every = [header, *rows]
    widths = [max(len(row[i]) for row in every) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        cells = [
            one.ljust(width) if i < left else one.rjust(width)
            for i, (one, width) in enumerate(zip(row, widths, strict=True))
        ]
        return (INDENT + "  ".join(cells)).rstrip()

    return [line(header), line(["-" * width for width in widths]), *map(line, rows)]


def pairs(rows: Rows) -> list[str]:
    """A name, a value, and what else is to be said."""
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(2)]
    return [
        f"{INDENT}{name.ljust(widths[0])}  {value.rjust(widths[1])}  {' '.join(rest)}".rstrip()
        for name, value, *rest in rows
    ]


def paragraph(text: str) -> list[str]:
    """Prose, in lines that a terminal holds."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False
    )


def points(texts: Sequence[str]) -> list[str]:
    """One after the other, each with a dash."""
    found: list[str] = []
    for text in texts:
        found += textwrap.wrap(
            text, WIDTH, initial_indent=f"{INDENT}- ", subsequent_indent=f"{INDENT}  ",
            break_on_hyphens=False,
        )  # fmt: skip
    return found


def section(title: str, *blocks: Sequence[str]) -> list[str]:
    """A headline and what stands under it; nothing if nothing does."""
    filled = [block for block in blocks if block]
    if not filled:
        return []
    found = ["", title.upper(), "=" * len(title)]
    for i, block in enumerate(filled):
        found += [""] * bool(i) + [*block]
    return found


def grid(header: Sequence[str], rows: Rows, left: int = 1) -> list[str]:
    """A table of Markdown. Cells that strangers wrote have been through `words.code`."""
    marks = ["---" if i < left else "---:" for i in range(len(header))]
    return [f"| {' | '.join(row)} |" for row in (header, marks, *rows)]


def file(lines: Sequence[str]) -> bytes:
    """The bytes of a text file."""
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
